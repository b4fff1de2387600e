package placement

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/godwit-io/godwit/internal/volume"
)

// fullest is how many percent of a volume data may take.
const fullest = 97

// sizeUnit is what a raised size is a multiple of, in bytes.
const sizeUnit = 1 << 20

// size is what a claim has to ask for: as much as the claim at the source asks for, or has got, or more where the data would fill that.
func size(move volume.Move, needed resource.Quantity) resource.Quantity {
	sizes := []resource.Quantity{requested(move.Claim), move.Claim.Status.Capacity[corev1.ResourceStorage], roomFor(needed)}
	if move.Volume != nil {
		sizes = append(sizes, move.Volume.Spec.Capacity[corev1.ResourceStorage])
	}
	return largest(sizes...)
}

func requested(claim *corev1.PersistentVolumeClaim) resource.Quantity {
	return claim.Spec.Resources.Requests[corev1.ResourceStorage]
}

func largest(sizes ...resource.Quantity) resource.Quantity {
	found := sizes[0]
	for _, size := range sizes[1:] {
		if size.Cmp(found) > 0 {
			found = size
		}
	}
	return found.DeepCopy()
}

// roomFor returns the size of a volume that data fill as far as they may.
func roomFor(data resource.Quantity) resource.Quantity {
	bytes := (data.Value()*100 + fullest - 1) / fullest
	return *resource.NewQuantity((bytes+sizeUnit-1)/sizeUnit*sizeUnit, resource.BinarySI)
}
