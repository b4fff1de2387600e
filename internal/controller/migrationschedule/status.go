package migrationschedule

import (
	"unicode/utf8"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	// maxConditionLength is what the API server takes of a condition's message, maxNoteLength of an event's, in bytes.
	maxConditionLength = 32768
	maxNoteLength      = 1024
)

func (p *pass) ready(reason, message string) {
	p.sumUp(metav1.ConditionTrue, metav1.ConditionFalse, reason, message)
}

// notReady tells of what may pass by itself, stalled of what only the user can change.
func (p *pass) notReady(reason, message string) {
	p.sumUp(metav1.ConditionFalse, metav1.ConditionFalse, reason, message)
}

func (p *pass) stalled(reason, message string) {
	before := apimeta.FindStatusCondition(p.before.Status.Conditions, storkv1alpha1.ConditionReady)
	if before == nil || before.Reason != reason || before.Message != message {
		p.event("Warning", storkv1alpha1.ReasonFailed, "Error checking if migration should be triggered: %s", message)
	}
	p.sumUp(metav1.ConditionFalse, metav1.ConditionTrue, reason, message)
}

func (p *pass) sumUp(ready, stalled metav1.ConditionStatus, reason, message string) {
	p.condition(storkv1alpha1.ConditionReady, ready, reason, message)
	p.condition(storkv1alpha1.ConditionStalled, stalled, reason, message)
}

func (p *pass) condition(kind string, status metav1.ConditionStatus, reason, message string) {
	apimeta.SetStatusCondition(&p.schedule.Status.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: cut(message, maxConditionLength),
		ObservedGeneration: p.schedule.Generation, LastTransitionTime: metav1.NewTime(p.now),
	})
}

func (p *pass) event(kind, reason, format string, args ...any) {
	p.Recorder.Eventf(p.schedule, nil, kind, reason, "Scheduling", format, args...)
}

// cut shortens a text to so many bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	text = text[:limit]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}
