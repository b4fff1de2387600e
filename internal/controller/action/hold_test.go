package action

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/failover"
)

var _ = Describe("A failover whose source has no operator", func() {
	It("finds that out before it stops anything, and gives up", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		primary.blind.Store(true)
		DeferCleanup(func() { primary.blind.Store(false) })
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonWaitingForOperator })
		Expect(succeeded(action).message).To(ContainSubstring("the operator at the source has not seen yet that MigrationSchedule " + f.key(forward).String() + " is suspended"))
		f.pass(failover.DefaultPatience)
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(HavePrefix("gave up after 15m0s: the operator at the source"))
		Expect(f.lastMiles(ctx, primary)).To(BeEmpty())
		f.untouched(ctx)
	})

	It("goes on when there is one again", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		primary.blind.Store(true)
		DeferCleanup(func() { primary.blind.Store(false) })
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonWaitingForOperator })
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(runs()))
		primary.blind.Store(false)
		f.look(ctx, primary, forward)
		f.succeed(ctx, action)
	})

	It("does not need one without a last Migration", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		primary.blind.Store(true)
		DeferCleanup(func() { primary.blind.Store(false) })
		f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipLastMileMigration = new(true) }))
	})

	It("does not ask for signs of life of one that gives none, as Stork", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		schedule := f.read(ctx, primary, forward)
		schedule.Status.ObservedGeneration = 0
		Expect(primary.Status().Update(ctx, schedule)).To(Succeed())
		f.succeed(ctx, f.failover(ctx))
	})

	It("waits less long for a last Migration that nobody begins than for one that runs", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageWaitAfterScaleDown)
		primary.blind.Store(true)
		DeferCleanup(func() { primary.blind.Store(false) })
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonWaitingForOperator })
		Expect(succeeded(action).message).To(Equal("Migration " + f.home + "/" + f.lastMiles(ctx, primary)[0] + " at the source was not begun: find out whether the operator runs there"))
		f.pass(failover.DefaultPatience)
		f.finish(ctx, action)
		Expect(action.Status.Reason).To(HavePrefix("gave up after 15m0s: Migration "))
		f.untouched(ctx)
	})
})

// second is another schedule of the same namespaces.
const second = "second"

var _ = Describe("A failover beside other schedules of its namespaces", func() {
	given := func(ctx context.Context, f *fixture) {
		GinkgoHelper()
		schedule := f.read(ctx, primary, second)
		Expect(*schedule.Spec.Suspend).To(BeFalse())
		Expect(schedule.Annotations).NotTo(HaveKey(storkv1alpha1.AnnotationSuspendedBy))
	}

	It("holds them as long as it takes, waits for their Migrations, and gives them back", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.schedule(ctx, primary, second)
		running := f.held(second)
		Expect(primary.Create(ctx, running)).To(Succeed())
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonWaitingForMigration })
		Expect(succeeded(action).message).To(Equal("waits for Migration " + running.Name))
		Expect(f.suspended(ctx, primary, second)).To(BeTrue())
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(runs()))
		Expect(primary.Delete(ctx, running)).To(Succeed())
		f.succeed(ctx, action)
		given(ctx, f)

		By("looking what is due two hours later")
		f.pass(2 * time.Hour)
		schedule := f.look(ctx, primary, second)
		Expect(schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]).To(HaveLen(1), "its applications are active elsewhere")
		Expect(*schedule.Spec.Suspend).To(BeTrue())
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
	})

	It("gives them back when it fails, and when its operator dies after each single write", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.schedule(ctx, primary, second)
		f.faults.set(refusing(secondary, "PATCH", "/statefulsets/idle"))
		f.dying(ctx, f.failover(ctx), storkv1alpha1.ActionStatusFailed)
		f.untouched(ctx)
		given(ctx, f)
		f.faults.set(none)
		f.dying(ctx, f.failover(ctx), storkv1alpha1.ActionStatusSuccessful)
		given(ctx, f)
	})

	It("leaves those suspended that were so before", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.schedule(ctx, primary, second)
		schedule := f.read(ctx, primary, second)
		schedule.Spec.Suspend = new(true)
		Expect(primary.Update(ctx, schedule)).To(Succeed())
		f.succeed(ctx, f.failover(ctx))
		Expect(f.suspended(ctx, primary, second)).To(BeTrue())
	})

	It("is refused beside one of the admin namespace, which is not its to suspend", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		admins := f.read(ctx, primary, forward)
		admins = &storkv1alpha1.MigrationSchedule{Spec: admins.Spec}
		admins.Namespace, admins.Name = adminNamespace, f.name("all")
		Expect(primary.Create(ctx, admins)).To(Succeed())
		action := f.finish(ctx, f.failover(ctx))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(And(
			HavePrefix("MigrationSchedule "+adminNamespace+"/"+admins.Name+" at the source migrates the same namespaces, and is not for an Action in namespace "+f.home+" to suspend"),
			ContainSubstring("storkctl suspend migrationschedule "+admins.Name+" -n "+adminNamespace),
		))
		f.untouched(ctx)
		admins.Spec.Suspend = new(true)
		Expect(primary.Update(ctx, admins)).To(Succeed())
		f.succeed(ctx, f.failover(ctx))
	})
})
