package main

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// began is when the first Migration of a test is made.
var began = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// change is what is seen of a Migration that was made so long after the first one.
type change struct {
	event watch.EventType
	after time.Duration
	ended storkv1alpha1.MigrationStatusType
}

func (c change) migration() *storkv1alpha1.Migration {
	migration := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{
		Namespace: "scheduled", Name: scheduleName + "-interval-" + began.Add(c.after).Format(storkv1alpha1.TimeLayout),
	}}
	if c.ended != "" {
		migration.Status.Stage, migration.Status.Status = storkv1alpha1.MigrationStageFinal, c.ended
		migration.Status.FinishTimestamp = new(metav1.NewTime(began.Add(c.after + 10*time.Second)))
	}
	return migration
}

func newRegister() (r *register, violations map[string]int) {
	violations = map[string]int{}
	violated := func(what, _ string, _ ...any) { violations[what]++ }
	return &register{retain: retained, violated: violated, runs: map[string][]*run{}}, violations
}

func TestRegisterFindsMigrationsThatMustNotBe(t *testing.T) {
	const successful = storkv1alpha1.MigrationStatusSuccessful
	for name, test := range map[string]struct {
		changes []change
		found   map[string]int
	}{
		"one a minute": {
			changes: []change{{watch.Added, 0, ""}, {watch.Modified, 0, successful}, {watch.Added, time.Minute, ""}},
		},
		"one after another was deleted": {
			changes: []change{{watch.Added, 0, ""}, {watch.Deleted, 0, ""}, {watch.Added, time.Minute, ""}},
		},
		"two in a minute": {
			changes: []change{{watch.Added, 0, ""}, {watch.Modified, 0, successful}, {watch.Added, 59 * time.Second, ""}},
			found:   map[string]int{twiceForSlot: 1},
		},
		"one made again after it was deleted": {
			changes: []change{{watch.Added, 0, ""}, {watch.Deleted, 0, successful}, {watch.Added, 0, ""}},
			found:   map[string]int{twiceForSlot: 1},
		},
		"two at once": {
			changes: []change{{watch.Added, 0, ""}, {watch.Modified, 0, ""}, {watch.Added, time.Minute, ""}},
			found:   map[string]int{twoAtOnce: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, violations := newRegister()
			for _, one := range test.changes {
				r.seeMigration(one.event, one.migration())
			}
			if fmt.Sprint(violations) != fmt.Sprint(test.found) {
				t.Errorf("found %v, not %v", violations, test.found)
			}
		})
	}
}

func TestRegisterFindsStatusesWithTooManyItems(t *testing.T) {
	for items, tooMany := range map[[3]int]int{
		{retained, keptFailures, 1}:     0,
		{retained + 1, 0, 0}:            1,
		{retained, keptFailures + 1, 0}: 1,
		{0, 0, 2}:                       1,
	} {
		r, violations := newRegister()
		schedule := &storkv1alpha1.MigrationSchedule{}
		schedule.Status.Items = map[storkv1alpha1.SchedulePolicyType][]*storkv1alpha1.ScheduledMigrationStatus{}
		for i, status := range []storkv1alpha1.MigrationStatusType{
			storkv1alpha1.MigrationStatusPartialSuccess, storkv1alpha1.MigrationStatusFailed, storkv1alpha1.MigrationStatusPending,
		} {
			for range items[i] {
				schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval] = append(
					schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval], &storkv1alpha1.ScheduledMigrationStatus{Status: status})
			}
		}
		r.seeSchedule(watch.Modified, schedule)
		if violations[tooManyItems] != tooMany {
			t.Errorf("%v that arrived, failed and run: %v", items, violations)
		}
	}
}

func TestRecoveryWantsAMigrationThatWasMadeAfterwards(t *testing.T) {
	r, _ := newRegister()
	expect := func(slowest time.Duration, missing int) {
		t.Helper()
		found, namespaces := r.recovery(began.Add(time.Second), []string{"scheduled"})
		if found != slowest || len(namespaces) != missing {
			t.Errorf("recovered after %s, missing are %v", found, namespaces)
		}
	}
	r.seeMigration(watch.Added, change{}.migration())
	r.seeMigration(watch.Modified, change{ended: storkv1alpha1.MigrationStatusSuccessful}.migration())
	expect(0, 1)
	for _, ending := range []storkv1alpha1.MigrationStatusType{storkv1alpha1.MigrationStatusFailed, storkv1alpha1.MigrationStatusSuccessful} {
		after := time.Duration(len(r.runs["scheduled"])) * time.Minute
		r.seeMigration(watch.Added, change{after: after}.migration())
		expect(0, 1)
		r.seeMigration(watch.Modified, change{after: after, ended: ending}.migration())
	}
	expect(2*time.Minute+9*time.Second, 0)
}
