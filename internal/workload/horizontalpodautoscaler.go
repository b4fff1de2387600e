package workload

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// horizontalPodAutoscaler keeps an autoscaler from scaling what is stopped, in both directions, by its selectPolicy.
//
// Version v1 of the API has no such field and is left alone: an autoscaler does not touch a target that is at zero replicas,
// unless its own minimum is zero.
type horizontalPodAutoscaler struct{}

func (horizontalPodAutoscaler) suspend(obj *unstructured.Unstructured) (bool, error) {
	return eachPolicy(obj, fieldSwitch.suspend)
}

func (horizontalPodAutoscaler) restore(obj *unstructured.Unstructured) (bool, error) {
	changed, err := eachPolicy(obj, func(s fieldSwitch, obj *unstructured.Unstructured) (bool, error) {
		// Where there was no policy, there was nothing else of the direction either: the server filled it in because of ours.
		wasAbsent := strings.HasPrefix(obj.GetAnnotations()[storkv1alpha1.SuspendMemoAnnotation(s.path)], ",")
		changed, err := s.restore(obj)
		if changed && wasAbsent {
			unstructured.RemoveNestedField(obj.Object, s.keys[:len(s.keys)-1]...)
		}
		return changed, err
	})
	if behavior, found, typeErr := unstructured.NestedMap(obj.Object, "spec", "behavior"); changed && found && typeErr == nil && len(behavior) == 0 {
		unstructured.RemoveNestedField(obj.Object, "spec", "behavior")
	}
	return changed, err
}

func eachPolicy(obj *unstructured.Unstructured, do func(fieldSwitch, *unstructured.Unstructured) (bool, error)) (bool, error) {
	if obj.GroupVersionKind().Version != "v2" {
		return false, nil
	}
	changed := false
	for _, path := range []string{"spec.behavior.scaleUp.selectPolicy", "spec.behavior.scaleDown.selectPolicy"} {
		one, err := do(fieldSwitch{path: path, keys: strings.Split(path, "."), suspended: "Disabled"}, obj)
		if err != nil {
			return changed, err
		}
		changed = changed || one
	}
	return changed, nil
}
