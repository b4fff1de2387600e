package placement

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/godwit-io/godwit/internal/volume"
)

// newExisting returns a bound claim of a size at the destination.
func newExisting(size string, changes ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	claim := newMove().Claim
	claim.Namespace = "there"
	claim.Spec.Resources.Requests, claim.Status.Capacity = storage(size), storage(size)
	for _, change := range changes {
		change(claim)
	}
	return claim
}

func TestReuseTakesAClaimThatIsLargeEnoughOrGrows(t *testing.T) {
	for name, tc := range map[string]struct {
		existing *corev1.PersistentVolumeClaim
		move     volume.Move
		class    storagev1.StorageClass
		needed   string
		want     string
	}{
		"one of the same size": {newExisting("10Gi"), newMove(), newClass("fast"), "0", "10Gi"},
		"one whose volume is larger than it asked for": {
			newExisting("1Gi", func(claim *corev1.PersistentVolumeClaim) { claim.Status.Capacity = storage("20Gi") }),
			newMove(), newClass("fast"), "0", "1Gi",
		},
		"a smaller one grows": {newExisting("5Gi"), newMove(), newClass("fast", expandable), "0", "10Gi"},
		"one that grows already": {
			newExisting("5Gi", func(claim *corev1.PersistentVolumeClaim) { claim.Spec.Resources.Requests = storage("10Gi") }),
			newMove(), newClass("fast", expandable), "0", "10Gi",
		},
		"one without a size grows": {
			newExisting("5Gi", func(claim *corev1.PersistentVolumeClaim) { claim.Spec.Resources.Requests = nil }),
			newMove(), newClass("fast", expandable), "0", "10Gi",
		},
		"a smaller one that cannot grow, but that the data fit into": {newExisting("5Gi"), newMove(), newClass("fast"), "4Gi", "5Gi"},
		"a smaller one than the volume became because storage rounds up": {
			newExisting("100Mi"), newMove(func(move *volume.Move) { move.Claim.Spec.Resources.Requests = storage("100Mi") }), newClass("fast"), "0", "100Mi",
		},
		"one that is not bound yet": {
			newExisting("10Gi", func(claim *corev1.PersistentVolumeClaim) {
				claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}
			}),
			newMove(), newClass("fast"), "0", "10Gi",
		},
		"one of the class and access modes that are wanted": {
			newExisting("10Gi"), newMove(func(move *volume.Move) {
				move.Target.StorageClass = new("fast")
				move.Target.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteOnce}
			}), newClass("fast"), "0", "10Gi",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := tc.existing.DeepCopy()
			got, err := Reuse(tc.existing, tc.move, []storagev1.StorageClass{tc.class}, resource.MustParse(tc.needed))
			if err != nil {
				t.Fatal(err)
			}
			size, had := requested(got), requested(before)
			if size.Cmp(resource.MustParse(tc.want)) != 0 {
				t.Errorf("asks for %s, want %s", size.String(), tc.want)
			}
			if unchanged := size.Cmp(had) == 0; unchanged != (got == tc.existing) {
				t.Errorf("returned the same claim: %t, want %t", got == tc.existing, unchanged)
			}
			if now := requested(tc.existing); now.Cmp(had) != 0 {
				t.Error("the claim that it was handed was changed")
			}
		})
	}
}

func TestReuseRefusesAClaimThatCannotTakeTheData(t *testing.T) {
	for name, tc := range map[string]struct {
		existing  *corev1.PersistentVolumeClaim
		change    func(*volume.Move)
		needed    string
		noSpace   bool
		wantError string
	}{
		"one that is going": {
			existing:  newExisting("10Gi", func(claim *corev1.PersistentVolumeClaim) { claim.DeletionTimestamp = new(metav1.Now()) }),
			wantError: "there/data is at the destination already, but it is being deleted",
		},
		"one that lost its volume": {
			existing:  newExisting("10Gi", func(claim *corev1.PersistentVolumeClaim) { claim.Status.Phase = corev1.ClaimLost }),
			wantError: "PersistentVolume pv is gone",
		},
		"one of the other mode": {
			existing:  newExisting("10Gi", func(claim *corev1.PersistentVolumeClaim) { claim.Spec.VolumeMode = new(corev1.PersistentVolumeBlock) }),
			wantError: "its volumeMode is Block and not Filesystem",
		},
		"one that can only be read": {
			existing: newExisting("10Gi", func(claim *corev1.PersistentVolumeClaim) {
				claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}
			}),
			wantError: "it can only be read",
		},
		"one of another class than is wanted": {
			existing: newExisting("10Gi"), change: func(move *volume.Move) { move.Target.StorageClass = new("slow") },
			wantError: `its StorageClass is "fast" and not "slow"`,
		},
		"one of other access modes than are wanted": {
			existing: newExisting("10Gi"), change: func(move *volume.Move) {
				move.Target.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
			},
			wantError: "its access modes are [ReadWriteOnce] and not [ReadWriteMany]",
		},
		"one smaller than asked for at the source": {
			existing: newExisting("9Gi"), noSpace: true, wantError: "with 9Gi, but the data need 10Gi, and the volume cannot grow",
		},
		"one smaller than the data": {existing: newExisting("9Gi"), needed: "9300Mi", noSpace: true, wantError: "with 9Gi, but the data need 10Gi"},
		"a small one that is not bound yet": {
			existing: newExisting("9Gi", func(claim *corev1.PersistentVolumeClaim) {
				claim.Status, claim.Spec.StorageClassName = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}, new("grows")
			}),
			noSpace: true, wantError: "the volume cannot grow",
		},
		"a small one of a class that is gone": {
			existing:  newExisting("9Gi", func(claim *corev1.PersistentVolumeClaim) { claim.Spec.StorageClassName = new("gone") }),
			noSpace:   true,
			wantError: "the volume cannot grow",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.change == nil {
				tc.change = unchanged
			}
			if tc.needed == "" {
				tc.needed = "0"
			}
			classes := []storagev1.StorageClass{newClass("fast"), newClass("grows", expandable)}
			_, err := Reuse(tc.existing, newMove(tc.change), classes, resource.MustParse(tc.needed))
			if err == nil || !strings.Contains(err.Error(), tc.wantError) {
				t.Errorf("error %v, want one with %q", err, tc.wantError)
			}
			if errors.Is(err, volume.ErrNoSpace) != tc.noSpace {
				t.Errorf("error %v is for want of space: %t, want %t", err, !tc.noSpace, tc.noSpace)
			}
		})
	}
}
