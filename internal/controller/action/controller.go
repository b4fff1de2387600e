package action

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/failover"
)

// Reconciler reconciles Actions. All fields are required.
type Reconciler struct {
	// Client reads from the cache, and writes.
	Client client.Client
	// Live reads past the cache.
	Live client.Reader
	// Guide knows the stages.
	Guide *failover.Guide
	// Recorder records events.
	Recorder events.EventRecorder

	// beginning lets one Action at a time find out whether another one is in its way, and begin.
	beginning sync.Mutex
}

// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=actions,verbs=watch;patch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=actions/status,verbs=patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// What an application consists of is for its ApplicationRegistrations to say.
// +kubebuilder:rbac:groups=*,resources=*,verbs=patch;create;delete,roleName=godwit-failover

// Reconcile takes one step of one Action. An Action in stage Final is left alone for ever.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	action := &storkv1alpha1.Action{}
	if err := r.Client.Get(ctx, req.NamespacedName, action); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if final(action) && action.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	// The cache may not have seen yet what the last step wrote down: taking it again could stop what runs by now.
	if err := r.Live.Get(ctx, req.NamespacedName, action); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	switch {
	case !action.DeletionTimestamp.IsZero():
		return r.delete(ctx, action)
	case final(action):
		return ctrl.Result{}, nil
	case !begun(action):
		return r.begin(ctx, action)
	}
	return r.step(ctx, action)
}

func final(action *storkv1alpha1.Action) bool {
	return action.Status.Stage == storkv1alpha1.ActionStageFinal
}

// begun tells whether the Action may have changed something.
func begun(action *storkv1alpha1.Action) bool {
	return action.Status.Stage != storkv1alpha1.ActionStageInitial || action.Status.Status == storkv1alpha1.ActionStatusInProgress
}

// begin lets an Action start unless it is wrong or another one is in its way, whose end brings it here again.
func (r *Reconciler) begin(ctx context.Context, action *storkv1alpha1.Action) (ctrl.Result, error) {
	before := action.DeepCopy()
	if problem := failover.Invalid(action); problem != "" {
		r.Guide.Reject(action, storkv1alpha1.ReasonInvalidSpec, problem)
		return ctrl.Result{}, r.write(ctx, before, action)
	}
	if err := r.ensureFinalizer(ctx, action); err != nil {
		return ctrl.Result{}, err
	}
	before = action.DeepCopy()
	r.beginning.Lock()
	defer r.beginning.Unlock()
	others := &storkv1alpha1.ActionList{}
	if err := r.Live.List(ctx, others); err != nil {
		return ctrl.Result{}, fmt.Errorf("looking for other Actions: %w", err)
	}
	holder, err := r.Guide.Waits(ctx, action, others.Items)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("looking for Actions of the same namespaces: %w", err)
	}
	if holder != "" {
		r.Guide.Hold(action, storkv1alpha1.ReasonWaitingForAction, "waits for "+holder)
		return ctrl.Result{}, r.write(ctx, before, action)
	}
	r.Guide.Begin(action)
	return soon, r.write(ctx, before, action)
}

// soon brings an Action here again at once.
var soon = ctrl.Result{RequeueAfter: time.Nanosecond}

// step takes one step and writes down what came of it.
func (r *Reconciler) step(ctx context.Context, action *storkv1alpha1.Action) (ctrl.Result, error) {
	before := action.DeepCopy()
	result := r.Guide.Step(ctx, action)
	if err := ctx.Err(); err != nil {
		return ctrl.Result{}, err // What failed, failed because the operator ends.
	}
	if err := r.write(ctx, before, action); err != nil {
		return ctrl.Result{}, err
	}
	r.warn(action, result.Notices)
	if final(action) {
		return ctrl.Result{}, r.letGo(ctx, action)
	}
	return ctrl.Result{RequeueAfter: max(result.After, soon.RequeueAfter)}, nil
}

// delete has an Action that has begun undo what it did before it lets go of it.
func (r *Reconciler) delete(ctx context.Context, action *storkv1alpha1.Action) (ctrl.Result, error) {
	switch {
	case !controllerutil.ContainsFinalizer(action, storkv1alpha1.FinalizerCleanup):
		return ctrl.Result{}, nil
	case final(action) || !begun(action):
		return ctrl.Result{}, r.letGo(ctx, action)
	}
	before := action.DeepCopy()
	r.Guide.Cancel(action)
	if !equality.Semantic.DeepEqual(before.Status, action.Status) {
		return soon, r.write(ctx, before, action)
	}
	return r.step(ctx, action)
}

// ensureFinalizer puts the finalizer on before anything is changed that a deletion has to undo.
func (r *Reconciler) ensureFinalizer(ctx context.Context, action *storkv1alpha1.Action) error {
	before := action.DeepCopy()
	if !controllerutil.AddFinalizer(action, storkv1alpha1.FinalizerCleanup) {
		return nil
	}
	return r.Client.Patch(ctx, action, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// letGo takes the finalizer off: there is nothing left to undo.
func (r *Reconciler) letGo(ctx context.Context, action *storkv1alpha1.Action) error {
	before := action.DeepCopy()
	if !controllerutil.RemoveFinalizer(action, storkv1alpha1.FinalizerCleanup) {
		return nil
	}
	return client.IgnoreNotFound(r.Client.Patch(ctx, action, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
}

// write writes the status where it changed, only over the one that was read, and tells of it.
func (r *Reconciler) write(ctx context.Context, before, action *storkv1alpha1.Action) error {
	if equality.Semantic.DeepEqual(before.Status, action.Status) {
		return nil
	}
	wanted := action.DeepCopy()
	if err := r.Client.Status().Patch(ctx, action, client.MergeFromWithOptions(before.DeepCopy(), client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("writing the status of Action %s: %w", client.ObjectKeyFromObject(action), err)
	}
	r.tell(before, wanted)
	return nil
}
