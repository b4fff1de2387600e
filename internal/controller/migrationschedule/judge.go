package migrationschedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

// judge decides what is to be done now, writes it into the status, and returns after which time to look again; zero means that
// only a change makes a difference.
func (p *pass) judge(ctx context.Context) (time.Duration, error) {
	policy, err := p.policy(ctx)
	problem, wrong := errors.AsType[*policyError](err)
	if err != nil && !wrong {
		return 0, err
	}
	if !wrong { // Nothing is thrown away for want of a policy.
		p.prune(policy.sections)
	}
	p.schedule.Status.NextRunTime = nil
	if isTrue(p.schedule.Spec.Suspend) {
		p.observe("")
		if p.autoSuspended() {
			return p.resumeWhenInactive(p.synchronise(ctx)), nil
		}
		message := "spec.suspend is true: no Migrations are made"
		if wrong {
			message += "; " + problem.Error()
		}
		p.ready(storkv1alpha1.ReasonSuspended, message)
		return p.keepCopied(ctx).retryAfter, nil
	}
	if wrong {
		p.stalled(storkv1alpha1.ReasonInvalidPolicy, problem.Error())
		return p.keepCopied(ctx).retryAfter, nil
	}
	p.observe(policy.version)
	p.schedule.Status.NextRunTime = p.next(policy.sections)
	return p.trigger(ctx, policy.sections), nil
}

// observe notes which policy the schedule follows, and since when: from its creation if it was not looked at before.
func (p *pass) observe(version string) {
	status := &p.schedule.Status
	if version == status.ObservedPolicy {
		return
	}
	status.ObservedPolicy, status.ObservedPolicyTime = version, nil
	switch {
	case version == "":
	case status.ObservedGeneration == 0:
		status.ObservedPolicyTime = p.schedule.CreationTimestamp.DeepCopy()
	default:
		status.ObservedPolicyTime = new(metav1.NewTime(p.now))
	}
}

// policyError means that there is no policy to run by.
type policyError struct{ problem string }

func (e *policyError) Error() string { return e.problem }

// policy is what a schedule runs by.
type policy struct {
	sections []schedule.Section
	// version changes with the policy.
	version string
}

// policy finds the policy and reads it: the namespace's own goes before one of the cluster. A schedule without one can only be
// suspended, as a mere reference for failover.
func (p *pass) policy(ctx context.Context) (policy, error) {
	name := p.schedule.Spec.SchedulePolicyName
	if name == "" {
		return policy{}, &policyError{"spec.schedulePolicyName is empty: name a NamespacedSchedulePolicy of this namespace, or a SchedulePolicy"}
	}
	own := &storkv1alpha1.NamespacedSchedulePolicy{}
	err := p.Client.Get(ctx, types.NamespacedName{Namespace: p.schedule.Namespace, Name: name}, own)
	if err == nil {
		return p.parse(own, "NamespacedSchedulePolicy", own.Policy)
	}
	if !apierrors.IsNotFound(err) {
		return policy{}, err
	}
	shared := &storkv1alpha1.SchedulePolicy{}
	err = p.Client.Get(ctx, types.NamespacedName{Name: name}, shared)
	if apierrors.IsNotFound(err) {
		return policy{}, &policyError{fmt.Sprintf(
			"schedulepolicy %s does not exist: create a NamespacedSchedulePolicy in namespace %s or a SchedulePolicy of that name", name, p.schedule.Namespace)}
	}
	if err != nil {
		return policy{}, err
	}
	return p.parse(shared, "SchedulePolicy", shared.Policy)
}

func (p *pass) parse(object client.Object, kind string, item storkv1alpha1.SchedulePolicyItem) (policy, error) {
	sections, err := schedule.Parse(item, p.Options.Zone)
	if err != nil {
		return policy{}, &policyError{fmt.Sprintf("%s %s: %v", kind, object.GetName(), err)}
	}
	return policy{sections: sections, version: fmt.Sprintf("%s/%d", object.GetUID(), object.GetGeneration())}, nil
}

// next returns the earliest time at which one of the sections triggers; nil if none does again.
func (p *pass) next(sections []schedule.Section) *metav1.Time {
	var earliest time.Time
	for _, section := range sections {
		if next := section.Next(p.history(section.Type), p.now); !next.IsZero() && (earliest.IsZero() || next.Before(earliest)) {
			earliest = next
		}
	}
	if earliest.IsZero() {
		return nil
	}
	return new(metav1.NewTime(earliest))
}

// trigger writes down a run if one is due and nothing keeps it from starting. The one that is written down is created afterwards.
func (p *pass) trigger(ctx context.Context, sections []schedule.Section) time.Duration {
	if running := p.running(); running != nil {
		p.ready(storkv1alpha1.ReasonRunning, fmt.Sprintf("Migration %s runs", running.Name))
		return p.keepCopied(ctx).retryAfter // Its end brings the schedule here again.
	}
	for _, section := range sections {
		if slot, due := section.Due(p.history(section.Type), p.now, p.Options.CatchUp); due {
			return p.startUnlessHeld(p.synchronise(ctx), section, slot)
		}
	}
	copied := p.keepCopied(ctx)
	next := p.schedule.Status.NextRunTime
	if next == nil {
		p.stalled(storkv1alpha1.ReasonInvalidPolicy, "the policy never triggers again")
		return copied.retryAfter
	}
	if at := next.UTC().Format(time.RFC3339); copied.unknown {
		p.notReady(storkv1alpha1.ReasonCopyFailed, fmt.Sprintf("the next Migration is due at %s, but could not start: %s", at, copied.problem))
	} else {
		p.ready(storkv1alpha1.ReasonScheduled, fmt.Sprintf("the next Migration starts at %s; one that is missed is made up for within %s", at, p.Options.CatchUp))
	}
	return earlier(next.Sub(p.now), copied.retryAfter)
}

// startUnlessHeld starts no run over applications that are active at the destination, nor without knowing whether they are.
func (p *pass) startUnlessHeld(copied copyState, section schedule.Section, slot time.Time) time.Duration {
	switch {
	case copied.activated:
		return p.holdForApplications()
	case copied.unknown:
		p.notReady(storkv1alpha1.ReasonCopyFailed, "a Migration is due, but whether its applications are active at the destination cannot be found out: "+copied.problem)
		return copied.retryAfter
	}
	p.start(section, slot)
	return 0
}

// start writes a run down.
func (p *pass) start(section schedule.Section, slot time.Time) {
	now := metav1.NewTime(p.now)
	item := &storkv1alpha1.ScheduledMigrationStatus{
		Name: childName(p.schedule.Name, section.Type, p.now), CreationTimestamp: &now, Status: storkv1alpha1.MigrationStatusInitial,
	}
	if p.schedule.Status.Items == nil {
		p.schedule.Status.Items = map[storkv1alpha1.SchedulePolicyType][]*storkv1alpha1.ScheduledMigrationStatus{}
	}
	p.schedule.Status.Items[section.Type] = append(p.schedule.Status.Items[section.Type], item)
	if late := p.now.Sub(slot).Truncate(time.Second); late >= time.Minute && section.Type != storkv1alpha1.SchedulePolicyTypeInterval {
		p.event(corev1.EventTypeNormal, storkv1alpha1.ReasonScheduled, "Migration %s starts %s after its time of %s, which was missed",
			item.Name, late, slot.UTC().Format(time.RFC3339))
	}
	p.ready(storkv1alpha1.ReasonRunning, fmt.Sprintf("Migration %s runs", item.Name))
}

// earlier returns the shorter of two waits, of which zero means for ever.
func earlier(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

func isTrue(value *bool) bool { return value != nil && *value }
