package failover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// Invalid returns what is wrong with an Action that can be seen in it alone; empty if nothing is.
func Invalid(action *storkv1alpha1.Action) string {
	switch action.Spec.ActionType {
	case storkv1alpha1.ActionTypeFailover, storkv1alpha1.ActionTypeFailback:
		if newTrip(nil, action).schedule == "" {
			return fmt.Sprintf("reference MigrationSchedule name needs to be provided for %s", action.Spec.ActionType)
		}
		return ""
	case storkv1alpha1.ActionTypeNearSyncFailover:
		return "no storage driver of this operator supports nearsyncFailover: use actionType failover"
	}
	return fmt.Sprintf("invalid value received for Action.Spec.ActionType: %q: write failover or failback", action.Spec.ActionType)
}

// validate finds out whether the Action can be done, and what there is to do. It changes nothing in either cluster.
func validate(ctx context.Context, t *trip) verdict {
	namespaces, err := t.check(ctx)
	if err != nil {
		return t.retry("validating", err)
	}
	active, err := t.alreadyActive(ctx, namespaces)
	if err != nil {
		return t.retry("validating", err)
	}
	t.plan(namespaces, active)
	switch {
	case len(t.namespaces()) == 0:
		return proceed(storkv1alpha1.ActionStageFinal, "the applications are active already: nothing was to be done")
	case t.skipSource:
		if err := t.oweFencing(ctx); err != nil {
			t.action.Status.Summary = nil
			return t.retry("finding out what runs at the source", err)
		}
		return proceed(t.stages.up, "starting applications at the destination, without operations at the source")
	}
	return again("suspending the MigrationSchedule at the " + t.origin())
}

// check returns the namespaces to fail over or back.
func (t *trip) check(ctx context.Context) ([]string, error) {
	local, err := t.local(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case !t.failback && !isCopy(local):
		return nil, refusef("MigrationSchedule %s is not a copy of another cluster's: ensure that `storkctl perform failover` is run in the cluster you want to failover to", t.key(t.schedule))
	case t.failback && isCopy(local):
		return nil, refusef("MigrationSchedule %s is a copy of another cluster's: a failback needs the schedule that migrates back, in the cluster where the applications are now", t.key(t.schedule))
	}
	schedule, err := t.active(ctx)
	if err != nil {
		return nil, err
	}
	if !t.skipSource {
		if err := t.checkOther(ctx, local); err != nil {
			return nil, err
		}
	}
	namespaces, err := t.checkNamespaces(ctx, schedule)
	if err == nil && !t.skipSource {
		err = t.checkSchedules(ctx, schedule, namespaces)
	}
	if err != nil {
		return nil, err
	}
	if t.keepDomain {
		t.warn(storkv1alpha1.ReasonNoClusterDomains, "skipSourceClusterDomainDeactivation makes no difference: no cluster domain is activated or deactivated. "+
			"Where volumes are stretched over both clusters, deactivate the source's domain by the tools of the storage if it is to be fenced")
	}
	return namespaces, t.checkChosen(ctx, schedule, namespaces)
}

// checkSchedules judges what the schedule has migrated so far, and what else migrates the same.
func (t *trip) checkSchedules(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, namespaces []string) error {
	if schedule.Annotations[storkv1alpha1.AnnotationSuspendedBy] != t.uid() {
		if err := t.checkLatest(ctx, schedule); err != nil {
			return err
		}
	}
	others, err := t.others(ctx, namespaces)
	if err != nil {
		return err
	}
	return t.checkOthers(others)
}

// checkOther refuses a pair that leads to the Action's own cluster, and a schedule that is a copy on both sides.
func (t *trip) checkOther(ctx context.Context, local *storkv1alpha1.MigrationSchedule) error {
	cluster, err := t.other(ctx, local)
	if err != nil {
		return err
	}
	there, err := t.readSchedule(ctx, cluster)
	switch {
	case apierrors.IsNotFound(err) && t.failback:
		return nil // A cluster may do without copies.
	case apierrors.IsNotFound(err):
		return refusef("unable to find MigrationSchedule %s at the source: was it deleted there?", t.key(t.schedule))
	case err != nil:
		return err
	case there.UID == local.UID:
		return refusef("the ClusterPair of MigrationSchedule %s leads to its own cluster: correct the kubeconfig of the pair", t.key(t.schedule))
	case isCopy(there) == isCopy(local):
		return refusef("MigrationSchedule %s is %s in both clusters: the pair does not lead to the cluster that it migrates between", t.key(t.schedule), kindOf(local))
	}
	return nil
}

func kindOf(schedule *storkv1alpha1.MigrationSchedule) string {
	if isCopy(schedule) {
		return "a copy"
	}
	return "no copy"
}

// checkNamespaces returns the namespaces that are requested, all of the schedule's where none are. Outside the admin namespace an
// Action works on its own namespace only, as Migrations do.
func (t *trip) checkNamespaces(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) ([]string, error) {
	cluster := t.Clusters.Local()
	if !t.skipSource {
		var err error
		if cluster, err = t.from(ctx); err != nil {
			return nil, err
		}
	}
	all, err := activation.MigratedNamespaces(ctx, cluster, &schedule.Spec.Template.Spec)
	if err != nil {
		return nil, err
	}
	wanted := slices.Compact(slices.Sorted(slices.Values(t.requested)))
	if len(wanted) == 0 {
		wanted = all
	}
	var strange, foreign []string
	for _, namespace := range wanted {
		if !slices.Contains(all, namespace) {
			strange = append(strange, namespace)
		}
		if !t.mayReach(namespace) {
			foreign = append(foreign, namespace)
		}
	}
	switch {
	case len(strange) > 0:
		return nil, refusef("provided namespaces %v are not a subset of the namespaces being migrated by the given MigrationSchedule", strange)
	case len(foreign) > 0:
		return nil, refusef("namespaces %v cannot be failed over by an Action in namespace %s, only by one in the admin namespace %s",
			foreign, t.action.Namespace, t.Options.AdminNamespace)
	case len(wanted) == 0:
		return nil, refusef("MigrationSchedule %s migrates no namespaces", t.key(t.schedule))
	}
	return wanted, nil
}

// oweFencing tells what the user has to stop at the source, since the Action does not.
func (t *trip) oweFencing(ctx context.Context) error {
	schedule, err := t.active(ctx)
	if err != nil {
		return err
	}
	engine, err := t.engineTo(ctx)
	if err != nil {
		return err
	}
	choose := t.arrives(schedule)
	report := engine.List(ctx, activation.Request{Activate: true, Namespaces: t.namespaces(), Choose: choose.object, ChooseStashed: choose.stashed})
	var names []string
	for _, o := range report.Outcomes {
		if o.Step == activation.StepSwitch || o.Step == activation.StepCreate {
			names = append(names, o.String())
		}
	}
	message := fmt.Sprintf("nothing was done at the source: make sure that %s do not run there and cannot come back by themselves, "+
		"and suspend MigrationSchedule %s there before its operator runs again (storkctl suspend migrationschedule %s -n %s)",
		some(names), t.key(t.schedule), t.schedule, t.action.Namespace)
	t.condition(metav1.Condition{
		Type: storkv1alpha1.ConditionSourceFenced, Status: metav1.ConditionFalse, Reason: storkv1alpha1.ReasonFencingOwed, Message: message,
	})
	t.tell(storkv1alpha1.ReasonFencingOwed, message)
	return nil
}

// named is how many objects a message names.
const named = 20

// some lists names, but not too many.
func some(names []string) string {
	switch {
	case len(names) == 0:
		return "the applications"
	case len(names) > named:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
	}
	return strings.Join(names, ", ")
}
