package clusterpair

import (
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Actions of events.
const (
	actionProbing  = "Probing"
	actionPairing  = "PairingStorage"
	actionDeleting = "Deleting"
)

// tell records an event for each half whose state changed, with the state as its reason, as Stork does.
func (r *Reconciler) tell(before, after *storkv1alpha1.ClusterPair, scheduler schedulerFacts, storage storageFacts) {
	if status := after.Status.SchedulerStatus; status != before.Status.SchedulerStatus || reasonOf(before) != reasonOf(after) {
		message := scheduler.message
		if status == storkv1alpha1.ClusterPairStatusReady {
			message = "Scheduler successfully paired: " + message
		}
		r.record(after, status, actionProbing, message)
	}
	if status := after.Status.StorageStatus; status != before.Status.StorageStatus {
		r.record(after, status, actionPairing, storage.message)
	}
}

// reasonOf returns why the scheduler half is as it is.
func reasonOf(pair *storkv1alpha1.ClusterPair) string {
	if authorized := apimeta.FindStatusCondition(pair.Status.Conditions, storkv1alpha1.ConditionAuthorized); authorized != nil {
		return authorized.Reason
	}
	return ""
}

func (r *Reconciler) record(pair *storkv1alpha1.ClusterPair, status storkv1alpha1.ClusterPairStatusType, action, message string) {
	kind := corev1.EventTypeNormal
	switch status {
	case storkv1alpha1.ClusterPairStatusError, storkv1alpha1.ClusterPairStatusDegraded, storkv1alpha1.ClusterPairStatusDeleting:
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(pair, nil, kind, string(status), action, "%s", cut(message, maxNoteLength))
}
