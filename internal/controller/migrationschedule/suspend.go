package migrationschedule

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// lookInterval is how often it is found out whether applications are still active at the destination, while they are.
const lookInterval = time.Minute

// suspendedMessage is Stork's.
const suspendedMessage = "Suspending migration schedule since migrated apps on remote cluster are active"

// autoSuspended tells whether the schedule was suspended because its applications run at the destination, by its own controller or by
// a failover: the condition says so.
func (p *pass) autoSuspended() bool {
	ready := apimeta.FindStatusCondition(p.before.Status.Conditions, storkv1alpha1.ConditionReady)
	return isTrue(p.schedule.Spec.Suspend) && p.schedule.Spec.AutoSuspend && ready != nil && ready.Reason == storkv1alpha1.ReasonApplicationsActive
}

// holdForApplications makes no Migration over applications that run at the destination, and suspends the schedule if it wants that.
func (p *pass) holdForApplications() time.Duration {
	p.schedule.Status.NextRunTime = nil
	if !p.schedule.Spec.AutoSuspend {
		p.notReady(storkv1alpha1.ReasonApplicationsActive, "a Migration is due, but the migrated applications are active at the destination")
		return lookInterval
	}
	p.notReady(storkv1alpha1.ReasonApplicationsActive, suspendedMessage)
	p.observe("")
	p.suspend = new(true)
	p.event(corev1.EventTypeWarning, storkv1alpha1.ReasonSuspended, suspendedMessage)
	return lookInterval
}

// resumeWhenInactive undoes that when the applications run there no longer, as they do after a failback (Stork 23.2). The condition
// stays until the schedule is found to be resumed: a crash in between would leave it suspended.
func (p *pass) resumeWhenInactive(copied copyState) time.Duration {
	if copied.activated || copied.unknown {
		return lookInterval
	}
	const message = "Resuming migration schedule since migrated apps on remote cluster are no longer active"
	p.suspend = new(false)
	p.event(corev1.EventTypeNormal, storkv1alpha1.ReasonScheduled, message)
	return 0
}

// setSuspend writes spec.suspend if that was decided. The change brings the schedule here again.
func (p *pass) setSuspend(ctx context.Context) error {
	if p.suspend == nil {
		return nil
	}
	before := p.schedule.DeepCopy()
	p.schedule.Spec.Suspend = p.suspend
	return p.Client.Patch(ctx, p.schedule, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}
