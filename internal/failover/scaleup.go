package failover

import (
	"context"
	"errors"
	"fmt"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// scaleUp starts the applications where they arrive, with what is remembered, and tells the schedules.
func scaleUp(ctx context.Context, t *trip) verdict {
	schedule, err := t.active(ctx)
	if err != nil {
		return t.retry("reading the MigrationSchedule", err)
	}
	engine, err := t.engineTo(ctx)
	if err != nil {
		return t.retry("starting applications at the "+t.goal(), err)
	}
	choose := t.arrives(schedule)
	report := engine.Run(ctx, activation.Request{
		Activate: true, Namespaces: t.namespaces(), Choose: choose.object, ChooseStashed: choose.stashed, By: t.uid(),
	})
	if err := report.Err(); err != nil {
		t.summariseFailures(problemsByNamespace(report.Outcomes), storkv1alpha1.ActionStatusFailed)
		return t.retry("starting applications at the "+t.goal(), err)
	}
	if err := t.tellActive(ctx); err != nil {
		return t.retry("telling the copies of schedules at the "+t.goal()+" that their applications are active", err)
	}
	t.tellDiffering(report.Outcomes)
	message := t.noteNothing(report.Outcomes)
	if t.skipSource {
		return proceed(storkv1alpha1.ActionStageFinal, message)
	}
	return t.conclude(ctx, message)
}

// nothingStarted is said where there was nothing to start.
const nothingStarted = "nothing was to be started"

// noteNothing writes down in which namespaces there was nothing to start, and returns what is to be said if that is all of them.
func (t *trip) noteNothing(outcomes []activation.Outcome) string {
	there := map[string]bool{}
	for i := range outcomes {
		if outcomes[i].Step != activation.StepSkip {
			there[outcomes[i].Namespace] = true
		}
	}
	t.explain(func(namespace string) string {
		if there[namespace] {
			return ""
		}
		return nothingStarted
	})
	if len(there) > 0 {
		return ""
	}
	return nothingStarted
}

// tellDiffering names the custom resources that were never stopped where they arrive, so that they are not as they were migrated.
func (t *trip) tellDiffering(outcomes []activation.Outcome) {
	var names []string
	for i := range outcomes {
		if o := &outcomes[i]; o.Differs {
			names = append(names, fmt.Sprintf("%s (ConfigMap %s)", o, o.ConfigMap))
		}
	}
	if len(names) > 0 {
		t.warn(storkv1alpha1.ReasonNotStopped, fmt.Sprintf("%s were at the %s already and keep their spec, which is not the one that was migrated: "+
			"to have that, delete them there and run storkctl activate migrations", some(names), t.goal()))
	}
}

// conclude tells the cluster that the applications have left. They run: this is no reason to turn back.
func (t *trip) conclude(ctx context.Context, message string) verdict {
	err := t.tellInactive(ctx)
	if err == nil {
		err = t.handOver(ctx)
	}
	if err == nil {
		err = t.releaseOthers(ctx)
	}
	if err == nil {
		return proceed(storkv1alpha1.ActionStageFinal, message)
	}
	v := t.retry("telling the MigrationSchedules at the "+t.origin()+" that their applications have left", err)
	if v.outcome == outcomeWait && t.left(v) {
		return v
	}
	message = fmt.Sprintf("%s: MigrationSchedule %s stays suspended there, and others may, until `storkctl deactivate migrations` and `storkctl resume migrationschedule` are run there", v.message, t.key(t.schedule))
	t.tell(storkv1alpha1.ReasonFailed, message)
	return proceed(storkv1alpha1.ActionStageFinal, message)
}

// tellActive tells the copies of schedules where the applications have arrived.
func (t *trip) tellActive(ctx context.Context) error {
	engine, err := t.engineTo(ctx)
	if err != nil {
		return err
	}
	return t.tellCopies(ctx, engine, activation.ScheduleRequest{Active: true, By: t.uid()})
}

// tellInactive tells those where the applications have left, but not those of which some have not: these are of other namespaces, or
// were left out.
func (t *trip) tellInactive(ctx context.Context) error {
	engine, err := t.engineFrom(ctx)
	if err != nil {
		return err
	}
	return t.tellCopies(ctx, engine, activation.ScheduleRequest{Takes: goes})
}

// untell takes back what this Action told the copies where the applications were to arrive.
func (t *trip) untell(ctx context.Context) error {
	engine, err := t.engineTo(ctx)
	if err != nil {
		return err
	}
	return t.tellCopies(ctx, engine, activation.ScheduleRequest{MarkedBy: activation.StartedBy(t.uid())})
}

// tellCopies tells the schedules of a cluster that migrate the Action's namespaces, as far as they are copies.
func (t *trip) tellCopies(ctx context.Context, engine *activation.Engine, request activation.ScheduleRequest) (err error) {
	if request.Labels, err = labelsOf(ctx, engine.Cluster(), t.namespaces()); err != nil {
		return err
	}
	request.CopiesOnly, request.In = true, t.homes(request.Labels)
	outcomes, err := engine.TellSchedules(ctx, request)
	all := []error{err}
	for _, o := range outcomes {
		if o.Err != nil {
			all = append(all, fmt.Errorf("MigrationSchedule %s: %w", o.NamespacedName, o.Err))
		}
		if len(o.Active) > 0 {
			t.warn(storkv1alpha1.ReasonStillActive, fmt.Sprintf("%s still run at the %s: MigrationSchedule %s, which would go over them, makes no Migrations to there until "+
				"they are stopped as well and storkctl deactivate migrations is run there. To migrate what has left, make a MigrationSchedule of that alone",
				some(o.Active), t.origin(), o.NamespacedName))
		}
	}
	return errors.Join(all...)
}

// problemsByNamespace joins what went wrong in each namespace.
func problemsByNamespace(outcomes []activation.Outcome) map[string]string {
	byNamespace := map[string][]activation.Outcome{}
	for _, o := range outcomes {
		if o.Failed() {
			byNamespace[o.Namespace] = append(byNamespace[o.Namespace], o)
		}
	}
	found := map[string]string{}
	for namespace, failed := range byNamespace {
		found[namespace] = activation.Problems(failed).Error()
	}
	return found
}
