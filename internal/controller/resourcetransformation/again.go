package resourcetransformation

import (
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	// soonest is how long after a failure it is tried again at first, and latest how long after the last trial at most.
	soonest = time.Minute
	latest  = 10 * time.Minute
)

// untilNextTrial returns how long to wait before one that failed for what the cluster has is judged again: as long as it has failed
// by now, so that what nobody mends costs little.
func (r *Reconciler) untilNextTrial(transformation *storkv1alpha1.ResourceTransformation) time.Duration {
	ready := apimeta.FindStatusCondition(transformation.Status.Conditions, storkv1alpha1.ConditionReady)
	if ready == nil || transformation.Status.Status != storkv1alpha1.ResourceTransformationStatusFailed {
		return 0
	}
	return min(max(r.Clock.Since(ready.LastTransitionTime.Time), soonest), latest)
}
