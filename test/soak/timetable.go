package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/figures"
	"github.com/godwit-io/godwit/test/objects"
)

const (
	// scheduleName is the MigrationSchedule of each namespace, by a SchedulePolicy of the same name.
	scheduleName = "every-minute"
	// slotLength is the interval of that policy, and retained is how many successes it keeps.
	slotLength, retained = time.Minute, 2
	// recoverWithin is how soon after the last disturbance each schedule has to have a successful Migration.
	recoverWithin = 3 * time.Minute
	// objectsOfScheduled is how many objects each namespace has.
	objectsOfScheduled = 5
	// windows is into how many parts the time is cut.
	windows = 20
	// killWithin is how long after Migrations are seen to run the operator is killed at most.
	killWithin = 2 * time.Second
	// setUpAtOnce is how many namespaces are set up at once.
	setUpAtOnce = 8
)

// What must not be left, as the figures name it.
const (
	unnamed       = "Migrations that no item of their schedule names"
	notRecovered  = "schedules without a successful Migration within 3m of the last disturbance"
	leftMigration = "Migrations left after their schedules"
	leftCopy      = "copies left at the destination after their schedules"
)

// timetable is a run of many schedules, each of which migrates its own namespace.
type timetable struct {
	*soak
	namespaces []string
	register   *register
	// kills are those of the operator, and interrupted the Migrations that ran then.
	kills, interrupted int
	// violations are counted by what must not happen.
	violations map[string]int
	struck     []struck
}

// struck is a disturbance that is over.
type struck struct {
	name string
	at   time.Time
}

// disturbance is something that goes wrong after a part of the time.
type disturbance struct {
	after float64
	fault
}

// disturbances are such that the operator of the second quarter is the one of the last: what it takes can be compared.
func (t *timetable) disturbances() []disturbance {
	gone := func(ctx context.Context) error { return t.destination.restart(ctx, t.outage()) }
	return []disturbance{
		{0.04, fault{"operator killed", t.killBusy}},
		{0.08, fault{"destination gone, operator killed meanwhile", func(ctx context.Context) error {
			var group errgroup.Group
			group.Go(func() error { return gone(ctx) })
			group.Go(func() error { return errors.Join(pause(ctx, t.outage()/2), t.kill(ctx)) })
			return group.Wait()
		}}},
		{0.16, fault{"operator killed again", t.killBusy}},
		{0.22, fault{"operator killed a fourth time", t.killBusy}},
		{0.55, fault{"destination gone again", gone}},
		{1, fault{"operator killed at the end", t.killBusy}},
	}
}

// outage is how long the destination is gone.
func (t *timetable) outage() time.Duration { return min(longOutage, t.length/windows) }

// killBusy kills the operator at some moment while Migrations run.
func (t *timetable) killBusy(ctx context.Context) error {
	for end := time.Now().Add(slotLength); t.register.unfinished() == 0 && time.Now().Before(end); {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.Join(pause(ctx, rand.N(killWithin)), t.kill(ctx))
}

// kill kills the operator and starts it again.
func (t *timetable) kill(ctx context.Context) error {
	t.interrupted += t.register.unfinished()
	manager := t.running()
	if err := syscall.Kill(manager.PID(), syscall.SIGKILL); err != nil {
		return err
	}
	if err := manager.Stop(); err != nil { // It only has to be waited for.
		return err
	}
	t.kills++
	return t.startManager(ctx, fmt.Sprintf("schedules-%d.log", t.kills))
}

// runSchedules runs so many schedules for so long.
func runSchedules(ctx context.Context, length time.Duration, schedules int) (err error) {
	t := &timetable{soak: &soak{length: length, rounds: windows}, violations: map[string]int{}}
	t.register = &register{retain: retained, violated: t.violate, runs: map[string][]*run{}}
	for i := range schedules {
		t.namespaces = append(t.namespaces, fmt.Sprintf("scheduled-%03d", i))
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	if err := t.start(ctx); err != nil {
		return err
	}
	watching, cancel := context.WithCancel(ctx)
	var group errgroup.Group
	defer func() { cancel(); err = errors.Join(err, group.Wait()) }()
	if err := t.watch(watching, &group); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{t.createSchedules, t.run, t.recover, t.suspend, t.delete} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return t.judge(t.figures(), "schedules.json")
}

// start starts the clusters, a source that collects garbage, and the operator, and pairs all namespaces.
func (t *timetable) start(ctx context.Context) error {
	if err := t.startClusters(ctx, localcluster.Options{ControllerManager: true}); err != nil {
		return err
	}
	if err := localgodwit.InstallCRDs(t.destination.cluster.Config(), "."); err != nil {
		return err
	}
	if err := t.startManager(ctx, "schedules-0.log"); err != nil {
		return err
	}
	fmt.Printf("filling and pairing %d namespaces\n", len(t.namespaces))
	return t.each(ctx, func(ctx context.Context, namespace string) error {
		mix := objects.Mixes["small"]
		if err := objects.Prepare(ctx, t.source.client, namespace, mix); err != nil {
			return err
		}
		if err := objects.Create(ctx, t.source.dynamic, namespace, mix.Items(objectsOfScheduled), 1); err != nil {
			return err
		}
		return t.pair(ctx, namespace, "first")
	})
}

// each does something for each namespace.
func (t *timetable) each(ctx context.Context, do func(ctx context.Context, namespace string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(setUpAtOnce)
	for _, namespace := range t.namespaces {
		group.Go(func() error { return do(ctx, namespace) })
	}
	return group.Wait()
}

// watch fills the register until ctx ends.
func (t *timetable) watch(ctx context.Context, group *errgroup.Group) error {
	c, err := localgodwit.Client(t.source.cluster.Config())
	if err != nil {
		return err
	}
	if err := follow(ctx, c, group, &storkv1alpha1.MigrationList{}, t.register.seeMigration); err != nil {
		return err
	}
	return follow(ctx, c, group, &storkv1alpha1.MigrationScheduleList{}, t.register.seeSchedule)
}

func (t *timetable) schedule(namespace string) *storkv1alpha1.MigrationSchedule {
	return &storkv1alpha1.MigrationSchedule{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: scheduleName},
		Spec: storkv1alpha1.MigrationScheduleSpec{
			SchedulePolicyName: scheduleName,
			Template: storkv1alpha1.MigrationTemplateSpec{Spec: storkv1alpha1.MigrationSpec{
				ClusterPair: pairName, Namespaces: []string{namespace}, IncludeVolumes: new(false),
			}},
		},
	}
}

// createSchedules has all schedules begin at once, so that all are due at once each minute.
func (t *timetable) createSchedules(ctx context.Context) error {
	policy := &storkv1alpha1.SchedulePolicy{
		ObjectMeta: metav1.ObjectMeta{Name: scheduleName},
		Policy: storkv1alpha1.SchedulePolicyItem{
			Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: int(slotLength.Minutes()), Retain: retained},
		},
	}
	if err := t.source.client.Create(ctx, policy); err != nil {
		return err
	}
	return t.each(ctx, func(ctx context.Context, namespace string) error {
		return t.source.client.Create(ctx, t.schedule(namespace))
	})
}

// run lets the time go by, with its disturbances.
func (t *timetable) run(ctx context.Context) error {
	sampling, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { t.sampleAll(sampling) })
	began := time.Now()
	for _, one := range t.disturbances() {
		if err := t.sampleUntil(ctx, began, began.Add(time.Duration(one.after*float64(t.length)))); err != nil {
			return err
		}
		fmt.Printf("%s: %s; Migrations so far: %v\n", time.Since(began).Round(time.Second), one.name, t.register.endings())
		if err := one.strike(ctx); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		t.struck = append(t.struck, struck{one.name, time.Now()})
	}
	return nil
}

// sampleUntil has samples taken while nothing is disturbed.
func (t *timetable) sampleUntil(ctx context.Context, began, end time.Time) error {
	defer t.course.end()
	window := t.length / windows
	for time.Now().Before(end) {
		passed := time.Since(began)
		t.course.begin(int(passed / window))
		if err := pause(ctx, min(window-passed%window, time.Until(end))); err != nil {
			return err
		}
	}
	return nil
}

// recover waits until all schedules have run again.
func (t *timetable) recover(ctx context.Context) error {
	last := t.struck[len(t.struck)-1].at
	for {
		_, missing := t.register.recovery(last, t.namespaces)
		if len(missing) == 0 {
			return nil
		}
		if time.Since(last) > recoverWithin {
			for _, namespace := range missing {
				t.violate(notRecovered, "MigrationSchedule %s/%s has none", namespace, scheduleName)
			}
			return nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// suspend suspends all schedules and waits until nothing runs; then each Migration has to be an item of its schedule.
func (t *timetable) suspend(ctx context.Context) error {
	err := t.each(ctx, func(ctx context.Context, namespace string) error {
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":true}}`))
		return t.source.client.Patch(ctx, t.schedule(namespace), patch)
	})
	if err != nil {
		return err
	}
	var left []string
	err = eventually(ctx, func(ctx context.Context) (err error) {
		left, err = t.unnamed(ctx)
		return err
	})
	for _, name := range left {
		t.violate(unnamed, "migration %s", name)
	}
	return err
}

// unnamed returns Migrations that no item names. It is an error while one runs.
func (t *timetable) unnamed(ctx context.Context) ([]string, error) {
	schedules, migrations := &storkv1alpha1.MigrationScheduleList{}, &storkv1alpha1.MigrationList{}
	if err := errors.Join(t.source.client.List(ctx, schedules), t.source.client.List(ctx, migrations)); err != nil {
		return nil, err
	}
	named := map[client.ObjectKey]bool{}
	for i := range schedules.Items {
		schedule := &schedules.Items[i]
		if schedule.Status.ObservedGeneration != schedule.Generation {
			return nil, fmt.Errorf("MigrationSchedule %s is not suspended yet", client.ObjectKeyFromObject(schedule))
		}
		for _, item := range schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval] {
			if item.FinishTimestamp == nil {
				return nil, fmt.Errorf("migration %s/%s is %s", schedule.Namespace, item.Name, item.Status)
			}
			named[client.ObjectKey{Namespace: schedule.Namespace, Name: item.Name}] = true
		}
	}
	var found []string
	for i := range migrations.Items {
		if key := client.ObjectKeyFromObject(&migrations.Items[i]); !named[key] {
			found = append(found, key.String())
		}
	}
	return found, nil
}

// delete deletes all schedules, after which nothing of them may be left.
func (t *timetable) delete(ctx context.Context) error {
	err := t.each(ctx, func(ctx context.Context, namespace string) error {
		return t.source.client.Delete(ctx, t.schedule(namespace))
	})
	if err != nil {
		return err
	}
	err = t.expectNone(ctx, leftMigration, t.source.client, &storkv1alpha1.MigrationList{})
	return errors.Join(err, t.expectNone(ctx, leftCopy, t.destination.client, &storkv1alpha1.MigrationScheduleList{}))
}

// expectNone waits until there are no objects of a kind.
func (t *timetable) expectNone(ctx context.Context, what string, c client.Client, list client.ObjectList) error {
	for end := time.Now().Add(recoverWithin); ; {
		if err := c.List(ctx, list); err != nil {
			return err
		}
		if apimeta.LenList(list) == 0 || time.Now().After(end) {
			break
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return apimeta.EachListItem(list, func(left runtime.Object) error {
		t.violate(what, "%s", client.ObjectKeyFromObject(left.(client.Object)))
		return nil
	})
}

// violate counts what must not happen.
func (t *timetable) violate(what, format string, arguments ...any) {
	t.complain("%s: %s", what, fmt.Sprintf(format, arguments...))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.violations[what]++
}

// figures sums up what the schedules did.
func (t *timetable) figures() (table figures.Table) {
	table.Show("schedules", float64(len(t.namespaces)), "")
	endings := t.register.endings()
	for _, ending := range slices.Sorted(maps.Keys(endings)) {
		table.Show("Migrations that ended as "+string(ending), float64(endings[ending]), "")
	}
	table.Show("Migrations that ran when the operator was killed", float64(t.interrupted), "")
	table.Show("longest time between two of one schedule", t.register.longestGap().Seconds(), "s")
	for _, one := range t.struck {
		slowest, _ := t.register.recovery(one.at, t.namespaces)
		table.Show(one.name+": until all schedules had run again", slowest.Seconds(), "s")
	}
	for _, what := range []string{twiceForSlot, twoAtOnce, tooManyItems, notRecovered, unnamed, leftMigration, leftCopy} {
		table.AtMost(what, float64(t.violations[what]), "", 0)
	}
	return table
}
