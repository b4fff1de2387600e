package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// persistentVolumeClaim keeps the name of the volume and removes what says that the two are bound: the volume does not have the
// new claim's UID yet, and a claim that is said to be bound to a volume with another UID, or none, is marked as lost for good.
type persistentVolumeClaim struct{}

func (persistentVolumeClaim) Name() string { return "PersistentVolumeClaim" }

func (persistentVolumeClaim) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != persistentVolumeClaimKind {
		return false, nil
	}
	return field.RemoveAnnotations(obj,
		"pv.kubernetes.io/bind-completed",
		annotationBoundByController,
		annotationMigratedTo,
		// A node and a provisioner of the source.
		"volume.kubernetes.io/selected-node",
		"volume.kubernetes.io/storage-provisioner",
		"volume.beta.kubernetes.io/storage-provisioner",
		"volume.kubernetes.io/storage-resizer",
	), nil
}
