package failover

import (
	"context"
	"fmt"
	"strings"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// scaleDown stops the applications where they are. Each object that this changes is marked in the same write, so that a rollback
// starts just those.
func scaleDown(ctx context.Context, t *trip) verdict {
	engine, request, err := t.stopping(ctx)
	if err != nil {
		return t.retry("finding out what to stop at the "+t.origin(), err)
	}
	if err := engine.Run(ctx, request).Err(); err != nil {
		return t.retry("stopping applications at the "+t.origin(), err)
	}
	return proceed(storkv1alpha1.ActionStageWaitAfterScaleDown, "waiting for pods at the "+t.origin()+" to end")
}

// waitForPods lets the pods of what was stopped end.
func waitForPods(ctx context.Context, t *trip) verdict {
	const doing = "waiting for pods to end"
	schedule, err := t.active(ctx)
	if err != nil {
		return t.retry(doing, err)
	}
	engine, request, err := t.stopping(ctx)
	if err != nil {
		return t.retry(doing, err)
	}
	report := engine.List(ctx, request)
	if err := report.Err(); err != nil {
		return t.retry(doing, err)
	}
	pods, err := engine.RemainingPods(ctx, report.Outcomes, t.claims(schedule))
	switch {
	case err != nil:
		return t.retry(doing, err)
	case len(pods.Owned)+len(pods.Mounting) > 0:
		return t.waitForPodsOf(t.origin(), pods)
	case isTrue(t.filter.SkipLastMileMigration):
		return proceed(t.stages.up, "starting applications at the "+t.goal()+", without a last Migration")
	}
	return proceed(storkv1alpha1.ActionStageLastMileMigration, "migrating for the last time")
}

func (t *trip) waitForPodsOf(side string, pods activation.RemainingPods) verdict {
	var all []string
	if len(pods.Owned) > 0 {
		all = append(all, fmt.Sprintf("%d pods still run at the %s: %s", len(pods.Owned), side, some(pods.Owned)))
	}
	if len(pods.Mounting) > 0 {
		all = append(all, fmt.Sprintf("%d pods that nobody stops use PersistentVolumeClaims at the %s: %s: end them by hand", len(pods.Mounting), side, some(pods.Mounting)))
	}
	return wait(storkv1alpha1.ReasonPodsRunning, strings.Join(all, "; "), t.Options.PodsTimeout)
}

// stopping returns what stops the applications where they are.
func (t *trip) stopping(ctx context.Context) (*activation.Engine, activation.Request, error) {
	schedule, err := t.active(ctx)
	if err != nil {
		return nil, activation.Request{}, err
	}
	from, err := t.engineFrom(ctx)
	if err != nil {
		return nil, activation.Request{}, err
	}
	arriving, err := t.arriving(ctx, schedule, from)
	if err != nil {
		return nil, activation.Request{}, err
	}
	return from, activation.Request{Namespaces: t.namespaces(), Choose: t.leaves(schedule, arriving).object, By: t.uid()}, nil
}

// arriving is what would be started where the applications arrive, by kind and name. It stays the same until that is done.
func (t *trip) arriving(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, from *activation.Engine) (map[identity]bool, error) {
	to, err := t.engineTo(ctx)
	if err != nil {
		return nil, err
	}
	choose := t.arrives(schedule)
	report := to.List(ctx, activation.Request{Activate: true, Namespaces: t.namespaces(), Choose: choose.object, ChooseStashed: choose.stashed})
	found, unstoppable := map[identity]bool{}, []string{}
	for _, o := range report.Outcomes {
		if o.Step == activation.StepSkip || o.Object == nil {
			continue
		}
		found[identity{o.Kind.GroupKind(), o.Namespace, o.Object.GetName()}] = true
		if o.ConfigMap != "" && !from.Stops(o.Kind) {
			unstoppable = append(unstoppable, o.Kind.Kind+" "+o.Namespace+"/"+o.Object.GetName())
		}
	}
	if len(unstoppable) > 0 && t.action.Status.Stage == t.stages.down {
		t.warn(storkv1alpha1.ReasonNotStopped, fmt.Sprintf("no ApplicationRegistration tells how %s are stopped at the %s: stop them by hand", some(unstoppable), t.origin()))
	}
	var unlisted []string
	for _, u := range report.Unlisted {
		unlisted = append(unlisted, fmt.Sprintf("%s: %v", u.Resource, u.Err))
		err = u.Err
	}
	if len(unlisted) > 0 {
		return nil, fmt.Errorf("listing at the %s what would be started (%s): %w", t.goal(), strings.Join(unlisted, ", "), err)
	}
	return found, nil
}
