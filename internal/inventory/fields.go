package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The functions of this file read fields of unstructured objects without copying. A field that is absent or of another type than
// expected reads as empty: what is wrong with it, the destination's API server says best.

func field[T any](object map[string]any, path ...string) T {
	value, _, _ := unstructured.NestedFieldNoCopy(object, path...)
	typed, _ := value.(T)
	return typed
}

func text(object map[string]any, path ...string) string {
	return field[string](object, path...)
}

// elements returns those elements of a list that are objects.
func elements(object map[string]any, path ...string) []map[string]any {
	var found []map[string]any
	for _, element := range field[[]any](object, path...) {
		if typed, ok := element.(map[string]any); ok {
			found = append(found, typed)
		}
	}
	return found
}

// hasAnnotation tells whether the annotation is present, whatever its value.
func hasAnnotation(object *unstructured.Unstructured, key string) bool {
	_, present := object.GetAnnotations()[key]
	return present
}

// deleting tells whether the object is on its way out.
func deleting(object *unstructured.Unstructured) bool {
	return text(object.Object, "metadata", "deletionTimestamp") != ""
}
