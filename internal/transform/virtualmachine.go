package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// virtualMachine writes whether a KubeVirt VirtualMachine runs as its runStrategy, which replaces spec.running, and removes
// dataVolumeTemplates: the volumes come along as claims, and the templates would ask for them to be made. Stork does both, but
// gives every machine the runStrategy Always; here one that is stopped stays so.
type virtualMachine struct{}

func (virtualMachine) Name() string { return "VirtualMachine" }

func (virtualMachine) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != virtualMachineKind {
		return false, nil
	}
	spec := field.Map(obj.Object, "spec")
	changed := field.Remove(spec, "dataVolumeTemplates")
	running, ok := spec["running"]
	if !ok {
		return changed, nil
	}
	delete(spec, "running")
	switch {
	case spec["runStrategy"] != nil:
	case running == true:
		spec["runStrategy"] = "Always"
	default:
		spec["runStrategy"] = "Halted"
	}
	return true, nil
}
