package failover

import (
	"slices"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
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

// namespaces are those that there is something to do for.
func (t *trip) namespaces() (names []string) {
	for _, entry := range t.summary() {
		if entry.Status != storkv1alpha1.ActionStatusSuccessful {
			names = append(names, entry.Namespace)
		}
	}
	return names
}

// summarise writes how the namespaces ended that there was something to do for.
func (t *trip) summarise(state storkv1alpha1.ActionStatusType, reason string) {
	for _, entry := range t.summary() {
		if entry.Status != storkv1alpha1.ActionStatusSuccessful {
			entry.Status, entry.Reason = state, reason
		}
	}
}

// summariseFailures writes which namespaces have problems, and that the others have not.
func (t *trip) summariseFailures(problems map[string]string, failed, fine storkv1alpha1.ActionStatusType) {
	for _, entry := range t.summary() {
		switch problem, ok := problems[entry.Namespace]; {
		case entry.Status == storkv1alpha1.ActionStatusSuccessful:
		case ok:
			entry.Status, entry.Reason = failed, problem
		default:
			entry.Status, entry.Reason = fine, ""
		}
	}
}

// Waits returns which of the Actions another one has to wait for, as "type namespace/name"; empty if it may begin. Two of them must
// not work on the same schedule, whose suspension they would undo for each other, nor on the same namespaces.
func Waits(action *storkv1alpha1.Action, others []storkv1alpha1.Action, adminNamespace string) string {
	for i := range others {
		other := &others[i]
		begun := other.Status.Status == storkv1alpha1.ActionStatusInProgress || other.Status.Stage != storkv1alpha1.ActionStageInitial
		if other.UID == action.UID || !begun || other.Status.Stage == storkv1alpha1.ActionStageFinal {
			continue
		}
		if overlap(action, other, adminNamespace) {
			return string(other.Spec.ActionType) + " " + other.Namespace + "/" + other.Name
		}
	}
	return ""
}

func overlap(a, b *storkv1alpha1.Action, adminNamespace string) bool {
	if a.Namespace == b.Namespace {
		x, y := newTrip(nil, a), newTrip(nil, b)
		if x.schedule == y.schedule {
			return true
		}
	}
	x, y := meant(a, adminNamespace), meant(b, adminNamespace)
	if x == nil || y == nil {
		return true // All that a schedule migrates may be all that the other one does.
	}
	return slices.ContainsFunc(x, func(namespace string) bool { return slices.Contains(y, namespace) })
}

// meant are the namespaces of an Action; nil where that is not known yet.
func meant(action *storkv1alpha1.Action, adminNamespace string) (names []string) {
	t := newTrip(nil, action)
	if entries := t.summary(); len(entries) > 0 {
		for _, entry := range entries {
			names = append(names, entry.Namespace)
		}
		return names
	}
	if action.Namespace != adminNamespace {
		return []string{action.Namespace}
	}
	return t.requested
}
