package migrationschedule

import (
	"cmp"
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

// keptFailures is how many Migrations that failed after the last success are kept (Stork 25.2).
const keptFailures = 5

// complete tells whether an item has come to its end.
func complete(item *storkv1alpha1.ScheduledMigrationStatus) bool {
	switch item.Status {
	case storkv1alpha1.MigrationStatusInitial, storkv1alpha1.MigrationStatusPending, storkv1alpha1.MigrationStatusInProgress:
		return false
	}
	return true
}

// arrived tells whether a Migration brought what it could.
func arrived(item *storkv1alpha1.ScheduledMigrationStatus) bool {
	return item.Status == storkv1alpha1.MigrationStatusSuccessful || item.Status == storkv1alpha1.MigrationStatusPartialSuccess
}

// running returns the item that is not complete; nil if there is none.
func (p *pass) running() *storkv1alpha1.ScheduledMigrationStatus {
	for _, items := range p.schedule.Status.Items {
		if i := slices.IndexFunc(items, func(item *storkv1alpha1.ScheduledMigrationStatus) bool { return !complete(item) }); i >= 0 {
			return items[i]
		}
	}
	return nil
}

// history returns what is known of runs that a section triggered.
func (p *pass) history(kind storkv1alpha1.SchedulePolicyType) schedule.History {
	history := schedule.History{Created: p.schedule.CreationTimestamp.Time, Since: p.schedule.CreationTimestamp.Time}
	if since := p.schedule.Status.ObservedPolicyTime; since != nil {
		history.Since = since.Time
	}
	for _, item := range p.schedule.Status.Items[kind] {
		if item.CreationTimestamp != nil && item.CreationTimestamp.After(history.Last) {
			history.Last = item.CreationTimestamp.Time
		}
	}
	return history
}

// refresh brings the items that are not complete to what their Migrations say.
func (p *pass) refresh(ctx context.Context) error {
	for kind, items := range p.schedule.Status.Items {
		// Stork writes null for what is not there.
		items = slices.DeleteFunc(items, func(item *storkv1alpha1.ScheduledMigrationStatus) bool { return item == nil })
		p.schedule.Status.Items[kind] = items
		for _, item := range items {
			if complete(item) {
				continue
			}
			if err := p.refreshItem(ctx, item); err != nil {
				return err
			}
		}
	}
	return nil
}

// refreshItem looks past the cache where that has no Migration, because it may only not have seen it yet.
func (p *pass) refreshItem(ctx context.Context, item *storkv1alpha1.ScheduledMigrationStatus) error {
	migration := &storkv1alpha1.Migration{}
	key := types.NamespacedName{Namespace: p.schedule.Namespace, Name: item.Name}
	err := p.Client.Get(ctx, key, migration)
	if apierrors.IsNotFound(err) {
		err = p.Live.Get(ctx, key, migration)
	}
	switch {
	case apierrors.IsNotFound(err) && item.Status == storkv1alpha1.MigrationStatusInitial:
		return nil // It was written down and is still to be created.
	case apierrors.IsNotFound(err):
		p.finish(item, storkv1alpha1.MigrationStatusFailed, "it was deleted while it ran")
		return nil
	case err != nil:
		return err
	}
	status := cmp.Or(migration.Status.Status, storkv1alpha1.MigrationStatusPending)
	if migration.Status.Stage != storkv1alpha1.MigrationStageFinal {
		item.Status = status
		return nil
	}
	p.finish(item, status, "see its conditions and report")
	if status == storkv1alpha1.MigrationStatusSuccessful {
		p.noteSuccess(migration)
	}
	return nil
}

// finish writes down how a Migration ended, and tells in the words of Stork.
func (p *pass) finish(item *storkv1alpha1.ScheduledMigrationStatus, status storkv1alpha1.MigrationStatusType, remark string) {
	now := metav1.NewTime(p.now)
	item.Status, item.FinishTimestamp = status, &now
	if status == storkv1alpha1.MigrationStatusSuccessful {
		p.event(corev1.EventTypeNormal, storkv1alpha1.ReasonSuccessful, "Scheduled migration (%s) completed successfully", item.Name)
		return
	}
	p.event(corev1.EventTypeWarning, storkv1alpha1.ReasonFailed, "Scheduled migration (%s) status %s: %s", item.Name, status, remark)
}

func (p *pass) noteSuccess(migration *storkv1alpha1.Migration) {
	finished := migration.Status.FinishTimestamp
	if finished == nil {
		return
	}
	p.schedule.Status.LastSuccessTime = finished.DeepCopy()
	p.schedule.Status.LastSuccessDuration = finished.Sub(migration.CreationTimestamp.Time).String()
}

// prune finds items that are too old: of each section it keeps as many that arrived as its policy retains, or one where the policy
// has no such section any more. Failures that came after the last of them are kept too, but only the newest few of the schedule.
func (p *pass) prune(sections []schedule.Section) {
	retain := map[storkv1alpha1.SchedulePolicyType]int{}
	for _, section := range sections {
		retain[section.Type] = section.Retain
	}
	var kept []*storkv1alpha1.ScheduledMigrationStatus
	for kind, items := range p.schedule.Status.Items {
		slices.SortStableFunc(items, older)
		kept = append(kept, keep(items, max(1, retain[kind]))...)
	}
	kept = withoutOldFailures(kept)
	for _, items := range p.schedule.Status.Items {
		for _, item := range items {
			if !slices.Contains(kept, item) {
				p.obsolete = append(p.obsolete, item)
			}
		}
	}
}

func older(a, b *storkv1alpha1.ScheduledMigrationStatus) int {
	return cmp.Compare(timeOf(a), timeOf(b))
}

func timeOf(item *storkv1alpha1.ScheduledMigrationStatus) int64 {
	if item.CreationTimestamp == nil {
		return 0
	}
	return item.CreationTimestamp.UnixNano()
}

// keep chooses from items of a section, oldest first: the newest that arrived, as many as wanted, and the failures since the last of
// them.
func keep(items []*storkv1alpha1.ScheduledMigrationStatus, wanted int) []*storkv1alpha1.ScheduledMigrationStatus {
	var kept []*storkv1alpha1.ScheduledMigrationStatus
	successes := 0
	for _, item := range slices.Backward(items) {
		switch {
		case !complete(item):
		case arrived(item) && successes < wanted:
			successes++
		case !arrived(item) && successes == 0:
		default:
			continue
		}
		kept = append(kept, item)
	}
	return kept
}

// withoutOldFailures keeps of those that failed the newest.
func withoutOldFailures(items []*storkv1alpha1.ScheduledMigrationStatus) []*storkv1alpha1.ScheduledMigrationStatus {
	slices.SortStableFunc(items, older)
	failures := 0
	var kept []*storkv1alpha1.ScheduledMigrationStatus
	for _, item := range slices.Backward(items) {
		if complete(item) && !arrived(item) {
			if failures++; failures > keptFailures {
				continue
			}
		}
		kept = append(kept, item)
	}
	return kept
}
