package field

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Get returns the value at keys. It is not found where a key is absent or null. The error tells that something on the way is
// not an object.
func Get(content map[string]any, keys ...string) (value any, found bool, err error) {
	value = content
	for i, key := range keys {
		parent, ok := value.(map[string]any)
		if !ok {
			return nil, false, fmt.Errorf("%s is %s, not an object", strings.Join(keys[:i], "."), TypeName(value))
		}
		if value = parent[key]; value == nil {
			return nil, false, nil
		}
	}
	return value, true, nil
}

// Map returns the object at keys; nil if there is none. It is not a copy.
func Map(content map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		content, _ = content[key].(map[string]any)
	}
	return content
}

// List returns the list at key; nil if there is none. It is not a copy.
func List(content map[string]any, key string) []any {
	list, _ := content[key].([]any)
	return list
}

// String returns the string at key; empty if there is none.
func String(content map[string]any, key string) string {
	text, _ := content[key].(string)
	return text
}

// Maps yields the objects of the list at key and passes over everything else in it.
func Maps(content map[string]any, key string) iter.Seq[map[string]any] {
	return func(yield func(map[string]any) bool) {
		for _, item := range List(content, key) {
			if object, ok := item.(map[string]any); ok && !yield(object) {
				return
			}
		}
	}
}

// Set puts value at keys, of which there must be at least one, and makes the objects that are missing on the way. The error
// tells that something on the way is not an object; content is unchanged then.
func Set(content map[string]any, value any, keys ...string) error {
	if content == nil {
		return errors.New("the object is empty")
	}
	last := len(keys) - 1
	if _, _, err := Get(content, keys...); err != nil {
		return err
	}
	for _, key := range keys[:last] {
		child, ok := content[key].(map[string]any)
		if !ok {
			child = map[string]any{}
			content[key] = child
		}
		content = child
	}
	content[keys[last]] = value
	return nil
}

// Remove deletes keys from the object itself and tells whether any of them was there.
func Remove(object map[string]any, keys ...string) (removed bool) {
	for _, key := range keys {
		if _, ok := object[key]; ok {
			delete(object, key)
			removed = true
		}
	}
	return removed
}

// RemoveAndPrune deletes what is at keys, and each object on the way that is empty without it. It tells whether it was there.
func RemoveAndPrune(content map[string]any, keys ...string) (removed bool) {
	if len(keys) < 2 {
		return Remove(content, keys...)
	}
	key, below := keys[0], keys[1:]
	child, ok := content[key].(map[string]any)
	if !ok || !RemoveAndPrune(child, below...) {
		return false
	}
	if len(child) == 0 {
		delete(content, key)
	}
	return true
}

// Annotation returns an annotation and whether it is there.
func Annotation(obj *unstructured.Unstructured, key string) (value string, found bool) {
	value, found = Map(obj.Object, "metadata", "annotations")[key].(string)
	return value, found
}

// SetAnnotation sets an annotation and tells whether it was different.
func SetAnnotation(obj *unstructured.Unstructured, key, value string) (changed bool, err error) {
	return setMetadata(obj, "annotations", key, value)
}

// SetLabel sets a label and tells whether it was different.
func SetLabel(obj *unstructured.Unstructured, key, value string) (changed bool, err error) {
	return setMetadata(obj, "labels", key, value)
}

func setMetadata(obj *unstructured.Unstructured, part, key, value string) (bool, error) {
	if old, ok := Map(obj.Object, "metadata", part)[key].(string); ok && old == value {
		return false, nil
	}
	return true, Set(obj.Object, value, "metadata", part, key)
}

// RemoveAnnotations removes annotations and tells whether any of them was there.
func RemoveAnnotations(obj *unstructured.Unstructured, keys ...string) (removed bool) {
	return removeMetadata(obj, "annotations", keys)
}

// RemoveLabels removes labels and tells whether any of them was there.
func RemoveLabels(obj *unstructured.Unstructured, keys ...string) (removed bool) {
	return removeMetadata(obj, "labels", keys)
}

func removeMetadata(obj *unstructured.Unstructured, part string, keys []string) (removed bool) {
	metadata := Map(obj.Object, "metadata")
	for _, key := range keys {
		removed = RemoveAndPrune(metadata, part, key) || removed
	}
	return removed
}

// TypeName names the JSON type of a value, for messages.
func TypeName(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "a whole number"
	default:
		return "a number"
	}
}
