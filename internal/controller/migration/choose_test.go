package migration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

func TestTargetOf(t *testing.T) {
	spec := storkv1alpha1.MigrationVolumes{
		StorageClassMappings: map[string]string{"fast": "quick", "": "standard"},
		Overrides: []storkv1alpha1.VolumeOverride{
			{PersistentVolumeClaim: "data", StorageClass: new("everywhere")},
			{PersistentVolumeClaim: "data", Namespace: "tide", StorageClass: new(""), AccessModes: []storkv1alpha1.AccessMode{"ReadWriteMany"}},
			{PersistentVolumeClaim: "log", AccessModes: []storkv1alpha1.AccessMode{"ReadWriteOncePod"}},
		},
	}
	for name, tc := range map[string]struct {
		namespace, claim string
		class            *string
		want             volume.Target
	}{
		"is left to the driver where nothing is said": {"tide", "other", new("slow"), volume.Target{}},
		"maps the class":                    {"tide", "other", new("fast"), volume.Target{StorageClass: new("quick")}},
		"maps a claim without a class":      {"tide", "other", nil, volume.Target{StorageClass: new("standard")}},
		"prefers the override of the claim": {"ebb", "data", new("fast"), volume.Target{StorageClass: new("everywhere")}},
		"prefers the override of its namespace": {"tide", "data", new("fast"),
			volume.Target{StorageClass: new(""), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}}},
		"maps the class where the override says nothing of it": {"tide", "log", new("fast"),
			volume.Target{StorageClass: new("quick"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}}},
	} {
		t.Run(name, func(t *testing.T) {
			claim := &corev1.PersistentVolumeClaim{
				ObjectMeta: metav1.ObjectMeta{Namespace: tc.namespace, Name: tc.claim},
				Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: tc.class},
			}
			if diff := cmp.Diff(tc.want, targetOf(spec, claim)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
