package migrationschedule

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

func TestOnlyTheNewestFailuresOfAScheduleAreKeptWhateverSectionTheyAreOf(t *testing.T) {
	at := func(minute int, status storkv1alpha1.MigrationStatusType) *storkv1alpha1.ScheduledMigrationStatus {
		return &storkv1alpha1.ScheduledMigrationStatus{
			CreationTimestamp: new(metav1.NewTime(time.Date(2030, 1, 1, 0, minute, 0, 0, time.UTC))), Status: status,
		}
	}
	p := &pass{schedule: &storkv1alpha1.MigrationSchedule{}}
	p.schedule.Status.Items = map[storkv1alpha1.SchedulePolicyType][]*storkv1alpha1.ScheduledMigrationStatus{
		storkv1alpha1.SchedulePolicyTypeDaily:  {at(8, failed), at(6, failed), at(4, failed), at(2, failed), at(1, successful)},
		storkv1alpha1.SchedulePolicyTypeWeekly: {at(7, failed), at(5, failed), at(3, failed), at(0, successful)},
	}
	p.prune([]schedule.Section{{Type: storkv1alpha1.SchedulePolicyTypeDaily, Retain: 1}, {Type: storkv1alpha1.SchedulePolicyTypeWeekly, Retain: 1}})
	var gone []int
	for _, item := range p.obsolete {
		if item.Status == successful {
			t.Errorf("the last success of a section, at minute %d, is not kept", item.CreationTimestamp.Minute())
		}
		gone = append(gone, item.CreationTimestamp.Minute())
	}
	if len(gone) != 2 || gone[0]+gone[1] != 5 {
		t.Errorf("those of minutes %v go, want those of 2 and 3: the newest five failures stay", gone)
	}
}
