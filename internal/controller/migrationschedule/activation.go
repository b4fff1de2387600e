package migrationschedule

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// moveActivation moves into the status what an older storkctl wrote there by an update of the whole object, and admission has noted
// in an annotation. Done twice it is the same.
func (r *Reconciler) moveActivation(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	noted, ok := schedule.Annotations[storkv1alpha1.AnnotationApplicationActivated]
	if !ok {
		return nil
	}
	if activated := noted == "true"; schedule.Status.ApplicationActivated != activated {
		before := schedule.DeepCopy()
		schedule.Status.ApplicationActivated = activated
		if err := r.Client.Status().Patch(ctx, schedule, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return err
		}
	}
	before := schedule.DeepCopy()
	delete(schedule.Annotations, storkv1alpha1.AnnotationApplicationActivated)
	return r.Client.Patch(ctx, schedule, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}
