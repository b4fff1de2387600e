package failover

import (
	"context"
	"maps"
	"slices"
	"strings"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// running are the objects of a namespace that run and that do not. Custom resources that an Action created from where they waited
// are kept apart: nobody stops them, so they may run or be left from an earlier failover.
type running struct{ active, stopped, created []string }

// done tells whether the applications of a namespace run where they are to arrive. told is what the copy of the schedule says there.
func (r running) done(told bool) bool {
	return len(r.stopped) == 0 && (len(r.active) > 0 || told && len(r.created) > 0)
}

// alreadyActive finds the namespaces whose applications run where they are to arrive. A last Migration would stop them there and
// overwrite what they wrote.
func (t *trip) alreadyActive(ctx context.Context, namespaces []string) (map[string]bool, error) {
	schedule, err := t.active(ctx)
	if err != nil || isTrue(schedule.Spec.Template.Spec.StartApplications) {
		return nil, err // Those of such a schedule run at both sides all the time.
	}
	engine, err := t.engineTo(ctx)
	if err != nil {
		return nil, err
	}
	found, err := t.running(ctx, engine, namespaces, t.arrives(schedule))
	if err != nil {
		return nil, err
	}
	told, err := t.copyIsActive(ctx)
	if err != nil {
		return nil, err
	}
	active := map[string]bool{}
	for namespace, objects := range found {
		if objects.done(told) {
			active[namespace] = true
		} else if err := t.checkHalfActive(namespace, objects); err != nil {
			return nil, err
		}
	}
	if t.skipSource || len(active) == 0 {
		return active, nil
	}
	return active, t.checkBothSides(ctx, schedule, slices.Sorted(maps.Keys(active)))
}

// checkHalfActive refuses to migrate over what runs.
func (t *trip) checkHalfActive(namespace string, objects running) error {
	if len(objects.active) == 0 || t.skipSource || isTrue(t.filter.SkipLastMileMigration) {
		return nil
	}
	return refusef("in namespace %s, %s run at the %s already: the last Migration would stop them and overwrite what they wrote. "+
		"Stop them there by storkctl deactivate migrations, or set skipLastMileMigration", namespace, some(objects.active), t.goal())
}

// checkBothSides refuses to say that all is well where applications run in both clusters.
func (t *trip) checkBothSides(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, namespaces []string) error {
	engine, err := t.engineFrom(ctx)
	if err != nil {
		return err
	}
	found, err := t.running(ctx, engine, namespaces, t.leaves(schedule, nil))
	if err != nil {
		return err
	}
	for _, namespace := range namespaces {
		if objects := found[namespace]; len(objects.active) > 0 {
			return refusef("the applications of namespace %s run in both clusters, at the %s %s: "+
				"stop those of one side by storkctl deactivate migrations, or by hand", namespace, t.origin(), some(objects.active))
		}
	}
	return nil
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
