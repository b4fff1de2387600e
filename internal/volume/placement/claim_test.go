package placement

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/godwit-io/godwit/internal/volume"
)

const csiDriver = "csi.example.com"

// newMove returns a bound claim of 10Gi and class fast, whose volume csiDriver made.
func newMove(changes ...func(*volume.Move)) volume.Move {
	move := volume.Move{DestinationNamespace: "there"}
	move.Claim = &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: "data", Labels: map[string]string{"app": "db"}},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: new("fast"), VolumeName: "pv", AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: storage("10Gi")},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: storage("10Gi")},
	}
	move.Volume = &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{
		Capacity:               storage("10Gi"),
		PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: csiDriver, VolumeHandle: "h"}},
	}}
	for _, change := range changes {
		change(&move)
	}
	return move
}

func storage(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}

// newClass returns a class; its provisioner is made of its name where none is given.
func newClass(name string, changes ...func(*storagev1.StorageClass)) storagev1.StorageClass {
	class := storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: name + ".example.com"}
	for _, change := range changes {
		change(&class)
	}
	return class
}

func by(provisioner string) func(*storagev1.StorageClass) {
	return func(class *storagev1.StorageClass) { class.Provisioner = provisioner }
}

// byDefault makes a class the default, since the given second.
func byDefault(second int64) func(*storagev1.StorageClass) {
	return func(class *storagev1.StorageClass) {
		class.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
		class.CreationTimestamp = metav1.NewTime(time.Unix(second, 0))
	}
}

func expandable(class *storagev1.StorageClass) { class.AllowVolumeExpansion = new(true) }

func TestClaimKeepsWhatMeansTheSameInEveryCluster(t *testing.T) {
	move := newMove(func(move *volume.Move) {
		move.Claim.Annotations = map[string]string{
			"note": "kept", "pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/selected-node": "node-1",
			"volume.beta.kubernetes.io/storage-provisioner": csiDriver,
		}
		move.Claim.UID, move.Claim.ResourceVersion, move.Claim.Finalizers = "u", "7", []string{"kubernetes.io/pvc-protection"}
		move.Claim.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "db"}}
		move.Claim.Spec.VolumeMode = new(corev1.PersistentVolumeBlock)
		move.Claim.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"disk": "7"}}
		move.Claim.Spec.DataSource = &corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: "old"}
		move.Claim.Spec.DataSourceRef = &corev1.TypedObjectReference{Kind: "PersistentVolumeClaim", Name: "old"}
		move.Claim.Spec.VolumeAttributesClassName = new("gold")
	})
	before := move.Claim.DeepCopy()
	got, err := Claim(move, []storagev1.StorageClass{newClass("fast")}, resource.Quantity{})
	if err != nil {
		t.Fatal(err)
	}
	want := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "there", Name: "data", Labels: map[string]string{"app": "db"}, Annotations: map[string]string{"note": "kept"},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: new("fast"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			VolumeMode: new(corev1.PersistentVolumeBlock), Resources: corev1.VolumeResourceRequirements{Requests: storage("10Gi")},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want,+got)\n%s", diff)
	}
	if diff := cmp.Diff(before, move.Claim); diff != "" {
		t.Errorf("the source's claim was changed\n%s", diff)
	}
}

func TestClaimSelectsVolumesOnlyWhereNoneIsMadeForIt(t *testing.T) {
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"disk": "7"}}
	for class, want := range map[string]*metav1.LabelSelector{"": selector, "manual": selector, "fast": nil} {
		move := newMove(func(move *volume.Move) { move.Claim.Spec.Selector, move.Target.StorageClass = selector, &class })
		got, err := Claim(move, []storagev1.StorageClass{newClass("fast"), newClass("manual", by(noProvisioner))}, resource.Quantity{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Spec.Selector); diff != "" {
			t.Errorf("class %q (-want,+got)\n%s", class, diff)
		}
	}
}

func TestClaimHasTheAccessModesThatAreWanted(t *testing.T) {
	move := newMove(func(move *volume.Move) {
		move.Target.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
	})
	got, err := Claim(move, []storagev1.StorageClass{newClass("fast")}, resource.Quantity{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(move.Target.AccessModes, got.Spec.AccessModes); diff != "" {
		t.Errorf("(-want,+got)\n%s", diff)
	}
}

func TestClaimRefusesWhatCannotBeWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		modes     []corev1.PersistentVolumeAccessMode
		wantError string
	}{
		"a claim that can only be read": {[]corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}, "name another access mode"},
		"a claim that is gone":          {nil, "it is gone at the source"},
	} {
		t.Run(name, func(t *testing.T) {
			move := newMove(func(move *volume.Move) { move.Claim.Spec.AccessModes = tc.modes })
			_, err := Claim(move, []storagev1.StorageClass{newClass("fast")}, resource.Quantity{})
			if err == nil || !strings.Contains(err.Error(), tc.wantError) {
				t.Errorf("error %v, want one with %q", err, tc.wantError)
			}
		})
	}
}

func TestClaimAsksForEnoughSpace(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*volume.Move)
		needed string
		want   string
	}{
		"what the source asks for":          {func(*volume.Move) {}, "0", "10Gi"},
		"what the source's claim has got":   {func(move *volume.Move) { move.Claim.Status.Capacity = storage("11Gi") }, "0", "11Gi"},
		"what the source's volume has":      {func(move *volume.Move) { move.Volume.Spec.Capacity = storage("12Gi") }, "0", "12Gi"},
		"no less for a volume that is gone": {func(move *volume.Move) { move.Volume = nil }, "0", "10Gi"},
		"no more for data that fill 97 %":   {func(*volume.Move) {}, "10415295692", "10Gi"},
		"a MiB more for data that fill it":  {func(*volume.Move) {}, "10415295693", "10241Mi"},
		"room beside data that outgrew it":  {func(*volume.Move) {}, "97Gi", "100Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Claim(newMove(tc.change), []storagev1.StorageClass{newClass("fast")}, resource.MustParse(tc.needed))
			if err != nil {
				t.Fatal(err)
			}
			if size := got.Spec.Resources.Requests[corev1.ResourceStorage]; size.Cmp(resource.MustParse(tc.want)) != 0 {
				t.Errorf("asks for %s, want %s", size.String(), tc.want)
			}
		})
	}
}
