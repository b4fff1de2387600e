package resourcetransformation

import (
	"context"
	"fmt"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/transform"
)

// Reconciler reconciles ResourceTransformations. All fields are required.
type Reconciler struct {
	// Client reads from the cache, and writes.
	Client client.Client
	// Dynamic reads and tries objects of all kinds, past any cache.
	Dynamic dynamic.Interface
	// Mapper knows which kinds the cluster serves.
	Mapper apimeta.RESTMapper
	// Recorder records events.
	Recorder events.EventRecorder
	// Clock tells the time.
	Clock clock.PassiveClock
}

// SetupWithManager registers the reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("resourcetransformation").
		For(&storkv1alpha1.ResourceTransformation{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(options).
		Complete(r)
}

// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=resourcetransformations,verbs=watch;patch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=resourcetransformations/status,verbs=patch
// +kubebuilder:rbac:groups=*,resources=*,verbs=patch;create,roleName=godwit-dry-run
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile judges a ResourceTransformation once for each change of its specs, also one that Stork has judged: to Stork's
// verdict, an edit meant nothing. One that failed for what the cluster has, and not for what it says, is judged again from time to
// time: an object may be mended, and a kind installed.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	transformation := &storkv1alpha1.ResourceTransformation{}
	if err := r.Client.Get(ctx, req.NamespacedName, transformation); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !transformation.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.release(ctx, transformation)
	}
	if err := r.ensureFinalizer(ctx, transformation); err != nil {
		return ctrl.Result{}, err
	}
	if judged(transformation) && transformation.Status.Status == storkv1alpha1.ResourceTransformationStatusReady {
		return ctrl.Result{}, nil
	}
	return r.judge(ctx, transformation)
}

// ensureFinalizer puts the finalizer on, as Stork does. Nothing here needs it: there is nothing to clean up.
func (r *Reconciler) ensureFinalizer(ctx context.Context, transformation *storkv1alpha1.ResourceTransformation) error {
	before := transformation.DeepCopy()
	if !controllerutil.AddFinalizer(transformation, storkv1alpha1.FinalizerCleanup) {
		return nil
	}
	return r.Client.Patch(ctx, transformation, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// release lets the object go, whichever operator put the finalizer on.
func (r *Reconciler) release(ctx context.Context, transformation *storkv1alpha1.ResourceTransformation) error {
	before := transformation.DeepCopy()
	if !controllerutil.RemoveFinalizer(transformation, storkv1alpha1.FinalizerCleanup) {
		return nil
	}
	err := r.Client.Patch(ctx, transformation, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	return client.IgnoreNotFound(err)
}

// judged tells whether the status is final and about the present specs.
func judged(transformation *storkv1alpha1.ResourceTransformation) bool {
	status := transformation.Status
	final := status.Status == storkv1alpha1.ResourceTransformationStatusReady || status.Status == storkv1alpha1.ResourceTransformationStatusFailed
	return final && status.ObservedGeneration == transformation.Generation
}

// judge goes through "" -> InProgress -> Ready or Failed; what has Failed already stays so until it is Ready. An error means that it
// could not be found out; it is tried again.
func (r *Reconciler) judge(ctx context.Context, transformation *storkv1alpha1.ResourceTransformation) (ctrl.Result, error) {
	status := &statusWriter{Reconciler: r, written: transformation, failed: judged(transformation)}
	if err := transform.ValidateTransformation(transformation.Spec); err != nil {
		return ctrl.Result{}, status.fail(ctx, storkv1alpha1.ReasonInvalidSpec, err.Error(), nil)
	}
	if err := r.judgeByCluster(ctx, status); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: r.untilNextTrial(status.written)}, nil
}

// judgeByCluster judges a valid transformation by what the cluster has.
func (r *Reconciler) judgeByCluster(ctx context.Context, status *statusWriter) error {
	transformation := status.written
	plans, err := r.plan(transformation.Spec)
	switch {
	case isUnserved(err):
		return status.fail(ctx, storkv1alpha1.ReasonInvalidSpec, err.Error(), nil)
	case err != nil:
		return status.again(ctx, err)
	}
	if err := status.inProgress(ctx, "trying the transformation in a dry run"); err != nil {
		return err
	}
	report, err := r.try(ctx, transformation, plans)
	switch {
	case err != nil:
		return status.again(ctx, err)
	case report.failed > 0:
		return status.fail(ctx, storkv1alpha1.ReasonDryRunFailed, report.summary(), report.resources())
	}
	return status.ready(ctx, report.summary(), report.resources())
}

// objectName names an object in messages.
func objectName(info *storkv1alpha1.TransformResourceInfo) string {
	return fmt.Sprintf("%s %s/%s", info.Kind, info.Namespace, info.Name)
}
