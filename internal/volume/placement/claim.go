package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/godwit-io/godwit/internal/volume"
)

// clusterAnnotations are what annotations begin with that tell of binding and provisioning in one cluster.
var clusterAnnotations = []string{"pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/"}

// Claim returns the claim that takes the data of a volume at the destination, as it has to be created there. Classes are those of the
// destination. Needed is how many bytes the data have, zero where that is not known.
func Claim(move volume.Move, classes []storagev1.StorageClass, needed resource.Quantity) (*corev1.PersistentVolumeClaim, error) {
	source := move.Claim
	modes, err := accessModes(move)
	if err != nil {
		return nil, err
	}
	class, err := className(move, classes)
	if err != nil {
		return nil, err
	}
	target := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: move.DestinationNamespace, Name: source.Name,
			Labels: maps.Clone(source.Labels), Annotations: annotations(source),
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class, AccessModes: modes, VolumeMode: new(modeOf(source)),
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: size(move, needed)},
			},
		},
	}
	if !provisions(class, classes) { // It is bound to a volume that somebody made; a provisioner refuses selectors.
		target.Spec.Selector = source.Spec.Selector.DeepCopy()
	}
	return target, nil
}

// annotations returns those that mean the same in every cluster.
func annotations(claim *corev1.PersistentVolumeClaim) map[string]string {
	kept := maps.Clone(claim.Annotations)
	maps.DeleteFunc(kept, func(key, _ string) bool {
		return slices.ContainsFunc(clusterAnnotations, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	})
	return kept
}

// accessModes returns those that the user wants, or else those of the source.
func accessModes(move volume.Move) ([]corev1.PersistentVolumeAccessMode, error) {
	modes := move.Claim.Spec.AccessModes
	if len(move.Target.AccessModes) > 0 {
		modes = move.Target.AccessModes
	}
	switch {
	case len(modes) == 0:
		return nil, fmt.Errorf("PersistentVolumeClaim %s has no access modes: it is gone at the source", name(move.Claim))
	case !writable(modes):
		return nil, fmt.Errorf("PersistentVolumeClaim %s could only be read at the destination, so that nothing could be copied into it: "+
			"name another access mode for it in spec.volumes.overrides", name(move.Claim))
	}
	return slices.Clone(modes), nil
}

func writable(modes []corev1.PersistentVolumeAccessMode) bool {
	return slices.ContainsFunc(modes, func(mode corev1.PersistentVolumeAccessMode) bool { return mode != corev1.ReadOnlyMany })
}

// modeOf returns the mode of a claim's volume; without one it is a file system.
func modeOf(claim *corev1.PersistentVolumeClaim) corev1.PersistentVolumeMode {
	if mode := claim.Spec.VolumeMode; mode != nil {
		return *mode
	}
	return corev1.PersistentVolumeFilesystem
}

func name(claim *corev1.PersistentVolumeClaim) string { return claim.Namespace + "/" + claim.Name }
