package migrationschedule

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

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

	It("keep a schedule suspended whose copy, which said so, is gone", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.finish(ctx, successful)
		f.activate(ctx, true)
		f.pass(30 * time.Minute)
		f.reconcile(ctx)
		Expect(there.Delete(ctx, f.copied(ctx))).To(Succeed())
		for range 3 {
			f.pass(lookInterval)
			s, result := f.reconcile(ctx)
			Expect(s.Spec.Suspend).To(HaveValue(BeTrue()))
			Expect(result.RequeueAfter).To(Equal(lookInterval))
			Expect(apimeta.FindStatusCondition(s.Status.Conditions, storkv1alpha1.ConditionCopied).Message).To(ContainSubstring("storkctl resume migrationschedule dr"))
		}
		Expect(f.migrations(ctx)).To(HaveLen(1), "another one would stop the applications and overwrite what they wrote")

		By("resuming it by hand")
		f.edit(ctx, func(s *object) { s.Spec.Suspend = new(false) })
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(2))
		Expect(f.copied(ctx)).NotTo(BeNil())
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

	It("resume a schedule whose policy was wrong for a while", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.finish(ctx, successful)
		f.activate(ctx, true)
		f.pass(30 * time.Minute)
		f.reconcile(ctx)
		f.edit(ctx, func(s *object) { s.Spec.SchedulePolicyName = "no-such" })
		f.reconcile(ctx)
		f.edit(ctx, func(s *object) { s.Spec.SchedulePolicyName = "policy" })
		f.activate(ctx, false)
		s, _ := f.reconcile(ctx)
		Expect(s.Spec.Suspend).To(HaveValue(BeFalse()))
		Expect(ready(s).Status).To(Equal(metav1.ConditionTrue))
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
		f.setPair(ctx, "remote", storkv1alpha1.ClusterPairStatusDegraded)
		f.pass(30 * time.Minute)
		s, _ := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1))
		Expect(ready(s).Message).To(ContainSubstring("is not ready"))
		f.setPair(ctx, "remote", storkv1alpha1.ClusterPairStatusReady)
		f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(2))
	})
})
