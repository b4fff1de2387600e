package action

import (
	"cmp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/failover"
)

// maxNote is how long a note of an event may be.
const maxNote = 1000

// tell records an event where the stage changed, or what is waited for.
func (r *Reconciler) tell(before, after *storkv1alpha1.Action) {
	was, is := succeeded(before), succeeded(after)
	if before.Status.Stage == after.Status.Stage && was.reason == is.reason {
		return
	}
	kind, reason := corev1.EventTypeNormal, is.reason
	switch after.Status.Status {
	case storkv1alpha1.ActionStatusFailed, storkv1alpha1.ActionStatusRollbackFailed:
		kind, reason = corev1.EventTypeWarning, string(after.Status.Status)
	case storkv1alpha1.ActionStatusSuccessful:
		reason = string(after.Status.Status)
	default:
		if reason != storkv1alpha1.ReasonInProgress {
			kind = corev1.EventTypeWarning
		}
	}
	stage := cmp.Or(string(after.Status.Stage), "Validations")
	r.event(after, kind, reason, stage, is.message)
}

// warn records what else the user should hear of.
func (r *Reconciler) warn(action *storkv1alpha1.Action, notices []failover.Notice) {
	for _, notice := range notices {
		r.event(action, corev1.EventTypeWarning, notice.Reason, cmp.Or(string(action.Status.Stage), "Validations"), notice.Message)
	}
}

func (r *Reconciler) event(action *storkv1alpha1.Action, kind, reason, stage, message string) {
	note := cmp.Or(message, string(action.Status.Status))
	if len(note) > maxNote {
		note = strings.ToValidUTF8(note[:maxNote], "") + "…"
	}
	r.Recorder.Eventf(action, nil, kind, reason, stage, "%s", note)
}

type condition struct{ reason, message string }

func succeeded(action *storkv1alpha1.Action) condition {
	found := apimeta.FindStatusCondition(action.Status.Conditions, storkv1alpha1.ConditionSucceeded)
	if found == nil {
		return condition{}
	}
	return condition{reason: found.Reason, message: found.Message}
}
