package action

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// SetupWithManager registers the reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("action").
		For(&storkv1alpha1.Action{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&storkv1alpha1.Action{}, handler.EnqueueRequestsFromMapFunc(r.waiting), builder.WithPredicates(ends())).
		WithOptions(options).
		Complete(r)
}

// ends lets pass what makes room for Actions that wait.
func ends() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			was, is := e.ObjectOld.(*storkv1alpha1.Action), e.ObjectNew.(*storkv1alpha1.Action)
			return final(is) && !final(was)
		},
	}
}

// waiting brings back the Actions that have not begun. Whether one waits is not asked: the cache may not have seen it yet.
func (r *Reconciler) waiting(ctx context.Context, ended client.Object) []reconcile.Request {
	list := &storkv1alpha1.ActionList{}
	if err := r.Client.List(ctx, list); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Listing Actions that may wait failed")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if other := &list.Items[i]; other.UID != ended.GetUID() && !begun(other) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(other)})
		}
	}
	return requests
}
