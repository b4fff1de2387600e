package portworx

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/godwit-io/godwit/internal/volume"
)

// Retarget points the PersistentVolume to the volume of its own name: Portworx gives the copy another ID than the original, but the same
// name.
func (*Driver) Retarget(_ context.Context, _ volume.Run, pv *corev1.PersistentVolume) (*corev1.PersistentVolume, error) {
	if !isPortworx(volume.Binding{Volume: pv}) {
		return nil, fmt.Errorf("PersistentVolume %s is not of Portworx", pv.Name)
	}
	target := pv.DeepCopy()
	if target.Spec.CSI != nil {
		target.Spec.CSI.VolumeHandle = pv.Name
	} else {
		target.Spec.PortworxVolume.VolumeID = pv.Name
	}
	return target, nil
}
