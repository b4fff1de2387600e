package migrationschedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
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

// tryDeleteCopy deletes the copy where it would be written now, and where it was written last.
func (r *Reconciler) tryDeleteCopy(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	now, last := r.pairOf(schedule), parseName(schedule.Status.CopiedTo)
	failure := r.deleteCopyAt(ctx, schedule, now)
	if last.Name == "" || last == now {
		return failure
	}
	former := r.deleteCopyAt(ctx, schedule, last)
	if pair, ok := errors.AsType[*pairError](former); ok && pair.gone {
		former = nil
	}
	return errors.Join(failure, former)
}

func (r *Reconciler) deleteCopyAt(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, pair types.NamespacedName) error {
	found, target, err := r.findCopy(ctx, schedule, pair)
	if err != nil || found == nil {
		return err
	}
	return deleteCopy(ctx, target, found)
}

// findCopy returns the object of the schedule's name in the cluster that a pair leads to; nil if there is none.
func (r *Reconciler) findCopy(
	ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, pair types.NamespacedName,
) (*unstructured.Unstructured, dynamic.ResourceInterface, error) {
	cluster, err := r.destination(ctx, pair)
	if err != nil {
		return nil, nil, err
	}
	target := cluster.Resource(schedules).Namespace(schedule.Namespace)
	found, err := target.Get(ctx, schedule.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, target, nil
	case err != nil:
		return nil, target, fmt.Errorf("reading the copy in the cluster of ClusterPair %s: %w", pair, err)
	}
	return found, target, nil
}

// deleteCopy deletes nothing but what is marked as a copy.
func deleteCopy(ctx context.Context, target dynamic.ResourceInterface, found *unstructured.Unstructured) error {
	if found.GetAnnotations()[storkv1alpha1.AnnotationStaticCopy] != "true" {
		return nil
	}
	uid := found.GetUID()
	err := target.Delete(ctx, found.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	return client.IgnoreNotFound(err)
}
