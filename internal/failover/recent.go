package failover

import (
	"cmp"
	"context"
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

// checkRecent refuses to fail back where the newest Migration did not arrive, or is older than the policy's period: what it did not
// bring, the last Migration would have to while everything is down.
func (t *trip) checkRecent(ctx context.Context, s *storkv1alpha1.MigrationSchedule) error {
	kind, latest := newest(s)
	switch {
	case latest == nil:
		return refusef("MigrationSchedule %s has made no Migration yet: wait for its first one to succeed", t.key(t.schedule))
	case !complete(latest.Status):
		return &runningError{latest.Name}
	case latest.Status == storkv1alpha1.MigrationStatusFailed || latest.FinishTimestamp == nil:
		return refusef("the latest Migration %s of MigrationSchedule %s failed: fail back after one has succeeded", latest.Name, t.key(t.schedule))
	}
	sections, err := t.sections(ctx, s)
	if err != nil {
		return err
	}
	for _, section := range sections {
		if section.Type != kind {
			continue
		}
		finished, now := latest.FinishTimestamp.Time, t.Clock.Now()
		due := section.Next(schedule.History{Created: s.CreationTimestamp.Time, Last: finished}, finished)
		// One that is due at this moment may be about to start.
		if missed := section.Next(schedule.History{Created: s.CreationTimestamp.Time, Last: due}, due); !due.IsZero() && !now.Before(missed) {
			return refusef("the latest Migration %s finished at %s, and those of %s and later are missing: fail back after one has succeeded, or set skipLastMileMigration",
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
