package action

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// latest changes what a schedule knows of its only Migration.
func (f *fixture) latest(ctx context.Context, s *side, kind string, status storkv1alpha1.MigrationStatusType) (name string) {
	GinkgoHelper()
	schedule := f.read(ctx, s, kind)
	item := schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval][0]
	item.Status = status
	Expect(s.Status().Update(ctx, schedule)).To(Succeed())
	return item.Name
}

// forget has a schedule know of no Migration.
func (f *fixture) forget(ctx context.Context, s *side, kind string, change func(*storkv1alpha1.MigrationScheduleSpec)) {
	GinkgoHelper()
	schedule := f.read(ctx, s, kind)
	schedule.Status.Items = nil
	Expect(s.Status().Update(ctx, schedule)).To(Succeed())
	change(&schedule.Spec)
	Expect(s.Update(ctx, schedule)).To(Succeed())
}

func withoutLast(p *storkv1alpha1.FailoverParameter) { p.SkipLastMileMigration = new(true) }

var _ = Describe("What an Action has to tell beside its result", func() {
	It("is in its status, be it that a last Migration did not bring everything or what nobody stops", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageLastMileMigration)
		f.ready(ctx, primary, false)
		Expect(f.once(ctx, action, f.operator())).To(Succeed())
		name := f.lastMiles(ctx, primary)[0]
		Eventually(func(g Gomega) {
			migration := &storkv1alpha1.Migration{}
			g.Expect(primary.Get(ctx, client.ObjectKey{Namespace: f.home, Name: name}, migration)).To(Succeed())
			migration.Status.Stage, migration.Status.Status = storkv1alpha1.MigrationStageFinal, storkv1alpha1.MigrationStatusPartialSuccess
			g.Expect(primary.Status().Update(ctx, migration)).To(Succeed())
		}).Should(Succeed())
		f.succeed(ctx, action)
		Expect(warnings(action)).To(Equal([]string{
			"no ApplicationRegistration tells how Cache " + f.namespaces[0] + "/cache are stopped at the source: stop them by hand",
			"the last Migration " + f.home + "/" + name + " did not bring everything: its report at the source tells what",
		}))
		Expect(f.told()).To(ContainElement(HavePrefix("Warning PartialSuccess")))
	})

	It("is not lost with an operator that dies before it can tell", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.failover(ctx)
		f.dying(ctx, action, storkv1alpha1.ActionStatusSuccessful)
		Expect(warnings(action)).To(ConsistOf(ContainSubstring("Cache " + f.namespaces[0] + "/cache are stopped at the source: stop them by hand")))
	})

	DescribeTable("is that the latest Migration did not bring everything", func(
		ctx SpecContext, status storkv1alpha1.MigrationStatusType, change func(*storkv1alpha1.FailoverParameter), message string,
	) {
		f := newFixture(ctx, 1)
		name := f.latest(ctx, primary, forward, status)
		action := f.succeed(ctx, f.failover(ctx, change))
		told := fmt.Sprintf("the latest Migration %s of MigrationSchedule %s ended with status %s: %s", name, f.key(forward), status, message)
		if message == "" {
			Expect(warnings(action)).NotTo(ContainElement(ContainSubstring("latest")))
		} else {
			Expect(warnings(action)).To(ContainElement(told))
		}
	},
		Entry("where the last one has to", storkv1alpha1.MigrationStatusFailed, func(*storkv1alpha1.FailoverParameter) {}, "the last one has to bring what it did not"),
		Entry("where no last one is made", storkv1alpha1.MigrationStatusFailed, withoutLast, "what is started may not be the latest, for no last one is made"),
		Entry("where a part is missing", storkv1alpha1.MigrationStatusPartialSuccess, withoutLast, "what is started may not be the latest, for no last one is made"),
		Entry("but not where the last one brings that part", storkv1alpha1.MigrationStatusPartialSuccess, func(*storkv1alpha1.FailoverParameter) {}, ""),
	)

	It("is that nothing is done about cluster domains", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipSourceClusterDomainDeactivation = new(true) }))
		Expect(warnings(action)).To(ContainElement(HavePrefix("skipSourceClusterDomainDeactivation makes no difference")))
	})
})

var _ = Describe("An Action of a schedule that has made no Migration", func() {
	It("is refused", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.forget(ctx, primary, forward, func(*storkv1alpha1.MigrationScheduleSpec) {})
		for _, change := range []func(*storkv1alpha1.FailoverParameter){func(*storkv1alpha1.FailoverParameter) {}, withoutLast} {
			action := f.finish(ctx, f.failover(ctx, change))
			Expect(action.Status.Reason).To(Equal("MigrationSchedule " + f.key(forward).String() + " has made no Migration yet: wait for its first one to succeed"))
		}
		f.untouched(ctx)
	})

	It("is carried out where the schedule is there for Actions alone", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.forget(ctx, primary, forward, func(spec *storkv1alpha1.MigrationScheduleSpec) { spec.SchedulePolicyName, spec.Suspend = "", new(true) })
		f.look(ctx, primary, forward)
		f.succeed(ctx, f.failover(ctx))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
	})

	It("is carried out without a last one back where the schedule is suspended, as over volumes that both clusters have", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.succeed(ctx, f.failover(ctx))
		f.schedule(ctx, secondary, backward)
		f.forget(ctx, secondary, backward, func(spec *storkv1alpha1.MigrationScheduleSpec) { spec.Suspend = new(true) })
		action := f.succeed(ctx, f.failback(ctx, func(p *storkv1alpha1.FailbackParameter) { p.SkipLastMileMigration = new(true) }))
		Expect(warnings(action)).To(ContainElement("MigrationSchedule " + f.key(backward).String() + " is suspended and has made no Migration"))
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(runs()))
	})
})

var _ = Describe("A failback without a last Migration", func() {
	It("is refused after a Migration that failed, and warns of one that is too old", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.succeed(ctx, f.failover(ctx))
		f.schedule(ctx, secondary, backward)
		skip := func(p *storkv1alpha1.FailbackParameter) { p.SkipLastMileMigration = new(true) }
		f.latest(ctx, secondary, backward, storkv1alpha1.MigrationStatusFailed)
		action := f.finish(ctx, f.failback(ctx, skip))
		Expect(action.Status.Reason).To(MatchRegexp("the latest Migration .* failed: fail back after one has succeeded"))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))

		f.latest(ctx, secondary, backward, storkv1alpha1.MigrationStatusSuccessful)
		f.pass(3 * time.Hour)
		action = f.succeed(ctx, f.failback(ctx, skip))
		Expect(warnings(action)).To(ContainElement(MatchRegexp("the latest Migration .* is missing")))
	})
})
