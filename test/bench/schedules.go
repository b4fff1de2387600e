package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/figures"
)

const (
	// scheduleCount is how many MigrationSchedules there are, all by one policy and over one pair.
	scheduleCount = 1000
	// reconcilers is how many of them the operator looks at once.
	reconcilers = 10
	// noticeTime is how long before their time all schedules get to know it.
	noticeTime = time.Minute
	// barLate is how long after its time the last Migration may be made, beside one second: a ratio to the time that the least requests
	// for all of them take the bare client, with as many workers.
	barLate = 2.0
)

// schedules is the set-up of an operator with many schedules.
type schedules struct {
	source, destination *localcluster.Cluster
	here, there         client.Client
	manager             *localgodwit.Manager
	results             figures.Table
}

// measureSchedules counts what an operator sends whose schedules are not due, and how late it is when all are due at once. Their
// Migrations wait for a Rule, so that nothing else is measured.
func measureSchedules(ctx context.Context) (found figures.Table, err error) {
	fmt.Printf("schedules: starting two API servers and creating %d MigrationSchedules\n", scheduleCount)
	clusters, err := localcluster.StartAll(ctx, localcluster.Options{Name: "source", Progress: os.Stdout}, localcluster.Options{Name: "destination"})
	if err != nil {
		return nil, err
	}
	s := &schedules{source: clusters[0], destination: clusters[1]}
	defer func() { err = errors.Join(err, s.stop()) }()
	for _, step := range []func(context.Context) error{s.start, s.create, s.measureIdle, s.measureDue} {
		if err := step(ctx); err != nil {
			return s.results, err
		}
	}
	return s.results, nil
}

func (s *schedules) stop() error {
	var err error
	if s.manager != nil {
		err = s.manager.Stop()
	}
	return errors.Join(err, s.source.Stop(), s.destination.Stop())
}

func (s *schedules) start(ctx context.Context) (err error) {
	for _, cluster := range []*localcluster.Cluster{s.source, s.destination} {
		if err := localgodwit.InstallCRDs(cluster.Config(), "."); err != nil {
			return err
		}
	}
	if s.here, err = localgodwit.Client(s.source.Config()); err != nil {
		return err
	}
	if s.there, err = localgodwit.Client(s.destination.Config()); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	s.manager, err = localgodwit.StartManager(ctx, "bin/godwit", s.source.Kubeconfig(), filepath.Join(folder, "schedules.log"),
		"--leader-elect=true", "--leader-election-namespace="+metav1.NamespaceSystem)
	return err
}

// create makes the schedules, by a policy that is not due for long, and waits until each has its copy at the destination.
func (s *schedules) create(ctx context.Context) error {
	if err := s.here.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	if err := localgodwit.Pair(ctx, s.here, namespace, "destination", s.destination.Kubeconfig(), nil); err != nil {
		return err
	}
	policy := &storkv1alpha1.SchedulePolicy{ObjectMeta: metav1.ObjectMeta{Name: namespace}, Policy: dailyAt(time.Now().Add(12 * time.Hour))}
	if err := s.here.Create(ctx, policy); err != nil {
		return err
	}
	err := each(ctx, func(ctx context.Context, name string) error { return s.here.Create(ctx, scheduleNamed(name)) })
	if err != nil {
		return err
	}
	return s.await(ctx, "all copies are there", func(schedule *storkv1alpha1.MigrationSchedule) bool { return schedule.Status.CopiedHash != "" })
}

func dailyAt(at time.Time) storkv1alpha1.SchedulePolicyItem {
	return storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: storkv1alpha1.KitchenTime(at.UTC().Format(time.Kitchen))}}
}

func scheduleNamed(name string) *storkv1alpha1.MigrationSchedule {
	return &storkv1alpha1.MigrationSchedule{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: storkv1alpha1.MigrationScheduleSpec{
			SchedulePolicyName: namespace,
			AutoSuspend:        true,
			Template: storkv1alpha1.MigrationTemplateSpec{Spec: storkv1alpha1.MigrationSpec{
				ClusterPair: "destination", Namespaces: []string{namespace}, IncludeVolumes: new(false), PreExecRule: "not-there",
			}},
		},
	}
}

// each does something for every schedule, as many at once as the operator does.
func each(ctx context.Context, do func(ctx context.Context, name string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reconcilers)
	for n := range scheduleCount {
		group.Go(func() error { return do(ctx, fmt.Sprintf("schedule-%04d", n)) })
	}
	return group.Wait()
}

// await waits until all schedules are as they should be.
func (s *schedules) await(ctx context.Context, what string, holds func(*storkv1alpha1.MigrationSchedule) bool) error {
	err := wait.PollUntilContextTimeout(ctx, time.Second, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		list := &storkv1alpha1.MigrationScheduleList{}
		if err := s.here.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return false, err
		}
		for i := range list.Items {
			if !holds(&list.Items[i]) {
				return false, nil
			}
		}
		return len(list.Items) == scheduleCount, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until %s: %w", what, err)
	}
	return nil
}

// measureIdle counts what is sent while nothing is due: renewals of the lease, watches, probes of the pair.
func (s *schedules) measureIdle(ctx context.Context) error {
	idling := &idle{source: s.source, destination: s.destination}
	err := idling.countRequests(ctx, s.manager)
	for _, row := range idling.results {
		row.Case = "schedules/" + row.Case
		s.results = append(s.results, row)
	}
	return err
}

// measureDue has all schedules become due at once.
func (s *schedules) measureDue(ctx context.Context) error {
	floor, err := s.measureFloor(ctx)
	if err != nil {
		return fmt.Errorf("measuring the floor: %w", err)
	}
	s.results.Show("schedules/floor", floor.Seconds(), "s")
	at := time.Now().Add(noticeTime).Truncate(time.Minute).Add(time.Minute)
	policy := &storkv1alpha1.SchedulePolicy{}
	if err := s.here.Get(ctx, client.ObjectKey{Name: namespace}, policy); err != nil {
		return err
	}
	policy.Policy = dailyAt(at)
	if err := s.here.Update(ctx, policy); err != nil {
		return err
	}
	knows := func(schedule *storkv1alpha1.MigrationSchedule) bool {
		return schedule.Status.NextRunTime != nil && schedule.Status.NextRunTime.Time.Equal(at)
	}
	if err := s.await(ctx, "all schedules know the new time", knows); err != nil {
		return err
	}
	if left := time.Until(at); left < 0 {
		return fmt.Errorf("the new time was known %s too late", -left)
	}
	runs := func(schedule *storkv1alpha1.MigrationSchedule) bool {
		items := schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeDaily]
		return len(items) > 0 && items[0].Status != storkv1alpha1.MigrationStatusInitial
	}
	if err := s.await(ctx, "all Migrations are made", runs); err != nil {
		return err
	}
	return s.judgeMigrations(ctx, at, floor)
}

// judgeMigrations looks at when the API server created them, in whole seconds.
func (s *schedules) judgeMigrations(ctx context.Context, at time.Time, floor time.Duration) error {
	list := &storkv1alpha1.MigrationList{}
	if err := s.here.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return err
	}
	made, early := 0, 0
	var latest time.Duration
	for i := range list.Items {
		if list.Items[i].Annotations[storkv1alpha1.AnnotationMigrationScheduleName] == "" {
			continue // Of the floor.
		}
		made++
		late := list.Items[i].CreationTimestamp.Sub(at)
		if late < 0 {
			early++
		}
		latest = max(latest, late)
	}
	s.results.Show("schedules/due/migrations", float64(made), "Migrations")
	s.results.AtMost("schedules/due/missing-or-twice", float64(abs(made-scheduleCount)), "Migrations", 0)
	s.results.AtMost("schedules/due/too-early", float64(early), "Migrations", 0)
	s.results.Show("schedules/due/last", latest.Seconds(), "s")
	s.results.AtMost("schedules/due/last/of-floor", (latest-time.Second).Seconds()/floor.Seconds(), "ratio", barLate)
	return nil
}

// measureFloor does for as many schedules what cannot be left out when a Migration is due, by the bare client: to look at the copy, to
// write down what is started, and to create it.
func (s *schedules) measureFloor(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	err := each(ctx, func(ctx context.Context, name string) error {
		schedule := &storkv1alpha1.MigrationSchedule{}
		if err := s.there.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, schedule); err != nil {
			return err
		}
		schedule.ResourceVersion = ""
		before := schedule.DeepCopy()
		schedule.Status.LastSuccessDuration = "1s"
		if err := s.here.Status().Patch(ctx, schedule, client.MergeFrom(before)); err != nil {
			return err
		}
		return s.here.Create(ctx, &storkv1alpha1.Migration{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "floor-" + name}, Spec: schedule.Spec.Template.Spec,
		})
	})
	return time.Since(began), err
}
