package failover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

// runningError means that a Migration of the schedule runs.
type runningError struct{ name string }

func (e *runningError) Error() string { return "Migration " + e.name + " runs" }

// startGrace is how late a Migration may start without being missed.
const startGrace = time.Minute

// checkLatest judges the newest Migration of the schedule. A failover makes do with one that failed, since the last one brings all that
// it did not; a failback can wait until one has arrived.
func (t *trip) checkLatest(ctx context.Context, s *storkv1alpha1.MigrationSchedule) error {
	kind, latest := newest(s)
	skips := isTrue(t.filter.SkipLastMileMigration)
	switch {
	case latest == nil && skips && isTrue(s.Spec.Suspend):
		t.warn(storkv1alpha1.ReasonNotMigrated, fmt.Sprintf("MigrationSchedule %s is suspended and has made no Migration", t.key(t.schedule)))
		return nil
	case latest == nil && !t.failback && s.Spec.SchedulePolicyName == "":
		return nil // It makes none by itself, and is there for Actions alone.
	case latest == nil:
		return refusef("MigrationSchedule %s has made no Migration yet: wait for its first one to succeed", t.key(t.schedule))
	case !t.failback:
		t.warnOfLatest(latest)
		return nil
	}
	return t.checkComeBack(ctx, s, kind, latest)
}

// checkComeBack refuses to fail back before a Migration has arrived, not long ago.
func (t *trip) checkComeBack(
	ctx context.Context, s *storkv1alpha1.MigrationSchedule, kind storkv1alpha1.SchedulePolicyType, latest *storkv1alpha1.ScheduledMigrationStatus,
) error {
	switch {
	case !complete(latest.Status):
		return &runningError{latest.Name}
	case latest.Status == storkv1alpha1.MigrationStatusFailed || latest.FinishTimestamp == nil:
		return refusef("the latest Migration %s of MigrationSchedule %s failed: fail back after one has succeeded", latest.Name, t.key(t.schedule))
	}
	err := t.checkRecent(ctx, s, kind, latest)
	if old, ok := errors.AsType[*refusal](err); ok && isTrue(t.filter.SkipLastMileMigration) {
		t.warn(storkv1alpha1.ReasonNotMigrated, old.message)
		return nil
	}
	return err
}

// warnOfLatest tells of a Migration that did not bring everything, unless the last one will.
func (t *trip) warnOfLatest(latest *storkv1alpha1.ScheduledMigrationStatus) {
	skips := isTrue(t.filter.SkipLastMileMigration)
	partial := latest.Status == storkv1alpha1.MigrationStatusPartialSuccess && skips
	if latest.Status != storkv1alpha1.MigrationStatusFailed && !partial {
		return
	}
	so := "the last one has to bring what it did not"
	if skips {
		so = "what is started may not be the latest, for no last one is made"
	}
	t.warn(storkv1alpha1.ReasonNotMigrated, fmt.Sprintf("the latest Migration %s of MigrationSchedule %s ended with status %s: %s",
		latest.Name, t.key(t.schedule), latest.Status, so))
}

// checkRecent refuses to fail back where the newest Migration is older than the policy's period: what it did not bring, the last one
// would have to while everything is down.
func (t *trip) checkRecent(
	ctx context.Context, s *storkv1alpha1.MigrationSchedule, kind storkv1alpha1.SchedulePolicyType, latest *storkv1alpha1.ScheduledMigrationStatus,
) error {
	sections, err := t.sections(ctx, s)
	if err != nil {
		return err
	}
	for _, section := range sections {
		if section.Type != kind {
			continue
		}
		finished := latest.FinishTimestamp.Time
		due := section.Next(schedule.History{Created: s.CreationTimestamp.Time, Last: finished}, finished)
		if !due.IsZero() && t.Clock.Now().After(due.Add(startGrace)) {
			return refusef("the latest Migration %s finished at %s, and that of %s is missing: fail back after one has succeeded, or set skipLastMileMigration",
				latest.Name, finished.UTC().Format(time.RFC3339), due.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// newest returns the item that was created last, and the section that triggered it.
func newest(s *storkv1alpha1.MigrationSchedule) (kind storkv1alpha1.SchedulePolicyType, latest *storkv1alpha1.ScheduledMigrationStatus) {
	for section, items := range s.Status.Items {
		for _, item := range items {
			if item != nil && (latest == nil || created(item).After(created(latest))) {
				kind, latest = section, item
			}
		}
	}
	return kind, latest
}

func created(item *storkv1alpha1.ScheduledMigrationStatus) time.Time {
	if item.CreationTimestamp == nil {
		return time.Time{}
	}
	return item.CreationTimestamp.Time
}

func complete(status storkv1alpha1.MigrationStatusType) bool {
	return !slices.Contains([]storkv1alpha1.MigrationStatusType{
		storkv1alpha1.MigrationStatusInitial, storkv1alpha1.MigrationStatusPending, storkv1alpha1.MigrationStatusInProgress,
	}, status)
}

// sections reads the policy of a schedule of the Action's own cluster: the namespace's own goes before one of the cluster.
func (t *trip) sections(ctx context.Context, s *storkv1alpha1.MigrationSchedule) ([]schedule.Section, error) {
	item, err := t.policy(ctx, s.Spec.SchedulePolicyName)
	if apierrors.IsNotFound(err) || s.Spec.SchedulePolicyName == "" {
		return nil, refusef("the policy %q of MigrationSchedule %s does not exist, so that it cannot be told whether its latest Migration is recent", s.Spec.SchedulePolicyName, t.key(t.schedule))
	}
	if err != nil {
		return nil, err
	}
	zone := cmp.Or(t.Options.Zone, time.UTC)
	if item.TimeZone != "" {
		if zone, err = time.LoadLocation(item.TimeZone); err != nil {
			return nil, refusef("the policy of MigrationSchedule %s: timeZone %q is unknown", t.key(t.schedule), item.TimeZone)
		}
	}
	sections, err := schedule.Parse(item, zone)
	if err != nil {
		return nil, refusef("the policy of MigrationSchedule %s: %v", t.key(t.schedule), err)
	}
	return sections, nil
}

func (t *trip) policy(ctx context.Context, name string) (storkv1alpha1.SchedulePolicyItem, error) {
	own, shared := &storkv1alpha1.NamespacedSchedulePolicy{}, &storkv1alpha1.SchedulePolicy{}
	err := t.read(ctx, "namespacedschedulepolicies", t.action.Namespace, name, own)
	if err == nil {
		return own.Policy, nil
	}
	if !apierrors.IsNotFound(err) {
		return storkv1alpha1.SchedulePolicyItem{}, err
	}
	err = t.read(ctx, "schedulepolicies", "", name, shared)
	return shared.Policy, err
}

// read reads an object of ours from the Action's own cluster.
func (t *trip) read(ctx context.Context, resource, namespace, name string, into any) error {
	gvr := runtimeschema.GroupVersionResource{Group: storkv1alpha1.GroupVersion.Group, Version: storkv1alpha1.GroupVersion.Version, Resource: resource}
	found, err := t.Clusters.Local().Dynamic.Resource(gvr).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, into); err != nil {
		return fmt.Errorf("reading %s %s: %w", resource, name, err)
	}
	return nil
}
