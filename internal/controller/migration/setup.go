package migration

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// SetupWithManager registers the reconciler, its metrics and its runner with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, registry prometheus.Registerer, options controller.Options) error {
	metrics, err := newMetrics(registry)
	if err != nil {
		return fmt.Errorf("registering metrics of Migrations: %w", err)
	}
	r.metrics = metrics
	r.runner = newRunner(r.Options.MaxRuns, r.Clock)
	if err := mgr.Add(r.runner); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("migration").
		For(&storkv1alpha1.Migration{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&storkv1alpha1.ClusterPair{}, handler.EnqueueRequestsFromMapFunc(r.waitingFor)).
		Watches(&storkv1alpha1.Rule{}, handler.EnqueueRequestsFromMapFunc(r.waitingFor)).
		Watches(&storkv1alpha1.ResourceTransformation{}, handler.EnqueueRequestsFromMapFunc(r.waitingFor)).
		WatchesRawSource(source.Channel(r.runner.wake, &handler.TypedEnqueueRequestForObject[*storkv1alpha1.Migration]{})).
		WithOptions(options).
		Complete(r)
}

// waitingFor brings back the Migrations that may wait for an object: those in its namespace, and all for one in the admin
// namespace or for a transformation, which a Migration of the admin namespace looks up in every namespace it migrates. Whether one
// waits is not asked: the cache may not have seen yet what was just written down, and nothing else would bring it back for long.
func (r *Reconciler) waitingFor(ctx context.Context, object client.Object) []reconcile.Request {
	namespaces := []string{object.GetNamespace(), r.Options.AdminNamespace}
	if object.GetNamespace() == r.Options.AdminNamespace {
		namespaces = []string{""}
	}
	var requests []reconcile.Request
	for _, namespace := range namespaces {
		list := &storkv1alpha1.MigrationList{}
		if err := r.Client.List(ctx, list, client.InNamespace(namespace)); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Listing Migrations that may wait failed", "namespace", namespace)
			continue
		}
		for i := range list.Items {
			if !finished(&list.Items[i]) {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
			}
		}
	}
	return requests
}
