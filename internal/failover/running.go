package failover

import (
	"context"
	"maps"
	"slices"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// arrived tells whether the applications of a namespace run where they are to arrive. Custom resources that an Action created there may
// be left from an earlier failover: told is what the copy of the schedule says of them.
func arrived(in activation.Running, told bool) bool {
	return len(in.Stopped) == 0 && (len(in.Active)+len(in.Idle) > 0 || told && len(in.Created) > 0)
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
	found, err := running(ctx, engine, namespaces, t.arrives(schedule))
	if err != nil {
		return nil, err
	}
	told, err := t.copyIsActive(ctx)
	if err != nil {
		return nil, err
	}
	active := map[string]bool{}
	for namespace, objects := range found {
		if arrived(objects, told) {
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
func (t *trip) checkHalfActive(namespace string, objects activation.Running) error {
	if len(objects.Active) == 0 || t.skipSource || isTrue(t.filter.SkipLastMileMigration) {
		return nil
	}
	return refusef("in namespace %s, %s run at the %s already: the last Migration would stop them and overwrite what they wrote. "+
		"Stop them there by storkctl deactivate migrations, or set skipLastMileMigration", namespace, some(objects.Active), t.goal())
}

// checkBothSides refuses to say that all is well where applications run in both clusters.
func (t *trip) checkBothSides(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, namespaces []string) error {
	engine, err := t.engineFrom(ctx)
	if err != nil {
		return err
	}
	found, err := running(ctx, engine, namespaces, t.leaves(schedule, nil))
	if err != nil {
		return err
	}
	for _, namespace := range namespaces {
		if objects := found[namespace]; len(objects.Active) > 0 {
			return refusef("the applications of namespace %s run in both clusters, at the %s %s: "+
				"stop those of one side by storkctl deactivate migrations, or by hand", namespace, t.origin(), some(objects.Active))
		}
	}
	return nil
}

// running sorts objects by whether they run.
func running(ctx context.Context, engine *activation.Engine, namespaces []string, choose chooser) (map[string]activation.Running, error) {
	return engine.Running(ctx, activation.Request{Namespaces: namespaces, Choose: choose.object, ChooseStashed: choose.stashed})
}
