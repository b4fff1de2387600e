package workload

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// keySuspended is a node label that no node has.
const keySuspended = storkv1alpha1.GroupName + "/suspended"

// daemonSet stops a DaemonSet by an additional key in its pods' nodeSelector. The key is its own memo: everything else in the
// nodeSelector stays as it is, so there is nothing to remember.
type daemonSet struct{}

func nodeSelectorKeys() []string {
	return []string{"spec", "template", "spec", "nodeSelector", keySuspended}
}

func (daemonSet) suspend(obj *unstructured.Unstructured) (bool, error) {
	keys := nodeSelectorKeys()
	current, _, err := field.Get(obj.Object, keys...)
	if err != nil || current == "true" {
		return false, err
	}
	return true, field.Set(obj.Object, "true", keys...)
}

func (daemonSet) restore(obj *unstructured.Unstructured) (bool, error) {
	keys := nodeSelectorKeys()
	template := field.Map(obj.Object, keys[:3]...)
	return field.RemoveAndPrune(template, keys[3:]...), nil
}
