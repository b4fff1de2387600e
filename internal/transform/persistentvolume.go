package transform

import (
	"cmp"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

const (
	annotationBoundByController = "pv.kubernetes.io/bound-by-controller"
	annotationMigratedTo        = "pv.kubernetes.io/migrated-to"
	annotationBetaStorageClass  = "volume.beta.kubernetes.io/storage-class"

	reclaimRetain = "Retain"
)

// persistentVolume reserves the volume for the claim of the same name at the destination, whatever its UID will be, and keeps
// it from being deleted with a claim: the policy becomes Retain, the volume's own one is remembered in an annotation. Its class
// stays, since a volume is bound to a claim of the same class only, and is noted in an annotation as Stork does.
type persistentVolume struct{}

func (persistentVolume) Name() string { return "PersistentVolume" }

func (persistentVolume) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != persistentVolumeKind {
		return false, nil
	}
	// With bound-by-controller the reservation would be given up whenever the claim is missing.
	changed := field.RemoveAnnotations(obj, annotationBoundByController, annotationMigratedTo)
	changed = reserve(field.Map(obj.Object, "spec")) || changed
	for _, step := range []func(*unstructured.Unstructured) (bool, error){retain, noteStorageClass} {
		one, err := step(obj)
		if err != nil {
			return changed, err
		}
		changed = changed || one
	}
	return changed, nil
}

// reserve reduces the reference to the claim to its name.
func reserve(spec map[string]any) bool {
	claim, ok := spec["claimRef"].(map[string]any)
	if !ok {
		return false
	}
	reserved := map[string]any{"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
	for _, key := range []string{"name", "namespace"} {
		if value, ok := claim[key]; ok {
			reserved[key] = value
		}
	}
	if reflect.DeepEqual(claim, reserved) {
		return false
	}
	spec["claimRef"] = reserved
	return true
}

// retain remembers the volume's own policy, unless the policy is Retain because it was remembered before.
func retain(obj *unstructured.Unstructured) (bool, error) {
	policy := cmp.Or(field.String(field.Map(obj.Object, "spec"), "persistentVolumeReclaimPolicy"), reclaimRetain)
	if _, remembered := field.Annotation(obj, storkv1alpha1.AnnotationReclaimPolicy); remembered && policy == reclaimRetain {
		return false, nil
	}
	if err := field.Set(obj.Object, reclaimRetain, "spec", "persistentVolumeReclaimPolicy"); err != nil {
		return false, err
	}
	_, err := field.SetAnnotation(obj, storkv1alpha1.AnnotationReclaimPolicy, policy)
	return true, err
}

func noteStorageClass(obj *unstructured.Unstructured) (bool, error) {
	class, _ := field.Annotation(obj, annotationBetaStorageClass)
	if class = cmp.Or(class, field.String(field.Map(obj.Object, "spec"), "storageClassName")); class == "" {
		return false, nil
	}
	return field.SetAnnotation(obj, storkv1alpha1.AnnotationStorageClassName, class)
}
