package clusterpair

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	// degradedPeriod is how long a pair that was Ready stays Degraded before it becomes an Error.
	degradedPeriod = 5 * time.Minute
	// probeTimeAge is how old lastProbeTime may get while nothing else changes: every probe would be a write otherwise.
	probeTimeAge = 10 * time.Minute
	// maxMessageLength and maxNoteLength are in bytes. Conditions take 32768 and events 1024.
	maxMessageLength = 4096
	maxNoteLength    = 1000
)

// setScheduler writes down what a probe found out.
func setScheduler(pair *storkv1alpha1.ClusterPair, facts schedulerFacts, now time.Time) {
	status := &pair.Status
	reachable, authorized := conditionsOf(facts.reason)
	setCondition(pair, storkv1alpha1.ConditionReachable, reachable, facts.reason, facts.message, now)
	setCondition(pair, storkv1alpha1.ConditionAuthorized, authorized, facts.reason, facts.message, now)
	status.SchedulerStatus = schedulerStatus(status.SchedulerStatus, facts.reason, now.Sub(failingSince(pair, now)))
	if facts.version != "" {
		status.ServerVersion = facts.version
	}
}

// conditionsOf returns the states of the conditions Reachable and Authorized.
func conditionsOf(reason string) (reachable, authorized metav1.ConditionStatus) {
	switch reason {
	case storkv1alpha1.ReasonReady:
		return metav1.ConditionTrue, metav1.ConditionTrue
	case storkv1alpha1.ReasonPermissionsMissing, storkv1alpha1.ReasonUnauthorized, storkv1alpha1.ReasonSameCluster:
		return metav1.ConditionTrue, metav1.ConditionFalse
	case storkv1alpha1.ReasonCredentialInvalid:
		return metav1.ConditionUnknown, metav1.ConditionFalse
	case storkv1alpha1.ReasonUnreachable:
		return metav1.ConditionFalse, metav1.ConditionUnknown
	default:
		return metav1.ConditionUnknown, metav1.ConditionUnknown
	}
}

// schedulerStatus goes from Ready over Degraded to Error, so that a short failure of the other side is told from a lasting one.
// A pair that was never Ready, or whose kubeconfig is refused or leads here, is an Error at once. Missing permissions leave it Degraded: some
// objects still arrive.
func schedulerStatus(before storkv1alpha1.ClusterPairStatusType, reason string, failing time.Duration) storkv1alpha1.ClusterPairStatusType {
	wasReady := before == storkv1alpha1.ClusterPairStatusReady || before == storkv1alpha1.ClusterPairStatusDegraded
	switch {
	case reason == storkv1alpha1.ReasonReady:
		return storkv1alpha1.ClusterPairStatusReady
	case reason == storkv1alpha1.ReasonSecretNotFound:
		return storkv1alpha1.ClusterPairStatusPending
	case reason == storkv1alpha1.ReasonCredentialInvalid || reason == storkv1alpha1.ReasonSameCluster || !wasReady:
		return storkv1alpha1.ClusterPairStatusError
	case reason == storkv1alpha1.ReasonPermissionsMissing || failing < degradedPeriod:
		return storkv1alpha1.ClusterPairStatusDegraded
	default:
		return storkv1alpha1.ClusterPairStatusError
	}
}

// failingSince returns when the first of the conditions about the other API server that is not True became so; now if all are.
func failingSince(pair *storkv1alpha1.ClusterPair, now time.Time) time.Time {
	for _, name := range []string{storkv1alpha1.ConditionReachable, storkv1alpha1.ConditionAuthorized} {
		if !apimeta.IsStatusConditionTrue(pair.Status.Conditions, name) {
			return since(pair, name, now)
		}
	}
	return now
}

// since returns when a condition became what it is; now if it is not there.
func since(pair *storkv1alpha1.ClusterPair, name string, now time.Time) time.Time {
	if c := apimeta.FindStatusCondition(pair.Status.Conditions, name); c != nil {
		return c.LastTransitionTime.Time
	}
	return now
}

// setStorage writes down how far the storage driver has come.
func setStorage(pair *storkv1alpha1.ClusterPair, facts storageFacts, now time.Time) {
	pair.Status.StorageStatus = facts.status
	pair.Status.RemoteStorageID = facts.remoteID
	paired, reason := metav1.ConditionFalse, storkv1alpha1.ReasonStorageError
	switch facts.status {
	case storkv1alpha1.ClusterPairStatusReady:
		paired, reason = metav1.ConditionTrue, storkv1alpha1.ReasonReady
	case storkv1alpha1.ClusterPairStatusNotProvided:
		reason = storkv1alpha1.ReasonNotProvided
	case storkv1alpha1.ClusterPairStatusPending:
		reason = storkv1alpha1.ReasonPending
	}
	setCondition(pair, storkv1alpha1.ConditionStoragePaired, paired, reason, facts.message, now)
}

// setReady sums both halves up. A pair without storage options is ready for objects, which is all that it is for.
func setReady(pair *storkv1alpha1.ClusterPair, scheduler schedulerFacts, storage storageFacts, now time.Time) {
	ready, reason, message := metav1.ConditionTrue, storkv1alpha1.ReasonReady, scheduler.message
	switch {
	case pair.Status.SchedulerStatus != storkv1alpha1.ClusterPairStatusReady:
		ready, reason = metav1.ConditionFalse, scheduler.reason
	case storage.status == storkv1alpha1.ClusterPairStatusError:
		ready, reason, message = metav1.ConditionFalse, storkv1alpha1.ReasonStorageError, storage.message
	case storage.status == storkv1alpha1.ClusterPairStatusPending:
		ready, reason, message = metav1.ConditionFalse, storkv1alpha1.ReasonPending, storage.message
	}
	setCondition(pair, storkv1alpha1.ConditionReady, ready, reason, message, now)
}

// setProbeTime moves lastProbeTime where something else changed as well or where it got old. Without a usable credential there
// was no probe.
func setProbeTime(before storkv1alpha1.ClusterPairStatus, pair *storkv1alpha1.ClusterPair, now time.Time) {
	if apimeta.IsStatusConditionPresentAndEqual(pair.Status.Conditions, storkv1alpha1.ConditionReachable, metav1.ConditionUnknown) {
		return
	}
	last := before.LastProbeTime
	if last != nil && now.Sub(last.Time) < probeTimeAge && equality.Semantic.DeepEqual(before, pair.Status) {
		return
	}
	pair.Status.LastProbeTime = &metav1.Time{Time: now}
}

func setCondition(pair *storkv1alpha1.ClusterPair, name string, status metav1.ConditionStatus, reason, message string, now time.Time) {
	apimeta.SetStatusCondition(&pair.Status.Conditions, metav1.Condition{
		Type:               name,
		Status:             status,
		Reason:             reason,
		Message:            cut(message, maxMessageLength),
		ObservedGeneration: pair.Generation,
		LastTransitionTime: metav1.NewTime(now),
	})
}

// cut shortens a text to a number of bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
}
