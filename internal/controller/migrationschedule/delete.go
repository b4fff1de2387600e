package migrationschedule

import (
	"context"
	"errors"
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
		if again, err := r.deleteCopy(ctx, schedule); err != nil || again {
			return ctrl.Result{RequeueAfter: retryDelay}, err
		}
	}
	before := schedule.DeepCopy()
	controllerutil.RemoveFinalizer(schedule, storkv1alpha1.FinalizerCleanup)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return ctrl.Result{}, client.IgnoreNotFound(r.Client.Patch(ctx, schedule, patch))
}

// deleteCopy tells whether to try again later. A copy that cannot be deleted in time is left, which an event tells.
func (r *Reconciler) deleteCopy(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) (again bool, _ error) {
	failure := r.tryDeleteCopy(ctx, schedule)
	if failure == nil {
		return false, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	deadline := schedule.DeletionTimestamp.Add(deleteDeadline)
	pair, ok := errors.AsType[*pairError](failure)
	if gone := ok && pair.gone; !gone && r.Clock.Now().Before(deadline) {
		p := r.newPass(schedule)
		p.notReady(storkv1alpha1.ReasonCopyFailed, fmt.Sprintf("the copy at the destination cannot be deleted: %v: it is tried until %s, then the copy is left there",
			failure, deadline.UTC().Format(time.RFC3339)))
		return true, client.IgnoreNotFound(p.writeStatus(ctx))
	}
	r.Recorder.Eventf(schedule, nil, corev1.EventTypeWarning, storkv1alpha1.ReasonCopyFailed, "Deleting",
		"the copy at the destination could not be deleted and is left there: %s", cut(failure.Error(), maxNoteLength/2))
	return false, nil
}

// tryDeleteCopy deletes nothing but what is marked as a copy.
func (r *Reconciler) tryDeleteCopy(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	destination, err := r.destination(ctx, schedule)
	if err != nil {
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
