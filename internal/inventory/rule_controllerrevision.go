package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// controllerRevisionRule keeps the ControllerRevisions in which KubeVirt remembers the instance type and the preference that a
// virtual machine was made with; the machine names them and does not start without. Those of workloads are made anew.
func controllerRevisionRule(revision *unstructured.Unstructured, _ *facts) verdict {
	return keepIf(ownedBy(revision, virtualMachineKind))
}
