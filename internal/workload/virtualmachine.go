package workload

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/godwit-io/godwit/internal/workload/field"
)

var virtualMachineKind = schema.GroupKind{Group: "kubevirt.io", Kind: "VirtualMachine"}

// forVirtualMachine turns the switch of a KubeVirt VirtualMachine's spec.runStrategy into that of spec.running where obj has
// the latter: KubeVirt allows only one of them, running true being the same as runStrategy Always.
func forVirtualMachine(obj *unstructured.Unstructured, s fieldSwitch) fieldSwitch {
	if s.path != "spec.runStrategy" || obj.GroupVersionKind().GroupKind() != virtualMachineKind {
		return s
	}
	if _, found, _ := field.Get(obj.Object, "spec", "running"); !found {
		return s
	}
	return fieldSwitch{path: "spec.running", keys: []string{"spec", "running"}, suspended: false}
}
