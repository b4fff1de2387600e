package failover

import (
	"context"
	"errors"
	"fmt"
	"strings"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// rollBack undoes whatever the Action did, by the marks that it left, in the opposite order: what it started stops before what it
// stopped starts, so that no application runs twice.
func rollBack(ctx context.Context, t *trip) verdict {
	pods, err := t.stopAgain(ctx)
	switch {
	case err != nil:
		return t.byHand("stopping again what was started at the "+t.goal(), err)
	case len(pods.Owned) > 0:
		return t.byHandAfter(t.waitForPodsOf(t.goal(), pods))
	case t.skipSource:
		t.rolledBack()
		return proceed(storkv1alpha1.ActionStageFinal, "")
	}
	if err := t.cancelLastMile(ctx); err != nil {
		return t.byHand("cancelling the last Migration", err)
	}
	if err := t.startAgain(ctx); err != nil {
		return t.byHand("starting again what was stopped at the "+t.origin(), err)
	}
	if err := t.releaseAll(ctx); err != nil {
		return t.byHand("resuming the MigrationSchedules at the "+t.origin(), err)
	}
	t.rolledBack()
	return proceed(storkv1alpha1.ActionStageFinal, "")
}

// rolledBack writes that the namespaces are as they were.
func (t *trip) rolledBack() {
	t.explain(func(string) string { return "" })
	t.summarise(storkv1alpha1.ActionStatusRollbackSuccessful)
}

// marked picks the objects that carry a mark.
func marked(mark string) func(activation.Kind, object) bool {
	return func(_ activation.Kind, o object) bool { return o.GetAnnotations()[activation.Mark] == mark }
}

// stopAgain stops what this Action started, and returns the pods that still run of it.
func (t *trip) stopAgain(ctx context.Context) (pods activation.RemainingPods, _ error) {
	engine, err := t.engineTo(ctx)
	if err != nil {
		return pods, err
	}
	if err := t.untell(ctx); err != nil {
		return pods, err
	}
	all := engine.Run(ctx, activation.Request{Namespaces: t.namespaces(), Choose: marked(activation.StartedBy(t.uid())), By: t.uid()})
	removed := engine.RemoveCreated(ctx, t.namespaces(), t.uid())
	all.Outcomes = append(all.Outcomes, removed...)
	if err := all.Err(); err != nil {
		t.summariseFailures(problemsByNamespace(all.Outcomes), storkv1alpha1.ActionStatusRollbackFailed)
		return pods, err
	}
	stopped := engine.List(ctx, activation.Request{Namespaces: t.namespaces(), Choose: marked(activation.StoppedBy(t.uid())), By: t.uid()})
	if err := stopped.Err(); err != nil {
		return pods, err
	}
	return engine.RemainingPods(ctx, stopped.Outcomes, activation.Claims{})
}

// startAgain starts what this Action stopped, with the numbers that it had.
func (t *trip) startAgain(ctx context.Context) error {
	engine, err := t.engineFrom(ctx)
	if err != nil {
		return err
	}
	report := engine.Run(ctx, activation.Request{
		Activate: true, Namespaces: t.namespaces(), Choose: marked(activation.StoppedBy(t.uid())),
		ChooseStashed: func(object) bool { return false },
	})
	err = report.Err()
	if err != nil {
		t.summariseFailures(problemsByNamespace(report.Outcomes), storkv1alpha1.ActionStatusRollbackFailed)
	}
	return err
}

// byHand tries again, and tells in the end what the user has to do.
func (t *trip) byHand(doing string, err error) verdict {
	v := t.retry(doing, err)
	if _, refused := errors.AsType[*refusal](err); refused {
		v.message = doing + ": " + v.message
	}
	return t.byHandAfter(v)
}

func (t *trip) byHandAfter(v verdict) verdict {
	if v.outcome == outcomeWait && t.left(v) {
		return v
	}
	for i, entry := range t.summary() {
		if entry.Status == storkv1alpha1.ActionStatusSuccessful || entry.Status == storkv1alpha1.ActionStatusRollbackFailed {
			continue
		}
		entry.Status, entry.Reason = storkv1alpha1.ActionStatusRollbackFailed, ""
		if i < named { // The same for thousands of namespaces would not fit into the status.
			entry.Reason = v.message
		}
	}
	return fail(storkv1alpha1.ReasonRollbackFailed, fmt.Sprintf("rolling back failed, %s. To be done by hand: %s", v.message, t.instructions()))
}

// instructions are commands which do what the rollback did not come to, and no harm where it did.
func (t *trip) instructions() string {
	var commands []string
	add := func(side, command string) { commands = append(commands, "at the "+side+": "+command) }
	for _, namespace := range t.namespaces() {
		if len(commands) == named {
			break
		}
		add(t.goal(), "storkctl deactivate migrations -n "+namespace)
	}
	if t.skipSource {
		return strings.Join(commands, "; ")
	}
	add(t.origin(), fmt.Sprintf("kubectl delete migration %s -n %s --ignore-not-found", t.lastMileName(), t.action.Namespace))
	for _, namespace := range t.namespaces() {
		if len(commands) >= 2*named {
			break
		}
		add(t.origin(), fmt.Sprintf("storkctl activate migrations -n %s (what carries the annotation %s=%s)", namespace, activation.Mark, activation.StoppedBy(t.uid())))
	}
	add(t.origin(), fmt.Sprintf("storkctl resume migrationschedule %s -n %s, unless it was suspended before, and each other one that carries the annotation %s=%s",
		t.schedule, t.action.Namespace, storkv1alpha1.AnnotationSuspendedBy, t.uid()))
	return strings.Join(commands, "; ")
}
