package migrationschedule

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

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

var _ = Describe("The copy at the destination", func() {
	var f *fixture
	BeforeEach(func(ctx SpecContext) {
		f = newFixture(ctx)
		f.policy(ctx, every(30, 0))
	})

	It("is made with the schedule, suspended, in a namespace that is made for it", func(ctx SpecContext) {
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		copied := f.copied(ctx)
		Expect(copied.Annotations).To(And(HaveKeyWithValue(storkv1alpha1.AnnotationStaticCopy, "true"),
			HaveKeyWithValue("team", "shop"), HaveKey(storkv1alpha1.AnnotationResourceHash)))
		want := s.Spec.DeepCopy()
		want.Suspend = new(true)
		Expect(copied.Spec).To(Equal(*want))
		Expect(apimeta.IsStatusConditionTrue(s.Status.Conditions, storkv1alpha1.ConditionCopied)).To(BeTrue())
	})

	It("follows changes of the schedule at once, and keeps its status", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.activate(ctx, true)
		f.edit(ctx, func(s *object) { s.Spec.Template.Spec.PurgeDeletedResources = new(true) })
		f.reconcile(ctx)
		copied := f.copied(ctx)
		Expect(copied.Spec.Template.Spec.PurgeDeletedResources).To(HaveValue(BeTrue()))
		Expect(copied.Status.ApplicationActivated).To(BeTrue())
	})

	It("is looked at only when it may matter", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.finish(ctx, successful)
		f.pass(time.Minute)
		Expect(there.Delete(ctx, f.copied(ctx))).To(Succeed())
		f.reconcile(ctx)
		Expect(f.copied(ctx)).To(BeNil())
		f.pass(30 * time.Minute)
		f.reconcile(ctx)
		Expect(f.copied(ctx)).NotTo(BeNil())
	})

	It("goes with the schedule", func(ctx SpecContext) {
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		Expect(here.Delete(ctx, s)).To(Succeed())
		_, err := f.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: f.key()})
		Expect(err).NotTo(HaveOccurred())
		Expect(f.copied(ctx)).To(BeNil())
		Expect(f.read(ctx).UID).To(BeEmpty())
	})

	It("does not keep the schedule for ever where it cannot be reached", func(ctx SpecContext) {
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		Expect(here.Delete(ctx, &storkv1alpha1.ClusterPair{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "remote"}})).To(Succeed())
		Expect(here.Delete(ctx, s)).To(Succeed())
		s, result := f.reconcile(ctx)
		Expect(s.UID).NotTo(BeEmpty())
		Expect(result.RequeueAfter).To(Equal(retryDelay))
		f.clock.SetTime(s.DeletionTimestamp.Add(deleteDeadline))
		_, err := f.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: f.key()})
		Expect(err).NotTo(HaveOccurred())
		Expect(f.read(ctx).UID).To(BeEmpty())
		Expect(f.copied(ctx)).NotTo(BeNil())
	})

	It("is never written over another schedule of the same name", func(ctx SpecContext) {
		f.schedule(ctx)
		foreign := f.read(ctx)
		foreign.ObjectMeta = metav1.ObjectMeta{Namespace: f.namespace, Name: "dr"}
		namespace := f.namespaceThere()
		Expect(there.Create(ctx, namespace)).To(Succeed())
		Expect(there.Create(ctx, foreign)).To(Succeed())
		s, _ := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(BeEmpty())
		Expect(ready(s).Message).To(ContainSubstring("a non static-copy migrationSchedule with the same name"))
		Expect(f.copied(ctx).ResourceVersion).To(Equal(foreign.ResourceVersion))
	})

	It("makes no Migrations itself, and goes when it is deleted", func(ctx SpecContext) {
		f.schedule(ctx, func(s *object) {
			s.Annotations[storkv1alpha1.AnnotationStaticCopy] = "true"
			s.Finalizers = []string{storkv1alpha1.FinalizerCleanup} // As Stork leaves it.
		})
		s, result := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(BeEmpty())
		Expect(result).To(BeZero())
		Expect(ready(s).Reason).To(Equal(storkv1alpha1.ReasonStaticCopy))
		Expect(here.Delete(ctx, s)).To(Succeed())
		_, err := f.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: f.key()})
		Expect(err).NotTo(HaveOccurred())
		Expect(f.read(ctx).UID).To(BeEmpty())
	})
})

var _ = Describe("Applications that are active at the destination", func() {
	var f *fixture
	BeforeEach(func(ctx SpecContext) {
		f = newFixture(ctx)
		f.policy(ctx, every(30, 0))
	})

	It("suspend a schedule that wants that, which resumes when they no longer are", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.finish(ctx, successful)
		f.activate(ctx, true)
		f.pass(30 * time.Minute)
		s, result := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1))
		Expect(s.Spec.Suspend).To(HaveValue(BeTrue()))
		Expect(ready(s)).To(HaveField("Reason", storkv1alpha1.ReasonApplicationsActive))
		Expect(result.RequeueAfter).To(Equal(lookInterval))
		Expect(f.recorder.Events).To(Receive(ContainSubstring("completed successfully")))
		Expect(f.recorder.Events).To(Receive(ContainSubstring("Suspended Suspending migration schedule since migrated apps on remote cluster are active")))

		f.activate(ctx, false)
		s, _ = f.reconcile(ctx)
		Expect(s.Spec.Suspend).To(HaveValue(BeFalse()))
		Expect(f.migrations(ctx)).To(HaveLen(2))
	})

	It("keep a schedule from running that does not want that", func(ctx SpecContext) {
		f.schedule(ctx, func(s *object) { s.Spec.AutoSuspend = false })
		f.reconcile(ctx)
		f.finish(ctx, successful)
		f.activate(ctx, true)
		f.pass(30 * time.Minute)
		s, result := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1))
		Expect(s.Spec.Suspend).To(HaveValue(BeFalse()))
		Expect(result.RequeueAfter).To(Equal(lookInterval))
	})

	It("do not resume a schedule that somebody suspended", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.finish(ctx, successful)
		f.edit(ctx, func(s *object) { s.Spec.Suspend = new(true) })
		f.pass(30 * time.Minute)
		s, _ := f.reconcile(ctx)
		Expect(s.Spec.Suspend).To(HaveValue(BeTrue()))
		Expect(f.migrations(ctx)).To(HaveLen(1))
	})

	It("are waited for where the destination cannot be asked", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.finish(ctx, successful)
		pair := &storkv1alpha1.ClusterPair{}
		Expect(here.Get(ctx, client.ObjectKey{Namespace: f.namespace, Name: "remote"}, pair)).To(Succeed())
		pair.Status.SchedulerStatus = storkv1alpha1.ClusterPairStatusDegraded
		Expect(here.Status().Update(ctx, pair)).To(Succeed())
		f.pass(30 * time.Minute)
		s, _ := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1))
		Expect(ready(s).Message).To(ContainSubstring("is not ready"))
		pair.Status.SchedulerStatus = storkv1alpha1.ClusterPairStatusReady
		Expect(here.Status().Update(ctx, pair)).To(Succeed())
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(2))
	})
})
