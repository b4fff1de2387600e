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

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

// judge decides what is to be done now, writes it into the status, and returns after which time to look again; zero means that
// only a change makes a difference.
func (p *pass) judge(ctx context.Context) (time.Duration, error) {
	sections, err := p.sections(ctx)
	if problem, ok := errors.AsType[*policyError](err); ok {
		p.schedule.Status.NextRunTime = nil
		p.stalled(storkv1alpha1.ReasonInvalidPolicy, problem.Error())
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	p.prune(retainOf(sections))
	p.schedule.Status.NextRunTime = p.next(sections)
	switch {
	case p.autoSuspended():
		return p.resumeWhenInactive(p.synchronise(ctx)), nil
	case isTrue(p.schedule.Spec.Suspend):
		p.schedule.Status.NextRunTime = nil
		p.ready(storkv1alpha1.ReasonSuspended, "spec.suspend is true: no Migrations are made")
		return p.keepCopied(ctx).retryAfter, nil
	}
	return p.trigger(ctx, sections), nil
}

// policyError means that there is no policy to run by.
type policyError struct{ problem string }

func (e *policyError) Error() string { return e.problem }

// sections finds the policy: the namespace's own goes before one of the cluster.
func (p *pass) sections(ctx context.Context) ([]schedule.Section, error) {
	name := p.schedule.Spec.SchedulePolicyName
	if name == "" {
		if isTrue(p.schedule.Spec.Suspend) {
			return nil, nil // A mere reference for failover.
		}
		return nil, &policyError{"spec.schedulePolicyName is empty: name a NamespacedSchedulePolicy of this namespace, or a SchedulePolicy"}
	}
	item, kind, err := p.policy(ctx, name)
	if err != nil {
		return nil, err
	}
	zone := p.Options.Zone
	if item.TimeZone != "" {
		if zone, err = time.LoadLocation(item.TimeZone); err != nil {
			return nil, &policyError{fmt.Sprintf("%s %s: timeZone %q is unknown: write a name of the IANA database, such as Europe/Berlin", kind, name, item.TimeZone)}
		}
	}
	sections, err := schedule.Parse(item, zone)
	if err != nil {
		return nil, &policyError{fmt.Sprintf("%s %s: %v", kind, name, err)}
	}
	return sections, nil
}

func (p *pass) policy(ctx context.Context, name string) (storkv1alpha1.SchedulePolicyItem, string, error) {
	own := &storkv1alpha1.NamespacedSchedulePolicy{}
	err := p.Client.Get(ctx, types.NamespacedName{Namespace: p.schedule.Namespace, Name: name}, own)
	if err == nil {
		return own.Policy, "NamespacedSchedulePolicy", nil
	}
	if !apierrors.IsNotFound(err) {
		return storkv1alpha1.SchedulePolicyItem{}, "", err
	}
	shared := &storkv1alpha1.SchedulePolicy{}
	err = p.Client.Get(ctx, types.NamespacedName{Name: name}, shared)
	if apierrors.IsNotFound(err) {
		return storkv1alpha1.SchedulePolicyItem{}, "", &policyError{fmt.Sprintf(
			"schedulepolicy %s does not exist: create a NamespacedSchedulePolicy in namespace %s or a SchedulePolicy of that name", name, p.schedule.Namespace)}
	}
	return shared.Policy, "SchedulePolicy", err
}

func retainOf(sections []schedule.Section) map[storkv1alpha1.SchedulePolicyType]int {
	retain := map[storkv1alpha1.SchedulePolicyType]int{}
	for _, section := range sections {
		retain[section.Type] = section.Retain
	}
	return retain
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
	p.ready(storkv1alpha1.ReasonScheduled, fmt.Sprintf("the next Migration starts at %s; one that is missed is made up for within %s",
		next.UTC().Format(time.RFC3339), p.Options.CatchUp))
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
