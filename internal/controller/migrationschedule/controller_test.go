package migrationschedule

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

type object = storkv1alpha1.MigrationSchedule

const (
	successful = storkv1alpha1.MigrationStatusSuccessful
	partial    = storkv1alpha1.MigrationStatusPartialSuccess
	failed     = storkv1alpha1.MigrationStatusFailed
)

func every(minutes, retain int) storkv1alpha1.SchedulePolicyItem {
	return storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: minutes, Retain: retain}}
}

func ready(s *object) *metav1.Condition {
	return apimeta.FindStatusCondition(s.Status.Conditions, storkv1alpha1.ConditionReady)
}

func names(items []*storkv1alpha1.ScheduledMigrationStatus) (names []string) {
	for _, item := range items {
		names = append(names, item.Name)
	}
	return names
}

var _ = Describe("A MigrationSchedule", func() {
	var f *fixture
	BeforeEach(func(ctx SpecContext) { f = newFixture(ctx) })

	Describe("with an interval", func() {
		BeforeEach(func(ctx SpecContext) { f.policy(ctx, every(30, 0)) })

		It("makes a Migration at once, as its template says, and owns it", func(ctx SpecContext) {
			f.schedule(ctx)
			s, _ := f.reconcile(ctx)
			made := f.migrations(ctx)
			Expect(made).To(HaveLen(1))
			migration := made[0]
			Expect(migration.Name).To(Equal("dr-interval-" + f.clock.Now().UTC().Format("2006-01-02-150405")))
			Expect(migration.Spec).To(Equal(s.Spec.Template.Spec))
			Expect(migration.Annotations).To(Equal(map[string]string{
				"team": "shop", storkv1alpha1.AnnotationMigrationScheduleName: "dr",
			}))
			Expect(migration.OwnerReferences).To(HaveExactElements(metav1.OwnerReference{
				APIVersion: "stork.libopenstorage.org/v1alpha1", Kind: "MigrationSchedule", Name: "dr", UID: s.UID,
			}))
			items := s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]
			Expect(names(items)).To(Equal([]string{migration.Name}))
			Expect(items[0].Status).To(Equal(storkv1alpha1.MigrationStatusPending))
			Expect(ready(s).Reason).To(Equal(storkv1alpha1.ReasonRunning))
		})

		It("makes no other while one runs, and the next one when its time has come", func(ctx SpecContext) {
			f.schedule(ctx)
			f.reconcile(ctx)
			f.pass(time.Hour)
			_, result := f.reconcile(ctx)
			Expect(f.migrations(ctx)).To(HaveLen(1))
			Expect(result).To(BeZero(), "the end of the Migration brings it back")

			f.finish(ctx, successful)
			f.clock.SetTime(f.clock.Now().Add(-31 * time.Minute))
			s, result := f.reconcile(ctx)
			Expect(f.migrations(ctx)).To(HaveLen(1))
			Expect(result.RequeueAfter).To(Equal(time.Minute))
			Expect(s.Status.NextRunTime.Time).To(BeTemporally("==", f.clock.Now().Add(time.Minute)))
			Expect(ready(s).Reason).To(Equal(storkv1alpha1.ReasonScheduled))
			Expect(s.Status.LastSuccessTime).NotTo(BeNil())

			f.pass(time.Minute)
			s, _ = f.reconcile(ctx)
			Expect(f.migrations(ctx)).To(HaveLen(2))
			Expect(s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]).To(HaveLen(2))
		})

		It("keeps the last success and a few failures after it", func(ctx SpecContext) {
			f.setPolicy(ctx, every(30, 1))
			f.schedule(ctx)
			for _, status := range []storkv1alpha1.MigrationStatusType{failed, successful, partial, failed, failed, failed, failed, failed, failed, failed} {
				f.reconcile(ctx)
				f.pass(time.Second)
				f.finish(ctx, status)
				f.reconcile(ctx)
				f.pass(30 * time.Minute)
			}
			f.clock.SetTime(f.clock.Now().Add(-time.Minute))
			s, _ := f.reconcile(ctx)
			items := s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]
			Expect(items).To(HaveLen(1 + keptFailures))
			Expect(items[0].Status).To(Equal(partial))
			Expect(f.migrations(ctx)).To(HaveLen(1 + keptFailures))
		})

		It("makes no Migration twice where it crashed in between", func(ctx SpecContext) {
			f.schedule(ctx)
			s, _ := f.reconcile(ctx)
			item := s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval][0]
			made := f.migrations(ctx)[0]
			// As if it had not come to the creation.
			Expect(here.Delete(ctx, &made)).To(Succeed())
			item.Status = storkv1alpha1.MigrationStatusInitial
			Expect(here.Status().Update(ctx, s)).To(Succeed())
			f.pass(time.Minute)
			f.reconcile(ctx)
			Expect(f.migrations(ctx)).To(HaveExactElements(HaveField("Name", made.Name)))
			// As if the cache had an older schedule: the write over a newer one is refused.
			stale := f.read(ctx)
			stale.ResourceVersion, stale.Status.Items = s.ResourceVersion, nil
			p := &pass{Reconciler: f.reconciler, schedule: stale, before: s, now: f.clock.Now()}
			Expect(p.writeStatus(ctx)).To(MatchError(ContainSubstring("the object has been modified")))
		})

		It("leaves no old Migration behind where it crashed in between", func(ctx SpecContext) {
			f.setPolicy(ctx, every(30, 1))
			f.schedule(ctx)
			f.reconcile(ctx)
			f.finish(ctx, successful)
			f.pass(30 * time.Minute)
			s, _ := f.reconcile(ctx)
			Expect(s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]).To(HaveLen(2))
			f.finish(ctx, successful)
			f.reconciler.Client = interceptor.NewClient(here, interceptor.Funcs{
				Delete: func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error {
					return errors.New("the operator is killed")
				},
			})
			Expect(f.look(ctx)).To(MatchError(ContainSubstring("killed")))
			Expect(f.migrations(ctx)).To(HaveLen(2))
			f.reconciler.Client = here
			s, _ = f.reconcile(ctx)
			Expect(s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]).To(HaveLen(1))
			Expect(f.migrations(ctx)).To(HaveExactElements(HaveField("Name", s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval][0].Name)))
		})

		It("takes a Migration that was deleted while it ran for failed", func(ctx SpecContext) {
			f.schedule(ctx)
			f.reconcile(ctx)
			made := f.migrations(ctx)[0]
			Expect(here.Delete(ctx, &made)).To(Succeed())
			s, _ := f.reconcile(ctx)
			Expect(s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval][0].Status).To(Equal(failed))
			Expect(f.migrations(ctx)).To(BeEmpty())
		})

		It("makes none while it is suspended", func(ctx SpecContext) {
			f.schedule(ctx, func(s *object) { s.Spec.Suspend = new(true) })
			s, result := f.reconcile(ctx)
			Expect(f.migrations(ctx)).To(BeEmpty())
			Expect(result).To(BeZero())
			Expect(ready(s).Reason).To(Equal(storkv1alpha1.ReasonSuspended))
			Expect(s.Status.NextRunTime).To(BeNil())
		})
	})

	It("keeps as many as its policy says", func(ctx SpecContext) {
		f.policy(ctx, every(30, 3))
		f.schedule(ctx)
		for range 5 {
			f.reconcile(ctx)
			f.pass(time.Second)
			f.finish(ctx, successful)
			f.reconcile(ctx)
			f.pass(29 * time.Minute)
			f.reconcile(ctx)
			f.pass(time.Minute)
		}
		f.clock.SetTime(f.clock.Now().Add(-2 * time.Minute))
		s, _ := f.reconcile(ctx)
		Expect(s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]).To(HaveLen(3))
		Expect(f.migrations(ctx)).To(HaveLen(3))
	})

	It("says what is wrong with its policy, and goes on when that is right", func(ctx SpecContext) {
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		Expect(ready(s)).To(And(HaveField("Reason", storkv1alpha1.ReasonInvalidPolicy), HaveField("Message", ContainSubstring("schedulepolicy policy does not exist"))))
		Expect(f.recorder.Events).To(Receive(ContainSubstring("Error checking if migration should be triggered")))
		Consistently(f.recorder.Events).ShouldNot(Receive())
		f.policy(ctx, every(30, 0))
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1))
	})

	It("takes the namespace's own policy before one of the cluster", func(ctx SpecContext) {
		shared := &storkv1alpha1.SchedulePolicy{ObjectMeta: metav1.ObjectMeta{Name: f.namespace}, Policy: every(1, 0)}
		Expect(here.Create(ctx, shared)).To(Succeed())
		f.schedule(ctx, func(s *object) { s.Spec.SchedulePolicyName = f.namespace })
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1), "the cluster's")
		f.finish(ctx, successful)
		Expect(here.Create(ctx, &storkv1alpha1.NamespacedSchedulePolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: f.namespace}, Policy: every(600, 0),
		})).To(Succeed())
		s, _ := f.reconcile(ctx)
		Expect(s.Status.NextRunTime.Time).To(BeTemporally(">", f.clock.Now().Add(9*time.Hour)))
	})

	It("makes up for no time before its policy was what it is, nor before it was resumed", func(ctx SpecContext) {
		at := func(after time.Duration) storkv1alpha1.SchedulePolicyItem {
			kitchen := f.clock.Now().UTC().Add(after).Format(time.Kitchen)
			return storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: storkv1alpha1.KitchenTime(kitchen)}}
		}
		f.policy(ctx, at(6*time.Hour))
		f.schedule(ctx)
		f.reconcile(ctx)
		f.pass(time.Hour)
		f.setPolicy(ctx, at(-10*time.Minute))
		s, _ := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(BeEmpty())
		Expect(s.Status.NextRunTime.Time).To(BeTemporally(">", f.clock.Now().Add(23*time.Hour)))

		f.edit(ctx, func(s *object) { s.Spec.Suspend = new(true) })
		f.reconcile(ctx)
		f.pass(24 * time.Hour)
		f.edit(ctx, func(s *object) { s.Spec.Suspend = new(false) })
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(BeEmpty())
		f.pass(24 * time.Hour)
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1), "that one was missed")
	})

	It("throws nothing away while it has no policy", func(ctx SpecContext) {
		f.policy(ctx, every(30, 3))
		f.schedule(ctx)
		for range 3 {
			f.reconcile(ctx)
			f.finish(ctx, successful)
			f.pass(30 * time.Minute)
		}
		f.edit(ctx, func(s *object) { s.Spec.SchedulePolicyName = "no-such" })
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(3))
	})

	It("goes on after a Migration that the API server refuses", func(ctx SpecContext) {
		f.policy(ctx, every(30, 0))
		f.schedule(ctx)
		f.reconciler.Client = interceptor.NewClient(here, interceptor.Funcs{
			Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
				return apierrors.NewForbidden(storkv1alpha1.GroupVersion.WithResource("migrations").GroupResource(), "dr", errors.New("quota exceeded"))
			},
		})
		s, _ := f.reconcile(ctx)
		items := s.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]
		Expect(items).To(HaveExactElements(HaveField("Status", failed)))
		Expect(f.recorder.Events).To(Receive(ContainSubstring("quota exceeded")))
		f.reconciler.Client = here
		f.pass(30 * time.Minute)
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1))
	})

	It("shows itself in metrics, until it is gone", func(ctx SpecContext) {
		f.policy(ctx, every(30, 0))
		f.schedule(ctx)
		f.reconcile(ctx)
		f.finish(ctx, partial)
		s, _ := f.reconcile(ctx)
		m := f.reconciler.metrics
		Expect(testutil.ToFloat64(m.status.WithLabelValues("dr", f.namespace))).To(BeEquivalentTo(1))
		Expect(testutil.ToFloat64(m.lastRun.WithLabelValues("dr", f.namespace, "PartialSuccess"))).To(BeEquivalentTo(1))
		Expect(testutil.ToFloat64(m.nextRun.WithLabelValues("dr", f.namespace))).To(BeEquivalentTo(s.Status.NextRunTime.Unix()))
		Expect(testutil.CollectAndCount(m.lastSuccess)).To(BeZero())
		Expect(here.Delete(ctx, s)).To(Succeed())
		for range 2 { // The second look finds that it is gone.
			Expect(f.look(ctx)).To(Succeed())
		}
		for _, vector := range m.vectors() {
			Expect(testutil.CollectAndCount(vector)).To(BeZero())
		}
	})

	It("knows times of day in the zone of its policy", func(ctx SpecContext) {
		f.policy(ctx, storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: "12:00AM"}, TimeZone: "Asia/Kolkata"})
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		Expect(s.Status.NextRunTime.UTC().Format("15:04")).To(Equal("18:30"))
		Expect(f.migrations(ctx)).To(BeEmpty())
		f.clock.SetTime(s.Status.NextRunTime.Add(3 * time.Hour))
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1))
		Expect(f.recorder.Events).To(Receive(ContainSubstring("3h0m0s after its time")))
	})
})
