package migration

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/internal/apply"
	"github.com/godwit-io/godwit/internal/inventory"
	"github.com/godwit-io/godwit/internal/volume"
)

// retarget points the PersistentVolumes of a set to what storage drivers made of them. A claim whose data were not copied, because it
// was bound later, stays behind with its volume: at the destination it would be bound to nothing, for good. Volumes that cannot be
// pointed anywhere do not arrive; their results are returned.
func (f *flow) retarget(ctx context.Context, set *inventory.Set) ([]apply.Result, error) {
	if !enabled(f.job.migration.Spec.IncludeVolumes, true) {
		return nil, nil
	}
	jobs, err := f.begunJobs(ctx)
	if err != nil {
		return nil, err
	}
	copied := map[types.NamespacedName]copyJob{}
	for _, job := range jobs {
		for _, move := range job.run.Volumes {
			copied[client.ObjectKeyFromObject(move.Claim)] = job
		}
	}
	var refused []apply.Result
	kept := set.Objects[:0]
	for _, object := range set.Objects {
		claim, concerned := claimNameOf(object)
		job, known := copied[claim]
		switch {
		case !concerned:
		case !known:
			if object.Kind.Namespaced {
				set.Skipped = append(set.Skipped, inventory.Skipped{Kind: object.Kind.Kind, NamespacedName: claim, Reason: f.reasonNotCopied()})
			}
			continue
		default:
			brought, err := retarget(ctx, job, object)
			if err != nil {
				refused = append(refused, refusal(object, err))
			}
			if err != nil || !brought {
				continue
			}
		}
		kept = append(kept, object)
	}
	set.Objects = kept
	return refused, nil
}

// reasonNotCopied says why a claim stays behind.
func (f *flow) reasonNotCopied() string {
	if f.skipsOrphans() {
		return "no storage driver moves its volume, or it was bound when volumes were moving already"
	}
	return "it was bound when volumes were moving already; the next Migration takes it along"
}

func refusal(object *inventory.Object, err error) apply.Result {
	return apply.Result{
		Kind: object.Kind.Kind, Source: types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()},
		DestinationNamespace: object.DestinationNamespace, Err: err,
	}
}

// claimNameOf returns which claim an object is, or is the volume of.
func claimNameOf(object *inventory.Object) (types.NamespacedName, bool) {
	switch object.Kind.Resource.GroupResource() {
	case claimsResource.GroupResource():
		return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}, true
	case volumesResource.GroupResource():
		namespace, _, _ := unstructured.NestedString(object.Object, "spec", "claimRef", "namespace")
		name, _, _ := unstructured.NestedString(object.Object, "spec", "claimRef", "name")
		return types.NamespacedName{Namespace: namespace, Name: name}, true
	default:
		return types.NamespacedName{}, false
	}
}

// retarget has the driver change one claim or volume, if they look otherwise at the destination. It tells whether the object is brought:
// a volume is not where the destination has made one of its own.
func retarget(ctx context.Context, job copyJob, object *inventory.Object) (bool, error) {
	if object.Kind.Namespaced {
		return true, retargetClaim(ctx, job, object.Unstructured)
	}
	retargeter, able := job.mover.(volume.Retargeter)
	if !able {
		return true, nil
	}
	source := &corev1.PersistentVolume{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, source); err != nil {
		return false, err
	}
	target, err := retargeter.Retarget(ctx, job.run, source)
	if err != nil {
		return false, fmt.Errorf("storage driver %s could not tell where the copy is: %w", job.mover.Name(), err)
	}
	if target == nil {
		return false, nil
	}
	return true, become(object.Unstructured, target)
}

func retargetClaim(ctx context.Context, job copyJob, object *unstructured.Unstructured) error {
	retargeter, able := job.mover.(volume.ClaimRetargeter)
	if !able {
		return nil
	}
	source := &corev1.PersistentVolumeClaim{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, source); err != nil {
		return err
	}
	target, err := retargeter.RetargetClaim(ctx, job.run, source)
	if err != nil {
		return fmt.Errorf("storage driver %s could not tell how the claim is at the destination: %w", job.mover.Name(), err)
	}
	return become(object, target)
}

// become gives an object the spec, labels and annotations of another.
func become(object *unstructured.Unstructured, target client.Object) error {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(target)
	if err != nil {
		return err
	}
	object.Object["spec"] = content["spec"]
	object.SetLabels(target.GetLabels())
	object.SetAnnotations(target.GetAnnotations())
	return nil
}

// withoutLostVolumes takes out claims whose volume did not come as far as the destination: another one of that name there holds other
// data. Their results are returned.
func withoutLostVolumes(items []*apply.Item, refused []apply.Result) ([]*apply.Item, []apply.Result) {
	lost := map[string]bool{}
	for _, result := range refused {
		if result.Kind.GroupKind() == corev1.SchemeGroupVersion.WithKind("PersistentVolume").GroupKind() {
			lost[result.Source.Name] = true
		}
	}
	var orphaned []apply.Result
	return slices.DeleteFunc(items, func(item *apply.Item) bool {
		if item.Resource.GroupResource() != claimsResource.GroupResource() {
			return false
		}
		name, _, _ := unstructured.NestedString(item.Object.Object, "spec", "volumeName")
		if !lost[name] {
			return false
		}
		orphaned = append(orphaned, apply.Result{
			Kind: item.SourceKind, Source: item.Source, DestinationNamespace: item.Object.GetNamespace(),
			Err: fmt.Errorf("not brought because PersistentVolume %s did not arrive: see there", name),
		})
		return true
	}), orphaned
}
