package workload

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
	return eachPolicy(obj, fieldSwitch.restore)
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
