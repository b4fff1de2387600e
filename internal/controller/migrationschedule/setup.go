package migrationschedule

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
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

// Fields by which schedules are found.
const (
	fieldPolicy = "spec.schedulePolicyName"
	fieldPair   = "clusterPair"
)

// SetupWithManager registers the reconciler, its metrics and its indexes with the manager.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, registry prometheus.Registerer, options controller.Options) error {
	metrics, err := newMetrics(registry)
	if err != nil {
		return fmt.Errorf("registering metrics of MigrationSchedules: %w", err)
	}
	r.metrics = metrics
	for field, value := range map[string]func(*storkv1alpha1.MigrationSchedule) string{
		fieldPolicy: func(schedule *storkv1alpha1.MigrationSchedule) string { return schedule.Spec.SchedulePolicyName },
		fieldPair:   func(schedule *storkv1alpha1.MigrationSchedule) string { return r.pairOf(schedule).String() },
	} {
		extract := func(object client.Object) []string { return []string{value(object.(*storkv1alpha1.MigrationSchedule))} }
		if err := mgr.GetFieldIndexer().IndexField(ctx, &storkv1alpha1.MigrationSchedule{}, field, extract); err != nil {
			return fmt.Errorf("indexing MigrationSchedules by %s: %w", field, err)
		}
	}
	changed := predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, predicate.LabelChangedPredicate{})
	owners := handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &storkv1alpha1.MigrationSchedule{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("migrationschedule").
		For(&storkv1alpha1.MigrationSchedule{}, builder.WithPredicates(changed)).
		Watches(&storkv1alpha1.Migration{}, owners, builder.WithPredicates(statusChanged())).
		Watches(&storkv1alpha1.SchedulePolicy{}, handler.EnqueueRequestsFromMapFunc(r.usersOfPolicy), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&storkv1alpha1.NamespacedSchedulePolicy{}, handler.EnqueueRequestsFromMapFunc(r.usersOfPolicy), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&storkv1alpha1.ClusterPair{}, handler.EnqueueRequestsFromMapFunc(r.usersOfPair), builder.WithPredicates(readinessChanged())).
		WithOptions(options).
		Complete(r)
}

// statusChanged lets through what makes a difference to a schedule: its Migrations tell of their progress every few seconds.
func statusChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*storkv1alpha1.Migration), e.ObjectNew.(*storkv1alpha1.Migration)
		return before.Status.Status != after.Status.Status || before.Status.Stage != after.Status.Stage
	}}
}

// readinessChanged leaves out the notes of probes.
func readinessChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*storkv1alpha1.ClusterPair), e.ObjectNew.(*storkv1alpha1.ClusterPair)
		return before.Status.SchedulerStatus != after.Status.SchedulerStatus || before.Generation != after.Generation
	}}
}

// usersOfPolicy brings back the schedules that name a policy; one without a namespace is named in all.
func (r *Reconciler) usersOfPolicy(ctx context.Context, policy client.Object) []reconcile.Request {
	return r.find(ctx, client.InNamespace(policy.GetNamespace()), client.MatchingFields{fieldPolicy: policy.GetName()})
}

func (r *Reconciler) usersOfPair(ctx context.Context, pair client.Object) []reconcile.Request {
	return r.find(ctx, client.MatchingFields{fieldPair: client.ObjectKeyFromObject(pair).String()})
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
