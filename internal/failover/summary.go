package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// summary is what became of each namespace, in the list of the Action's type.
func (t *trip) summary() []*storkv1alpha1.NamespaceActionSummary {
	switch summary := t.action.Status.Summary; {
	case summary == nil:
		return nil
	case t.failback:
		return summary.FailbackSummary
	default:
		return summary.FailoverSummary
	}
}

// plan writes down which namespaces the Action is about. Those that are active already need nothing.
func (t *trip) plan(namespaces []string, active map[string]bool) {
	var entries []*storkv1alpha1.NamespaceActionSummary
	for _, namespace := range namespaces {
		entry := &storkv1alpha1.NamespaceActionSummary{Namespace: namespace, Status: storkv1alpha1.ActionStatusScheduled}
		if active[namespace] {
			entry.Status, entry.Reason = storkv1alpha1.ActionStatusSuccessful, "its applications are active already"
		}
		entries = append(entries, entry)
	}
	summary := &storkv1alpha1.ActionSummary{FailoverSummary: entries}
	if t.failback {
		summary = &storkv1alpha1.ActionSummary{FailbackSummary: entries}
	}
	t.action.Status.Summary = summary
}

// namespaces are those that there is something to do for. What was written into the status, by whomever, gives no Action more than
// validation would.
func (t *trip) namespaces() (names []string) {
	for _, entry := range t.summary() {
		if entry.Status != storkv1alpha1.ActionStatusSuccessful && t.mayReach(entry.Namespace) {
			names = append(names, entry.Namespace)
		}
	}
	return names
}

// mayReach keeps an Action outside the admin namespace to its own one, as Migrations are.
func (t *trip) mayReach(namespace string) bool {
	return namespace == t.action.Namespace || t.action.Namespace == t.Options.AdminNamespace
}

// refuseNoNamespaces ends an Action whose status does not say any more what it is about. No namespaces would mean all of the cluster.
func refuseNoNamespaces(_ context.Context, t *trip) verdict {
	return fail(storkv1alpha1.ReasonFailed, fmt.Sprintf("the status of the Action does not say any more which namespaces it is about. "+
		"To be done by hand in both clusters: start what carries the annotation %s=%s, by storkctl activate migrations, and resume MigrationSchedule %s",
		activation.Mark, activation.StoppedBy(t.uid()), t.key(t.schedule)))
}

// explain writes the reason of each namespace that there was something to do for.
func (t *trip) explain(reason func(namespace string) string) {
	for _, entry := range t.summary() {
		if entry.Status != storkv1alpha1.ActionStatusSuccessful {
			entry.Reason = reason(entry.Namespace)
		}
	}
}

// summarise writes how the namespaces ended that there was something to do for.
func (t *trip) summarise(state storkv1alpha1.ActionStatusType) {
	for _, entry := range t.summary() {
		if entry.Status != storkv1alpha1.ActionStatusSuccessful {
			entry.Status = state
		}
	}
}

// summariseFailures writes which namespaces have problems, and that the others have not.
func (t *trip) summariseFailures(problems map[string]string, failed storkv1alpha1.ActionStatusType) {
	told := 0
	for _, entry := range t.summary() {
		switch problem, ok := problems[entry.Namespace]; {
		case entry.Status == storkv1alpha1.ActionStatusSuccessful:
		case ok:
			entry.Status, entry.Reason = failed, ""
			if told++; told <= named { // Those of thousands of namespaces would not fit into the status.
				entry.Reason = shorten(problem)
			}
		default:
			entry.Status, entry.Reason = storkv1alpha1.ActionStatusInProgress, ""
		}
	}
}

// Waits returns which of the Actions another one has to wait for, as "type namespace/name"; empty if it may begin. Two of them must
// not work on the same schedule, whose suspension they would undo for each other, nor on the same namespaces.
func (g *Guide) Waits(ctx context.Context, action *storkv1alpha1.Action, others []storkv1alpha1.Action) (string, error) {
	t := newTrip(g, action)
	own, ownKnown, err := t.meant(ctx)
	if err != nil {
		return "", err
	}
	for i := range others {
		other := newTrip(g, &others[i])
		if other.uid() == t.uid() || !other.underWay() {
			continue
		}
		namespaces, known, err := other.meant(ctx)
		if err != nil {
			return "", err
		}
		overlap := slices.ContainsFunc(own, func(namespace string) bool { return slices.Contains(namespaces, namespace) })
		if overlap || !ownKnown || !known || t.key(t.schedule) == other.key(other.schedule) {
			return string(other.action.Spec.ActionType) + " " + other.key(other.action.Name).String(), nil
		}
	}
	return "", nil
}

// underWay tells whether the Action was begun and is not at its end.
func (t *trip) underWay() bool {
	status := &t.action.Status
	begun := status.Status == storkv1alpha1.ActionStatusInProgress || status.Stage != storkv1alpha1.ActionStageInitial
	return begun && status.Stage != storkv1alpha1.ActionStageFinal
}

// meant are the namespaces of the Action as far as it can be known before it was validated, and whether they are all.
func (t *trip) meant(ctx context.Context) (names []string, known bool, _ error) {
	for _, entry := range t.summary() {
		names = append(names, entry.Namespace)
	}
	switch {
	case len(names) > 0:
		return names, true, nil
	case t.action.Namespace != t.Options.AdminNamespace:
		return []string{t.action.Namespace}, true, nil
	case len(t.requested) > 0:
		return t.requested, true, nil
	}
	schedule, err := t.local(ctx)
	if _, missing := errors.AsType[*refusal](err); missing {
		return nil, true, nil // It will be refused.
	}
	if err != nil {
		return nil, false, err
	}
	return schedule.Spec.Template.Spec.Namespaces, len(schedule.Spec.Template.Spec.NamespaceSelectors) == 0, nil
}
