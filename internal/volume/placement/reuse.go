package placement

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/godwit-io/godwit/internal/volume"
)

// Reuse returns a claim that is at the destination already as it has to be for the data of a volume: existing itself where nothing is to
// be changed, or a copy that asks for more where its volume has to grow and is able to. The error says why the claim cannot take the
// data; it is a volume.ErrNoSpace where they do not fit. Classes and needed are those of Claim.
//
// Whether a pod uses the claim is for InUse to tell.
func Reuse(existing *corev1.PersistentVolumeClaim, move volume.Move, classes []storagev1.StorageClass, needed resource.Quantity) (
	*corev1.PersistentVolumeClaim, error,
) {
	if problem := mismatch(existing, move); problem != "" {
		return nil, fmt.Errorf("PersistentVolumeClaim %s is at the destination already, but %s", name(existing), problem)
	}
	has, wanted := largest(requested(existing), existing.Status.Capacity[corev1.ResourceStorage]), size(move, needed)
	switch {
	case has.Cmp(wanted) >= 0:
		return existing, nil
	case existing.Status.Phase == corev1.ClaimBound && expands(existing, classes):
		grown := existing.DeepCopy()
		if grown.Spec.Resources.Requests == nil {
			grown.Spec.Resources.Requests = corev1.ResourceList{}
		}
		grown.Spec.Resources.Requests[corev1.ResourceStorage] = wanted
		return grown, nil
	case has.Cmp(least(move, needed)) >= 0:
		return existing, nil
	}
	return nil, fmt.Errorf("%w: PersistentVolumeClaim %s is at the destination already with %s, but the data need %s, and the volume cannot "+
		"grow: delete the claim there if its data are not needed, so that a larger one is made", volume.ErrNoSpace, name(existing), has.String(), wanted.String())
}

// least is what a claim must have that cannot grow: room for the data, or where nothing is known of them for what the source was asked
// for. A volume at the source may have become larger than that because its storage rounds up.
func least(move volume.Move, needed resource.Quantity) resource.Quantity {
	if !needed.IsZero() {
		return needed
	}
	return requested(move.Claim)
}

// mismatch says what keeps a claim from taking the data of a volume, and what can be done; empty if nothing does.
func mismatch(existing *corev1.PersistentVolumeClaim, move volume.Move) string {
	switch spec, target := existing.Spec, move.Target; {
	case existing.DeletionTimestamp != nil:
		return "it is being deleted: migrate again when it is gone"
	case existing.Status.Phase == corev1.ClaimLost:
		return fmt.Sprintf("it is Lost, because PersistentVolume %s is gone: delete the claim there", spec.VolumeName)
	case modeOf(existing) != modeOf(move.Claim):
		return fmt.Sprintf("its volumeMode is %s and not %s: delete it there if its data are not needed", modeOf(existing), modeOf(move.Claim))
	case !writable(spec.AccessModes):
		return "it can only be read: delete it there if its data are not needed"
	case target.StorageClass != nil && *target.StorageClass != classOf(existing):
		return fmt.Sprintf("its StorageClass is %q and not %q, as spec.volumes of the Migration wants: delete the claim there if its data are "+
			"not needed, or change spec.volumes", classOf(existing), *target.StorageClass)
	case len(target.AccessModes) > 0 && !sameModes(spec.AccessModes, target.AccessModes):
		return fmt.Sprintf("its access modes are %v and not %v, as spec.volumes of the Migration wants: delete the claim there if its data are "+
			"not needed, or change spec.volumes", spec.AccessModes, target.AccessModes)
	}
	return ""
}

func sameModes(a, b []corev1.PersistentVolumeAccessMode) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
