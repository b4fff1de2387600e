package portworx

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/godwit-io/godwit/internal/volume"
)

func inTreeVolume(name string) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{
		PersistentVolumeSource: corev1.PersistentVolumeSource{PortworxVolume: &corev1.PortworxVolumeSource{VolumeID: "at-the-source"}},
	}}
}

func foreignVolume() *corev1.PersistentVolume {
	pv := csiVolume("foreign")
	pv.Spec.CSI.Driver = "example.com"
	return pv
}

func classOf(provisioner string, parameters map[string]string) *storagev1.StorageClass {
	return &storagev1.StorageClass{Provisioner: provisioner, Parameters: parameters}
}

func claimBy(annotation, provisioner string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{annotation: provisioner}}}
}

func TestOwns(t *testing.T) {
	for name, tc := range map[string]struct {
		binding volume.Binding
		want    bool
	}{
		"a volume of the CSI driver":              {volume.Binding{Volume: csiVolume("a")}, true},
		"a volume of the driver in Kubernetes":    {volume.Binding{Volume: inTreeVolume("a")}, true},
		"a volume of another CSI driver":          {volume.Binding{Volume: foreignVolume()}, false},
		"an NFS volume of a class of Portworx":    {volume.Binding{Volume: &corev1.PersistentVolume{}, Class: classOf("pxd.portworx.com", nil)}, false},
		"an unbound claim of the CSI driver":      {volume.Binding{Class: classOf("pxd.portworx.com", nil)}, true},
		"an unbound claim of the in-tree driver":  {volume.Binding{Class: classOf("kubernetes.io/portworx-volume", nil)}, true},
		"an unbound claim of another driver":      {volume.Binding{Class: classOf("example.com", nil)}, false},
		"a claim whose class is gone":             {volume.Binding{Claim: claimBy("volume.kubernetes.io/storage-provisioner", "pxd.portworx.com")}, true},
		"an old claim whose class is gone":        {volume.Binding{Claim: claimBy("volume.beta.kubernetes.io/storage-provisioner", "pxd.portworx.com")}, true},
		"a foreign claim whose class is gone":     {volume.Binding{Claim: claimBy("volume.kubernetes.io/storage-provisioner", "example.com")}, false},
		"a claim that nothing is known of":        {volume.Binding{Claim: &corev1.PersistentVolumeClaim{}}, false},
		"a volume on an NFS server":               {volume.Binding{Volume: csiVolume("a"), Class: classOf("pxd.portworx.com", map[string]string{"proxy_endpoint": "nfs://192.0.2.9"})}, false},
		"a volume on a FlashArray":                {volume.Binding{Volume: csiVolume("a"), Class: classOf("pxd.portworx.com", map[string]string{"backend": "pure_block"})}, false},
		"a volume on a FlashBlade":                {volume.Binding{Volume: csiVolume("a"), Class: classOf("pxd.portworx.com", map[string]string{"backend": "pure_file"})}, false},
		"a volume on FlashArray File Services":    {volume.Binding{Volume: csiVolume("a"), Class: classOf("pxd.portworx.com", map[string]string{"backend": "pure_fa_file"})}, false},
		"a volume with other parameters of class": {volume.Binding{Volume: csiVolume("a"), Class: classOf("pxd.portworx.com", map[string]string{"repl": "3"})}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&Driver{}).Owns(tc.binding); got != tc.want {
				t.Errorf("Owns = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRetarget(t *testing.T) {
	for name, tc := range map[string]struct {
		source *corev1.PersistentVolume
		place  func(*corev1.PersistentVolume) string
	}{
		"a CSI volume":      {csiVolume("pvc-1"), func(pv *corev1.PersistentVolume) string { return pv.Spec.CSI.VolumeHandle }},
		"an in-tree volume": {inTreeVolume("pvc-1"), func(pv *corev1.PersistentVolume) string { return pv.Spec.PortworxVolume.VolumeID }},
	} {
		t.Run(name+" is the one of the same name", func(t *testing.T) {
			before := tc.place(tc.source)
			target, err := (&Driver{}).Retarget(t.Context(), volume.Run{}, tc.source)
			if err != nil {
				t.Fatal(err)
			}
			if got := tc.place(target); got != "pvc-1" {
				t.Errorf("it is at %q", got)
			}
			if tc.place(tc.source) != before {
				t.Error("the source was changed")
			}
		})
	}
	t.Run("a volume of another driver is refused", func(t *testing.T) {
		for _, pv := range []*corev1.PersistentVolume{foreignVolume(), {}} {
			if target, err := (&Driver{}).Retarget(t.Context(), volume.Run{}, pv); err == nil {
				t.Errorf("no error but %v", target)
			}
		}
	})
}
