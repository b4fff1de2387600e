package failover

import (
	"context"
	"fmt"
	"maps"
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
	active, verdict, stop := t.alreadyActive(ctx, namespaces)
	if stop {
		return verdict
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
	if t.failback && !isTrue(t.filter.SkipLastMileMigration) && schedule.Annotations[storkv1alpha1.AnnotationSuspendedBy] != t.uid() {
		if err := t.checkRecent(ctx, schedule); err != nil {
			return nil, err
		}
	}
	return t.checkNamespaces(ctx, schedule)
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
	all, err := migrated(ctx, cluster, &schedule.Spec.Template.Spec)
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
		if namespace != t.action.Namespace && t.action.Namespace != t.Options.AdminNamespace {
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

// running are the objects of a namespace that run and that do not. Custom resources that an Action created from where they waited
// are kept apart: nobody stops them, so they may run or be left from an earlier failover.
type running struct{ active, stopped, created []string }

// alreadyActive finds the namespaces whose applications run where they are to arrive. A last Migration would stop them there and
// overwrite what they wrote.
func (t *trip) alreadyActive(ctx context.Context, namespaces []string) (active map[string]bool, _ verdict, stop bool) {
	schedule, err := t.active(ctx)
	if err != nil {
		return nil, t.retry("validating", err), true
	}
	if isTrue(schedule.Spec.Template.Spec.StartApplications) {
		return nil, verdict{}, false // They run at both sides all the time.
	}
	engine, err := t.engineTo(ctx)
	if err != nil {
		return nil, t.retry("validating", err), true
	}
	found, err := t.running(ctx, engine, namespaces, t.arrives(schedule))
	if err != nil {
		return nil, t.retry("validating", err), true
	}
	told, err := t.copyIsActive(ctx)
	if err != nil {
		return nil, t.retry("validating", err), true
	}
	active = map[string]bool{}
	for namespace, objects := range found {
		switch {
		case len(objects.active) == 0 && len(objects.stopped) == 0 && len(objects.created) > 0:
			active[namespace] = told
		case len(objects.active) == 0:
		case len(objects.stopped) == 0:
			active[namespace] = true
		case !t.skipSource && !isTrue(t.filter.SkipLastMileMigration):
			return nil, fail(storkv1alpha1.ReasonApplicationsActive, fmt.Sprintf("in namespace %s, %s run at the %s already: the last Migration would stop them and overwrite what they wrote. "+
				"Stop them there by storkctl deactivate migrations, or set skipLastMileMigration", namespace, some(objects.active), t.goal())), true
		}
	}
	maps.DeleteFunc(active, func(_ string, is bool) bool { return !is })
	if t.skipSource || len(active) == 0 {
		return active, verdict{}, false
	}
	v, stop := t.onBothSides(ctx, schedule, active)
	return active, v, stop
}

// onBothSides refuses to say that all is well where applications run in both clusters.
func (t *trip) onBothSides(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, active map[string]bool) (_ verdict, stop bool) {
	engine, err := t.engineFrom(ctx)
	if err != nil {
		return t.retry("validating", err), true
	}
	var namespaces []string
	for namespace := range active {
		namespaces = append(namespaces, namespace)
	}
	found, err := t.running(ctx, engine, namespaces, t.leaves(schedule, nil))
	if err != nil {
		return t.retry("validating", err), true
	}
	for namespace, objects := range found {
		if len(objects.active) > 0 {
			return fail(storkv1alpha1.ReasonApplicationsActive, fmt.Sprintf("the applications of namespace %s run in both clusters, at the %s %s: "+
				"stop those of one side by storkctl deactivate migrations, or by hand", namespace, t.origin(), some(objects.active))), true
		}
	}
	return verdict{}, false
}

// running sorts objects by whether they run: whatever stopping would change does.
func (t *trip) running(ctx context.Context, engine *activation.Engine, namespaces []string, choose chooser) (map[string]running, error) {
	found := map[string]running{}
	for _, activate := range []bool{false, true} {
		report := engine.List(ctx, activation.Request{Activate: activate, Namespaces: namespaces, Choose: choose.object, ChooseStashed: choose.stashed})
		if err := problem(report); err != nil {
			return nil, err
		}
		for _, o := range report.Outcomes {
			in, name := found[o.Namespace], o.Kind.Kind+" "+nameOf(&o)
			created := o.ConfigMap != "" && strings.HasPrefix(o.Object.GetAnnotations()[activation.Mark], activation.StartedBy(""))
			switch {
			case o.Step == activation.StepSwitch && !activate:
				in.active = append(in.active, name)
			case o.Step == activation.StepNone && created:
				in.created = append(in.created, name)
			case o.Step == activation.StepSwitch, o.Step == activation.StepCreate:
				in.stopped = append(in.stopped, name)
			}
			found[o.Namespace] = in
		}
	}
	return found, nil
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
			names = append(names, o.Kind.Kind+" "+o.Namespace+"/"+nameOf(&o))
		}
	}
	message := fmt.Sprintf("nothing was done at the source: make sure that %s do not run there and cannot come back by themselves, "+
		"and suspend MigrationSchedule %s there before its operator runs again (storkctl suspend migrationschedule %s -n %s)",
		some(names), t.key(t.schedule), t.schedule, t.action.Namespace)
	t.condition(metav1.Condition{
		Type: storkv1alpha1.ConditionSourceFenced, Status: metav1.ConditionFalse, Reason: storkv1alpha1.ReasonFencingOwed, Message: message,
	})
	t.warn(storkv1alpha1.ReasonFencingOwed, message)
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

func nameOf(o *activation.Outcome) string {
	if o.Object != nil {
		return o.Object.GetName()
	}
	return o.Name
}
