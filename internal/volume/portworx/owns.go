package portworx

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/godwit-io/godwit/internal/volume"
)

// provisionerCSI is the name of Portworx's CSI driver, and provisioners all names under which it makes volumes.
const provisionerCSI = "pxd.portworx.com"

var provisioners = []string{provisionerCSI, "kubernetes.io/portworx-volume"}

// provisionerAnnotations are where claims say who makes their volumes, the newer one first.
var provisionerAnnotations = []string{"volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"}

// Owns tells whether a volume is kept by Portworx itself. It is not where Portworx only connects an array or NFS server, whose content
// it does not copy.
func (*Driver) Owns(binding volume.Binding) bool {
	return isPortworx(binding) && !isDirectAccess(binding.Class)
}

func isPortworx(binding volume.Binding) bool {
	if binding.Volume != nil {
		csi := binding.Volume.Spec.CSI
		return binding.Volume.Spec.PortworxVolume != nil || csi != nil && csi.Driver == provisionerCSI
	}
	if binding.Class != nil {
		return slices.Contains(provisioners, binding.Class.Provisioner)
	}
	return binding.Claim != nil && slices.Contains(provisioners, provisionerOf(binding.Claim))
}

func provisionerOf(claim *corev1.PersistentVolumeClaim) string {
	for _, annotation := range provisionerAnnotations {
		if provisioner := claim.Annotations[annotation]; provisioner != "" {
			return provisioner
		}
	}
	return ""
}

// isDirectAccess tells whether volumes of a class are an array's or an NFS server's.
func isDirectAccess(class *storagev1.StorageClass) bool {
	if class == nil {
		return false
	}
	_, isProxy := class.Parameters["proxy_endpoint"]
	backend := class.Parameters["backend"]
	return isProxy || slices.Contains([]string{"pure_block", "pure_file", "pure_fa_file"}, backend)
}
