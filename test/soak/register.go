package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// What schedules must never do, as the figures name it.
const (
	twiceForSlot = "Migrations less than a minute after another one of their schedule"
	twoAtOnce    = "Migrations made while another one of their schedule ran"
	tooManyItems = "statuses with more items than are to be kept"
)

// keptFailures is how many failed Migrations a schedule keeps at most.
const keptFailures = 5

// run is a Migration that a schedule made.
type run struct {
	name string
	// slot is the time for which it was made.
	slot time.Time
	// over is true when it has ended or is gone.
	over bool
	// arrived is when it ended successfully; zero until then.
	arrived time.Time
	ending  storkv1alpha1.MigrationStatusType
}

// register sees every change of Migrations and MigrationSchedules, in their order, and keeps all runs that there ever were.
type register struct {
	retain   int
	violated func(what, format string, arguments ...any)

	mu sync.Mutex
	// runs are by namespace, of which each has one schedule.
	runs map[string][]*run
}

// follow has the group pass on every change of objects of one kind from now on, until ctx ends.
func follow[T client.Object](ctx context.Context, c client.WithWatch, group *errgroup.Group, list client.ObjectList, see func(watch.EventType, T)) error {
	if err := c.List(ctx, list); err != nil {
		return err
	}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, list, &client.ListOptions{Raw: &options})
		},
	})
	if err != nil {
		return err
	}
	group.Go(func() error {
		defer watcher.Stop()
		for event := range watcher.ResultChan() {
			object, ok := event.Object.(T)
			if !ok {
				return fmt.Errorf("watching: %w", apierrors.FromObject(event.Object))
			}
			see(event.Type, object)
		}
		return nil // The context has ended.
	})
	return nil
}

// seeMigration takes a change of a Migration down.
func (r *register) seeMigration(event watch.EventType, migration *storkv1alpha1.Migration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch event {
	case watch.Added:
		r.add(migration)
	case watch.Modified, watch.Deleted:
		for _, one := range r.runs[migration.Namespace] {
			if one.name == migration.Name {
				one.update(event, migration)
			}
		}
	}
}

func (r *register) add(migration *storkv1alpha1.Migration) {
	key := client.ObjectKeyFromObject(migration)
	stamp := migration.Name[max(0, len(migration.Name)-len(storkv1alpha1.TimeLayout)):]
	slot, err := time.Parse(storkv1alpha1.TimeLayout, stamp)
	if err != nil || !strings.HasPrefix(migration.Name, scheduleName+"-interval-") {
		r.violated(twiceForSlot, "Migration %s is not named for a time of schedule %s", key, scheduleName)
		return
	}
	for _, other := range r.runs[migration.Namespace] {
		if slot.Sub(other.slot).Abs() < slotLength {
			r.violated(twiceForSlot, "migration %s follows %s", key, other.name)
		}
		if !other.over {
			r.violated(twoAtOnce, "migration %s was made while %s ran", key, other.name)
		}
	}
	r.runs[migration.Namespace] = append(r.runs[migration.Namespace], &run{name: migration.Name, slot: slot})
}

func (o *run) update(event watch.EventType, migration *storkv1alpha1.Migration) {
	if o.over {
		return
	}
	o.over = event == watch.Deleted || migration.Status.Stage == storkv1alpha1.MigrationStageFinal
	if o.over {
		o.ending = migration.Status.Status
	}
	if finished := migration.Status.FinishTimestamp; o.over && finished != nil && o.ending == storkv1alpha1.MigrationStatusSuccessful {
		o.arrived = finished.Time
	}
}

// seeSchedule counts the items of a schedule, of which one more may run.
func (r *register) seeSchedule(event watch.EventType, schedule *storkv1alpha1.MigrationSchedule) {
	if event != watch.Modified {
		return
	}
	arrived, failed, running := 0, 0, 0
	for _, item := range schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval] {
		switch item.Status {
		case storkv1alpha1.MigrationStatusSuccessful, storkv1alpha1.MigrationStatusPartialSuccess:
			arrived++
		case storkv1alpha1.MigrationStatusInitial, storkv1alpha1.MigrationStatusPending, storkv1alpha1.MigrationStatusInProgress:
			running++
		default:
			failed++
		}
	}
	if arrived > r.retain || failed > keptFailures || running > 1 {
		r.violated(tooManyItems, "MigrationSchedule %s has items of %d Migrations that arrived, %d that failed and %d that run",
			client.ObjectKeyFromObject(schedule), arrived, failed, running)
	}
}

// endings counts the runs by how they ended. Those that have not are "unfinished".
func (r *register) endings() map[storkv1alpha1.MigrationStatusType]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := map[storkv1alpha1.MigrationStatusType]int{}
	for _, runs := range r.runs {
		for _, one := range runs {
			found[cmp.Or(one.ending, "unfinished")]++
		}
	}
	return found
}

// unfinished counts the runs that are not over.
func (r *register) unfinished() (count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, runs := range r.runs {
		for _, one := range runs {
			if !one.over {
				count++
			}
		}
	}
	return count
}

// longestGap is the longest time between two runs of one schedule.
func (r *register) longestGap() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var longest time.Duration
	for _, runs := range r.runs {
		for i := range runs[:max(0, len(runs)-1)] {
			longest = max(longest, runs[i+1].slot.Sub(runs[i].slot))
		}
	}
	return longest
}

// recovery tells how long after a time the last of the schedules had a successful Migration that was made after it, and which have none.
func (r *register) recovery(since time.Time, namespaces []string) (slowest time.Duration, missing []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, namespace := range namespaces {
		i := slices.IndexFunc(r.runs[namespace], func(one *run) bool { return one.slot.After(since) && !one.arrived.IsZero() })
		if i < 0 {
			missing = append(missing, namespace)
			continue
		}
		slowest = max(slowest, r.runs[namespace][i].arrived.Sub(since))
	}
	return slowest, missing
}
