package migrationschedule

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Fields by which schedules are found.
const (
	fieldPolicy = "spec.schedulePolicyName"
	fieldPair   = "clusterPair"
)

// SetupWithManager registers the reconciler with the manager.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	for field, values := range map[string]client.IndexerFunc{fieldPolicy: policyOf, fieldPair: r.pairOf} {
		if err := mgr.GetFieldIndexer().IndexField(ctx, &storkv1alpha1.MigrationSchedule{}, field, values); err != nil {
			return err
		}
	}
	changed := predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	owners := handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &storkv1alpha1.MigrationSchedule{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("migrationschedule").
		For(&storkv1alpha1.MigrationSchedule{}, builder.WithPredicates(changed)).
		Watches(&storkv1alpha1.Migration{}, owners).
		Watches(&storkv1alpha1.SchedulePolicy{}, handler.EnqueueRequestsFromMapFunc(r.usersOfPolicy)).
		Watches(&storkv1alpha1.NamespacedSchedulePolicy{}, handler.EnqueueRequestsFromMapFunc(r.usersOfPolicy)).
		Watches(&storkv1alpha1.ClusterPair{}, handler.EnqueueRequestsFromMapFunc(r.usersOfPair)).
		WithOptions(options).
		Complete(r)
}

func policyOf(object client.Object) []string {
	return []string{object.(*storkv1alpha1.MigrationSchedule).Spec.SchedulePolicyName}
}

// pairOf returns the namespace and name of the pair that leads to a schedule's copy.
func (r *Reconciler) pairOf(object client.Object) []string {
	schedule := object.(*storkv1alpha1.MigrationSchedule)
	spec := schedule.Spec.Template.Spec
	if spec.ClusterPair == "" {
		return []string{r.Options.AdminNamespace + "/" + spec.AdminClusterPair}
	}
	return []string{schedule.Namespace + "/" + spec.ClusterPair}
}

// usersOfPolicy brings back the schedules that name a policy; one without a namespace is named in all.
func (r *Reconciler) usersOfPolicy(ctx context.Context, policy client.Object) []reconcile.Request {
	return r.find(ctx, client.InNamespace(policy.GetNamespace()), client.MatchingFields{fieldPolicy: policy.GetName()})
}

func (r *Reconciler) usersOfPair(ctx context.Context, pair client.Object) []reconcile.Request {
	return r.find(ctx, client.MatchingFields{fieldPair: pair.GetNamespace() + "/" + pair.GetName()})
}

func (r *Reconciler) find(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	list := &storkv1alpha1.MigrationScheduleList{}
	if err := r.Client.List(ctx, list, options...); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Finding MigrationSchedules that are concerned failed")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}
