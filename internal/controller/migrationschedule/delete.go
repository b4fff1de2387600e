package migrationschedule

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// deleteDeadline is how long a schedule that is deleted waits for a destination to take its copy away.
const deleteDeadline = 5 * time.Minute

// delete takes the copy at the destination away and lets the schedule go. Its Migrations, which it owns, are garbage then.
func (r *Reconciler) delete(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(schedule, storkv1alpha1.FinalizerCleanup) {
		return ctrl.Result{}, nil
	}
	if !isCopy(schedule) {
		if err := r.deleteCopy(ctx, schedule); err != nil {
			if r.Clock.Since(schedule.DeletionTimestamp.Time) < deleteDeadline {
				return ctrl.Result{RequeueAfter: retryDelay}, nil
			}
			r.Recorder.Eventf(schedule, nil, corev1.EventTypeWarning, storkv1alpha1.ReasonCopyFailed, "Deleting",
				"the copy at the destination could not be deleted and is left there: %v", err)
		}
	}
	before := schedule.DeepCopy()
	controllerutil.RemoveFinalizer(schedule, storkv1alpha1.FinalizerCleanup)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return ctrl.Result{}, client.IgnoreNotFound(r.Client.Patch(ctx, schedule, patch))
}

// deleteCopy deletes nothing but what is marked as a copy. A pair that is gone leads to no copy.
func (r *Reconciler) deleteCopy(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	destination, problem, err := r.destination(ctx, schedule)
	if err != nil || problem != "" {
		if err == nil {
			err = fmt.Errorf("%s", problem)
		}
		return err
	}
	target := destination.Resource(schedules).Namespace(schedule.Namespace)
	live, err := target.Get(ctx, schedule.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && live.GetAnnotations()[storkv1alpha1.AnnotationStaticCopy] != "true" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the copy at the destination: %w", err)
	}
	uid := live.GetUID()
	err = target.Delete(ctx, schedule.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	return client.IgnoreNotFound(err)
}
