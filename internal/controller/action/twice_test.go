package action

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// replicas of the Deployment web, or of one that was made after it.
func replicas(ctx context.Context, s *side, namespace, name string) int64 {
	GinkgoHelper()
	web := object(namespace, application()[0])
	web.SetName(name)
	Expect(s.Get(ctx, client.ObjectKeyFromObject(web), web)).To(Succeed())
	number, _, _ := unstructured.NestedInt64(web.Object, "spec", "replicas")
	return number
}

// size of the database.
func size(ctx context.Context, s *side, namespace string) any {
	GinkgoHelper()
	return state(ctx, s, namespace)["db"]
}

var _ = Describe("The same failover twice", func() {
	It("is harmless when one comes after the other", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		namespace := f.namespaces[0]
		f.succeed(ctx, f.failover(ctx))
		scale(ctx, secondary, namespace, 8)
		action := f.succeed(ctx, f.failover(ctx))
		Expect(action.Status.Reason).To(Equal("the applications are active already: nothing was to be done"))
		Expect(summary(action)).To(Equal(map[string]storkv1alpha1.ActionStatusType{namespace: storkv1alpha1.ActionStatusSuccessful}))
		Expect(f.lastMiles(ctx, primary)).To(HaveLen(1))
		Expect(state(ctx, secondary, namespace)).To(Equal(with(runs(), "web", int64(8))))
		Expect(state(ctx, primary, namespace)).To(Equal(stopped(true)))
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())
	})

	It("waits for its end when one comes during the other", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		first := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageLastMileMigration)
		second := f.failover(ctx)
		Expect(f.once(ctx, second, f.operator())).To(Succeed())
		Expect(second.Status.Status).To(Equal(storkv1alpha1.ActionStatusScheduled))
		Expect(succeeded(second)).To(Equal(condition{storkv1alpha1.ReasonWaitingForAction, "waits for failover " + f.home + "/" + first.Name}))
		version := second.ResourceVersion
		Expect(f.once(ctx, second, f.operator())).To(Succeed())
		Expect(second.ResourceVersion).To(Equal(version), "nothing is written as long as it waits")
		f.succeed(ctx, first)
		f.succeed(ctx, second)
		Expect(f.lastMiles(ctx, primary)).To(HaveLen(1))
	})

	It("refuses one over applications that run in both clusters", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.succeed(ctx, f.failover(ctx))
		scale(ctx, primary, f.namespaces[0], 1)
		action := f.finish(ctx, f.failover(ctx))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(ContainSubstring("run in both clusters, at the source Deployment web"))
	})
})

var _ = Describe("A failover and a Migration of the schedule", func() {
	It("do not cross: the failover waits for it, and no other one starts", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.hold(ctx)
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonWaitingForMigration })
		Expect(f.suspended(ctx, primary, forward)).To(BeTrue())
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(runs()))
		f.release(ctx)
		f.succeed(ctx, action)
		f.pass(2 * time.Hour)
		items := f.look(ctx, primary, forward).Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]
		Expect(items).To(HaveLen(1), "one has been due for an hour")
	})

	It("do not cross where one is only written down", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		schedule := f.read(ctx, primary, forward)
		items := schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]
		schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval] = append(items, &storkv1alpha1.ScheduledMigrationStatus{
			Name: "still-to-be-made", CreationTimestamp: new(metav1.NewTime(f.clock.Now())),
		})
		Expect(primary.Status().Update(ctx, schedule)).To(Succeed())
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonWaitingForMigration })
		Expect(succeeded(action).message).To(Equal("waits for Migration still-to-be-made"))
		f.pass(time.Hour)
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(*f.read(ctx, primary, forward).Spec.Suspend).To(BeFalse())
	})
})

// held is a Migration that a schedule has made and that does not end.
func (f *fixture) held(kind string) *storkv1alpha1.Migration {
	m := &storkv1alpha1.Migration{}
	m.Namespace, m.Name = f.home, f.name("held")
	m.Annotations = map[string]string{storkv1alpha1.AnnotationMigrationScheduleName: f.name(kind)}
	m.Spec.ClusterPair, m.Spec.Namespaces, m.Spec.IncludeVolumes = "no-such-pair", f.namespaces, new(false)
	return m
}

func (f *fixture) hold(ctx context.Context) {
	GinkgoHelper()
	Expect(primary.Create(ctx, f.held(forward))).To(Succeed())
}

func (f *fixture) release(ctx context.Context) {
	GinkgoHelper()
	Expect(primary.Delete(ctx, f.held(forward))).To(Succeed())
}

var _ = Describe("An Action with filters", func() {
	late := func(ctx context.Context, f *fixture) {
		GinkgoHelper()
		other := object(f.namespaces[0], application()[0])
		other.SetName("other")
		other.SetLabels(map[string]string{"tier": "back"})
		Expect(primary.Create(ctx, other)).To(Succeed())
		f.pass(time.Hour)
		f.migrate(ctx, primary, forward)
	}

	DescribeTable("stops and starts only what it chooses", func(ctx SpecContext, filter storkv1alpha1.ActionFilter, web, other, db bool) {
		f := newFixture(ctx, 1)
		late(ctx, f)
		f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.ActionFilter = filter }))
		namespace := f.namespaces[0]
		number := func(moved bool, here, moves int64) int64 {
			if moved {
				return moves
			}
			return here
		}
		for s, want := range map[*side]int64{primary: 0, secondary: 1} {
			name := s.Config().Host
			Expect(replicas(ctx, s, namespace, "web")).To(Equal(number(web, 3-3*want, 3*want)), name)
			Expect(replicas(ctx, s, namespace, "other")).To(Equal(number(other, 3-3*want, 3*want)), name)
			Expect(size(ctx, s, namespace)).To(Equal(number(db, 5-5*want, 5*want)), name)
		}
	},
		Entry("by labels", storkv1alpha1.ActionFilter{Selectors: map[string]string{"tier": "front"}}, true, false, false),
		Entry("by labels that are left out", storkv1alpha1.ActionFilter{ExcludeSelectors: map[string]string{"tier": "front"}}, false, true, true),
		Entry("by types", storkv1alpha1.ActionFilter{Types: []string{"Database"}}, false, false, true),
		Entry("by objects", storkv1alpha1.ActionFilter{IncludeObjects: []storkv1alpha1.ObjectInfo{{Kind: "Deployment", Name: "other"}}}, false, true, false),
		Entry("by objects that are left out", storkv1alpha1.ActionFilter{ExcludeObjects: []storkv1alpha1.ObjectInfo{{Kind: "Deployment", Name: "other"}}}, true, false, true),
	)

	It("stops and starts only what its schedule selects", func(ctx SpecContext) {
		f := newFixture(ctx, 1, func(spec *storkv1alpha1.MigrationSpec) { spec.Selectors = map[string]string{"tier": "front"} })
		f.succeed(ctx, f.failover(ctx))
		Expect(replicas(ctx, primary, f.namespaces[0], "web")).To(BeZero())
		Expect(replicas(ctx, secondary, f.namespaces[0], "web")).To(BeEquivalentTo(3))
		Expect(size(ctx, primary, f.namespaces[0])).To(BeEquivalentTo(5))
	})

	It("makes no last Migration when it is told so", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipLastMileMigration = new(true) }))
		Expect(f.lastMiles(ctx, primary)).To(BeEmpty())
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(stopped(true)))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
	})

	It("refuses to migrate over what an earlier one has started, and starts the rest when it is told not to migrate", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.Types = []string{"Deployment"} }))
		action := f.finish(ctx, f.failover(ctx))
		Expect(action.Status.Reason).To(ContainSubstring("Deployment web run at the destination already: the last Migration would stop them"))
		f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipLastMileMigration = new(true) }))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
	})
})

var _ = Describe("A failback", func() {
	It("is refused before the first Migration back, after one that failed, and after one that is too old", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.succeed(ctx, f.failover(ctx))
		action := f.finish(ctx, f.failback(ctx))
		Expect(action.Status.Reason).To(Equal("unable to find the reference MigrationSchedule " + f.name(backward) + " in the " + f.home + " namespace"))

		f.schedule(ctx, secondary, backward)
		f.pass(time.Hour + 2*minute)
		action = f.finish(ctx, f.failback(ctx))
		Expect(action.Status.Reason).To(ContainSubstring("is missing: fail back after one has succeeded, or set skipLastMileMigration"))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
		Expect(f.suspended(ctx, secondary, backward)).To(BeFalse())

		schedule := f.read(ctx, secondary, backward)
		schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval][0].Status = storkv1alpha1.MigrationStatusFailed
		Expect(secondary.Status().Update(ctx, schedule)).To(Succeed())
		action = f.finish(ctx, f.failback(ctx))
		Expect(action.Status.Reason).To(MatchRegexp("the latest Migration .* failed"))
	})
})

var _ = Describe("An Action that is wrong", func() {
	DescribeTable("ends at once, with the reason", func(ctx SpecContext, change func(*fixture, *storkv1alpha1.Action), message string) {
		f := newFixture(ctx, 1)
		action := &storkv1alpha1.Action{Spec: storkv1alpha1.ActionSpec{ActionType: storkv1alpha1.ActionTypeFailover}}
		action.Namespace, action.GenerateName = f.home, "wrong-"
		action.Spec.ActionParameter.FailoverParameter.MigrationScheduleReference = f.name(forward)
		change(f, action)
		Expect(secondary.Create(ctx, action)).To(Succeed())
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(ContainSubstring(message))
		Expect(action.Status.FinishTimestamp).NotTo(BeNil())
		f.untouched(ctx)
	},
		Entry("of a type that no driver supports", func(_ *fixture, a *storkv1alpha1.Action) {
			a.Spec = storkv1alpha1.ActionSpec{ActionType: storkv1alpha1.ActionTypeNearSyncFailover}
		}, "no storage driver of this operator supports nearsyncFailover"),
		Entry("with a schedule that does not exist", func(_ *fixture, a *storkv1alpha1.Action) {
			a.Spec.ActionParameter.FailoverParameter.MigrationScheduleReference = "nothing"
		}, "unable to find the reference MigrationSchedule nothing in the "),
		Entry("with namespaces that the schedule does not migrate", func(_ *fixture, a *storkv1alpha1.Action) {
			a.Spec.ActionParameter.FailoverParameter.FailoverNamespaces = []string{"elsewhere"}
		}, "provided namespaces [elsewhere] are not a subset of the namespaces being migrated by the given MigrationSchedule"),
		Entry("a failback by a copy", func(f *fixture, a *storkv1alpha1.Action) {
			a.Spec = storkv1alpha1.ActionSpec{ActionType: storkv1alpha1.ActionTypeFailback}
			a.Spec.ActionParameter.FailbackParameter.MigrationScheduleReference = f.name(forward)
		}, "is a copy of another cluster's"),
	)

	It("cannot reach beyond its namespace with a copy that somebody wrote", func(ctx SpecContext) {
		f, victim := newFixture(ctx, 1), newFixture(ctx, 1)
		copied := f.read(ctx, secondary, forward)
		copied.Spec.Template.Spec.Namespaces = victim.namespaces
		Expect(secondary.Update(ctx, copied)).To(Succeed())
		action := f.finish(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipSourceOperations = new(true) }))
		Expect(action.Status.Reason).To(ContainSubstring("cannot be failed over by an Action in namespace " + f.home))
		Expect(state(ctx, secondary, victim.namespaces[0])).To(Equal(stopped(false)))
	})

	It("is looked at no more when it is Final", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.finish(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.MigrationScheduleReference = "nothing" }))
		operator := f.operator()
		operator.Live, operator.Guide = nil, nil
		result, err := operator.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(action)})
		Expect(err).NotTo(HaveOccurred())
		Expect(result.IsZero()).To(BeTrue())
	})
})
