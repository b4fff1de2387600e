package failover

import (
	"context"
	"errors"
	"fmt"
	"maps"

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
	if err := problem(report); err != nil {
		t.summariseFailures(problemsByNamespace(report.Outcomes), storkv1alpha1.ActionStatusFailed)
		return t.retry("starting applications at the "+t.goal(), err)
	}
	if err := t.tellActive(ctx); err != nil {
		return t.retry("telling the copies of schedules at the "+t.goal()+" that their applications are active", err)
	}
	t.tellDiffering(report.Outcomes)
	if t.skipSource {
		return proceed(storkv1alpha1.ActionStageFinal, "")
	}
	return t.conclude(ctx)
}

// tellDiffering names the custom resources that were never stopped where they arrive, so that they are not as they were migrated.
func (t *trip) tellDiffering(outcomes []activation.Outcome) {
	var names []string
	for i := range outcomes {
		if o := &outcomes[i]; o.Differs {
			names = append(names, fmt.Sprintf("%s %s/%s (ConfigMap %s)", o.Kind.Kind, o.Namespace, nameOf(o), o.ConfigMap))
		}
	}
	if len(names) > 0 {
		t.warn(storkv1alpha1.ReasonNotStopped, fmt.Sprintf("%s were at the %s already and keep their spec, which is not the one that was migrated: "+
			"to have that, delete them there and run storkctl activate migrations", some(names), t.goal()))
	}
}

// conclude tells the cluster that the applications have left. They run: this is no reason to turn back.
func (t *trip) conclude(ctx context.Context) verdict {
	err := t.tellInactive(ctx)
	if err == nil {
		err = t.handOver(ctx)
	}
	if err == nil {
		return proceed(storkv1alpha1.ActionStageFinal, "")
	}
	v := t.retry("telling the MigrationSchedules at the "+t.origin()+" that their applications have left", err)
	if v.outcome == outcomeWait && t.left(v) {
		return v
	}
	message := fmt.Sprintf("%s: MigrationSchedule %s stays suspended there, and others may, until `storkctl deactivate migrations` and `storkctl resume migrationschedule` are run there", v.message, t.key(t.schedule))
	t.warn(storkv1alpha1.ReasonFailed, message)
	return proceed(storkv1alpha1.ActionStageFinal, message)
}

// told are the schedules of a cluster that migrate the Action's namespaces, as far as they are copies.
func (t *trip) told(ctx context.Context, cluster activation.Cluster) (activation.ScheduleRequest, error) {
	request := activation.ScheduleRequest{CopiesOnly: true, In: map[string]bool{t.action.Namespace: true, t.Options.AdminNamespace: true}}
	var err error
	request.Labels, err = labelsOf(ctx, cluster, t.namespaces())
	for namespace := range maps.Keys(request.Labels) {
		request.In[namespace] = true
	}
	return request, err
}

func (t *trip) tellActive(ctx context.Context) error {
	cluster, err := t.to(ctx)
	if err != nil {
		return err
	}
	request, err := t.told(ctx, cluster)
	if err != nil {
		return err
	}
	request.Active, request.By = true, t.uid()
	return tell(ctx, cluster, request)
}

func (t *trip) tellInactive(ctx context.Context) error {
	cluster, err := t.from(ctx)
	if err != nil {
		return err
	}
	request, err := t.told(ctx, cluster)
	if err != nil {
		return err
	}
	return tell(ctx, cluster, request)
}

// untell takes back what this Action told the copies where the applications were to arrive.
func (t *trip) untell(ctx context.Context) error {
	cluster, err := t.to(ctx)
	if err != nil {
		return err
	}
	request, err := t.told(ctx, cluster)
	if err != nil {
		return err
	}
	request.MarkedBy = activation.StartedBy(t.uid())
	return tell(ctx, cluster, request)
}

func tell(ctx context.Context, cluster activation.Cluster, request activation.ScheduleRequest) error {
	outcomes, err := activation.TellSchedules(ctx, cluster, request)
	all := []error{err}
	for _, o := range outcomes {
		if o.Err != nil {
			all = append(all, fmt.Errorf("MigrationSchedule %s: %w", o.NamespacedName, o.Err))
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
		found[namespace] = join(problems(failed)).Error()
	}
	return found
}
