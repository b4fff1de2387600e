package clusterpair

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
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

// Names of indexes.
const (
	// migrationsByPair finds Migrations by the "namespace/name" of the pairs that they use.
	migrationsByPair = ".spec.clusterPairs"
	// pairsBySecret finds ClusterPairs by the name of their kubeconfig's Secret.
	pairsBySecret = ".spec.kubeconfigSecretRef.name" //nolint:gosec // It is a path, not a credential.
)

// SetupWithManager registers the reconciler, its metrics and its indexes with the manager.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, registry prometheus.Registerer, options controller.Options) error {
	if err := r.setupMetrics(registry); err != nil {
		return err
	}
	if err := r.setupIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("clusterpair").
		For(&storkv1alpha1.ClusterPair{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.pairsOfSecret),
			builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})).
		Watches(&storkv1alpha1.Migration{}, handler.EnqueueRequestsFromMapFunc(r.deletedPairsOfMigration),
			builder.WithPredicates(migrationEnded())).
		WithOptions(options).
		Complete(r)
}

func (r *Reconciler) setupMetrics(registry prometheus.Registerer) (err error) {
	if r.metrics, err = newMetrics(registry); err != nil {
		return fmt.Errorf("registering metrics of ClusterPairs: %w", err)
	}
	return nil
}

func (r *Reconciler) setupIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	err := indexer.IndexField(ctx, &storkv1alpha1.Migration{}, migrationsByPair, func(object client.Object) []string {
		var keys []string
		for _, pair := range r.pairsOf(object.(*storkv1alpha1.Migration)) {
			keys = append(keys, pair.String())
		}
		return keys
	})
	if err != nil {
		return fmt.Errorf("indexing Migrations by ClusterPair: %w", err)
	}
	err = indexer.IndexField(ctx, &storkv1alpha1.ClusterPair{}, pairsBySecret, func(object client.Object) []string {
		if ref := object.(*storkv1alpha1.ClusterPair).Spec.KubeconfigSecretRef; ref != nil {
			return []string{ref.Name}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexing ClusterPairs by Secret: %w", err)
	}
	return nil
}

// pairsOf returns the names of the pairs that a Migration uses.
func (r *Reconciler) pairsOf(migration *storkv1alpha1.Migration) []types.NamespacedName {
	var pairs []types.NamespacedName
	if name := migration.Spec.ClusterPair; name != "" {
		pairs = append(pairs, types.NamespacedName{Namespace: migration.Namespace, Name: name})
	}
	if name := migration.Spec.AdminClusterPair; name != "" {
		pairs = append(pairs, types.NamespacedName{Namespace: r.Options.AdminNamespace, Name: name})
	}
	return pairs
}

// pairsOfSecret has the pairs probed whose kubeconfig is in a Secret.
func (r *Reconciler) pairsOfSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	list := &storkv1alpha1.ClusterPairList{}
	err := r.Client.List(ctx, list, client.InNamespace(secret.GetNamespace()), client.MatchingFields{pairsBySecret: secret.GetName()})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Listing the ClusterPairs of a Secret failed", "secret", client.ObjectKeyFromObject(secret))
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// deletedPairsOfMigration has the deletion of the pairs go on that waited for a Migration.
func (r *Reconciler) deletedPairsOfMigration(ctx context.Context, object client.Object) []reconcile.Request {
	var requests []reconcile.Request
	for _, name := range r.pairsOf(object.(*storkv1alpha1.Migration)) {
		pair := &storkv1alpha1.ClusterPair{}
		if err := r.Client.Get(ctx, name, pair); err == nil && !pair.DeletionTimestamp.IsZero() {
			requests = append(requests, reconcile.Request{NamespacedName: name})
		}
	}
	return requests
}

// migrationEnded lets through that a Migration became Final, was pointed to other pairs, or is gone.
func migrationEnded() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, wasMigration := e.ObjectOld.(*storkv1alpha1.Migration)
			after, isMigration := e.ObjectNew.(*storkv1alpha1.Migration)
			if !wasMigration || !isMigration {
				return false
			}
			return before.Status.Stage != after.Status.Stage && after.Status.Stage == storkv1alpha1.MigrationStageFinal ||
				before.Generation != after.Generation
		},
	}
}
