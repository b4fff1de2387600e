package action

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/failover"
)

// refusing forbids writes to one cluster whose path ends so, once an Action is in a stage.
func refusing(s *side, method, suffix string) func(*faults) {
	return func(f *faults) {
		f.refuse = func(to *side, how, path string) bool {
			return to == s && how == method && strings.HasSuffix(path, suffix)
		}
	}
}

func none(f *faults) { f.refuse, f.unreachable = nil, nil }

// untouched expects everything to be as it was before a failover.
func (f *fixture) untouched(ctx context.Context) {
	GinkgoHelper()
	Expect(f.states(ctx, primary)).To(HaveEach(runs()))
	for _, namespace := range f.namespaces {
		Expect(memos(ctx, primary, namespace)).To(BeEmpty())
	}
	Expect(f.states(ctx, secondary)).To(HaveEach(stopped(false)))
	Expect(f.active(ctx, secondary, forward)).To(BeFalse())
	Eventually(func(g Gomega) {
		for _, name := range f.lastMiles(ctx, primary) {
			migration := &storkv1alpha1.Migration{}
			g.Expect(primary.Get(ctx, client.ObjectKey{Namespace: f.home, Name: name}, migration)).To(Succeed())
			g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), "it is to be cancelled")
		}
	}).WithTimeout(5 * time.Second).Should(Succeed())
	schedule := f.read(ctx, primary, forward)
	Expect(*schedule.Spec.Suspend).To(BeFalse())
	Expect(schedule.Annotations).NotTo(HaveKey(storkv1alpha1.AnnotationSuspendedBy))
}

var _ = Describe("A failover that fails", func() {
	// A failure of each stage. The path ends with what is refused for good.
	DescribeTable("is rolled back completely", func(ctx SpecContext, cause func(context.Context, *fixture, *storkv1alpha1.Action), message string) {
		f := newFixture(ctx, 1)
		action := f.failover(ctx)
		cause(ctx, f, action)
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed), action.Status.Reason)
		Expect(action.Status.Reason).To(ContainSubstring(message))
		Expect(summary(action)).To(Equal(map[string]storkv1alpha1.ActionStatusType{f.namespaces[0]: storkv1alpha1.ActionStatusRollbackSuccessful}))
		Expect(succeeded(action).reason).To(Equal(storkv1alpha1.ReasonRolledBack))
		Expect(action.Finalizers).To(BeEmpty())
		f.untouched(ctx)

		By("doing it again without the cause")
		f.faults.set(none)
		f.ready(ctx, primary, true)
		f.succeed(ctx, f.failover(ctx))
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(stopped(true)))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
	},
		Entry("when something cannot be stopped at the source", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			broken := true
			f.faults.set(func(x *faults) {
				x.refuse = func(to *side, method, path string) bool {
					// Only once: the rollback has to write to it.
					refused := broken && to == primary && method == "PATCH" && strings.HasSuffix(path, "/databases/db")
					broken = broken && !refused
					return refused
				}
			})
		}, "stopping applications at the source: Database"),
		Entry("when pods do not end in time", func(ctx context.Context, f *fixture, action *storkv1alpha1.Action) {
			pod(ctx, primary, f.namespaces[0], "stuck", corev1.PodRunning)
			f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonPodsRunning })
			f.pass(failover.DefaultPodsTimeout - time.Second)
			Expect(f.once(ctx, action, f.operator())).To(Succeed())
			Expect(action.Status.Stage).To(Equal(storkv1alpha1.ActionStageWaitAfterScaleDown))
			f.pass(time.Second)
			f.at(ctx, action, storkv1alpha1.ActionStageScaleUpSource)
			Expect(primary.Delete(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespaces[0], Name: "stuck"}}, client.GracePeriodSeconds(0))).To(Succeed())
		}, "gave up after 15m0s: 1 pods still run at the source"),
		Entry("when the last Migration cannot be made", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			f.faults.set(refusing(primary, "POST", "/migrations"))
		}, "the last Migration"),
		Entry("when the last Migration does not end in time", func(ctx context.Context, f *fixture, action *storkv1alpha1.Action) {
			f.at(ctx, action, storkv1alpha1.ActionStageLastMileMigration)
			f.ready(ctx, primary, false)
			f.until(ctx, action, func() bool { return strings.HasSuffix(succeeded(action).message, " runs") })
			f.pass(time.Hour)
		}, "gave up after 1h0m0s: Migration"),
		Entry("when something cannot be started at the destination", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			f.faults.set(refusing(secondary, "PATCH", "/statefulsets/idle"))
		}, "starting applications at the destination: StatefulSet"),
		Entry("when a custom resource cannot be created at the destination", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			f.faults.set(refusing(secondary, "POST", "/caches"))
		}, "Cache"),
		Entry("when another copy cannot be told", func(ctx context.Context, f *fixture, _ *storkv1alpha1.Action) {
			other := f.read(ctx, secondary, forward)
			other.ObjectMeta = metav1.ObjectMeta{Namespace: f.home, Name: f.name("later"), Annotations: other.Annotations}
			Expect(secondary.Create(ctx, other)).To(Succeed())
			f.faults.set(refusing(secondary, "PATCH", "/migrationschedules/"+f.name("later")+"/status"))
		}, "telling the copies of schedules"),
		Entry("when the copy of the schedule cannot be told", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			f.faults.set(refusing(secondary, "PATCH", "/migrationschedules/"+f.name(forward)+"/status"))
		}, "telling the copies of schedules"),
	)

	It("reports what the last Migration failed with", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageLastMileMigration)
		f.ready(ctx, primary, false)
		Expect(f.once(ctx, action, f.operator())).To(Succeed())
		name := f.lastMiles(ctx, primary)[0]
		migration := &storkv1alpha1.Migration{}
		Eventually(func(g Gomega) {
			g.Expect(primary.Get(ctx, client.ObjectKey{Namespace: f.home, Name: name}, migration)).To(Succeed())
			migration.Status.Stage, migration.Status.Status = storkv1alpha1.MigrationStageFinal, storkv1alpha1.MigrationStatusFailed
			g.Expect(primary.Status().Update(ctx, migration)).To(Succeed())
		}).Should(Succeed())
		f.finish(ctx, action)
		Expect(action.Status.Reason).To(HavePrefix("The failover operation is aborted because the last mile migration " + name + " failed with status Failed"))
		f.untouched(ctx)
	})

	It("starts nothing at the destination if the application was started again at the source meanwhile", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageLastMileMigration)
		web := object(f.namespaces[0], application()[0])
		Expect(primary.Patch(ctx, web, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":3}}`)))).To(Succeed())
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(ContainSubstring("in namespace " + f.namespaces[0] + ", Deployment web were started again at the source"))
		f.untouched(ctx)
	})

	It("cannot be made another one once it has begun", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageLastMileMigration)
		parameter := &action.Spec.ActionParameter
		parameter.FailbackParameter.MigrationScheduleReference = parameter.FailoverParameter.MigrationScheduleReference
		parameter.FailoverParameter.MigrationScheduleReference, action.Spec.ActionType = "", storkv1alpha1.ActionTypeFailback
		Expect(secondary.Update(ctx, action)).To(MatchError(ContainSubstring("cannot be changed any more, for the Action has begun")))
		action = f.failover(ctx)
		parameter = &action.Spec.ActionParameter
		parameter.FailbackParameter.MigrationScheduleReference = parameter.FailoverParameter.MigrationScheduleReference
		parameter.FailoverParameter.MigrationScheduleReference, action.Spec.ActionType = "", storkv1alpha1.ActionTypeFailback
		Expect(secondary.Update(ctx, action)).To(Succeed(), "it has not begun")
	})

	It("goes on while an API is dead that applications do not have", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		for _, s := range []*side{primary, secondary} {
			dead := object("", `{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.dead.example.com}, spec: {`+
				`group: dead.example.com, version: v1, groupPriorityMinimum: 1000, versionPriority: 15, service: {namespace: default, name: no-such}}}`)
			Expect(s.Create(ctx, dead)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(s.Delete(ctx, dead)).To(Succeed()) })
		}
		f.succeed(ctx, f.failover(ctx))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
	})

	It("leaves a schedule suspended that was so before", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		schedule := f.read(ctx, primary, forward)
		schedule.Spec.Suspend = new(true)
		Expect(primary.Update(ctx, schedule)).To(Succeed())
		f.faults.set(refusing(secondary, "PATCH", "/statefulsets/idle"))
		action := f.finish(ctx, f.failover(ctx))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(runs()))
		Expect(f.suspended(ctx, primary, forward)).To(BeTrue())
	})

	It("says what to do by hand when it cannot be rolled back", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageLastMileMigration)
		f.faults.set(func(x *faults) {
			x.refuse = func(to *side, method, path string) bool {
				return to == primary && (method == "POST" || strings.HasSuffix(path, "/databases/db"))
			}
		})
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusRollbackFailed))
		Expect(summary(action)).To(Equal(map[string]storkv1alpha1.ActionStatusType{f.namespaces[0]: storkv1alpha1.ActionStatusRollbackFailed}))
		Expect(action.Status.Reason).To(And(
			ContainSubstring("starting again what was stopped at the source: Database "+f.namespaces[0]+"/db"),
			ContainSubstring("at the source: storkctl activate migrations -n "+f.namespaces[0]),
			ContainSubstring("at the source: storkctl resume migrationschedule "+f.name(forward)+" -n "+f.home),
			ContainSubstring("at the destination: storkctl deactivate migrations -n "+f.namespaces[0]),
		))
		Expect(f.told()).To(ContainElement(HavePrefix("Warning RollbackFailed")))
	})

	It("is rolled back when it is deleted, and only then goes", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageScaleUpDestination)
		Expect(secondary.Delete(ctx, action)).To(Succeed())
		operator := f.operator()
		Eventually(func(g Gomega) {
			g.Expect(f.once(ctx, action, operator)).To(Succeed())
			g.Expect(absent(secondary.Get(ctx, client.ObjectKeyFromObject(action), action))).To(BeTrue())
		}).Should(Succeed())
		f.untouched(ctx)
	})

	It("survives an operator that dies after each single write of the rollback", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.faults.set(refusing(secondary, "PATCH", "/migrationschedules/"+f.name(forward)+"/status"))
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageScaleUpSource)
		f.faults.set(none)
		f.dying(ctx, action, storkv1alpha1.ActionStatusFailed)
		f.untouched(ctx)
	})
})

var _ = Describe("A failover whose source does not answer", func() {
	It("waits, says so, and gives up with nothing changed", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.faults.set(func(x *faults) { x.unreachable = primary })
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonUnreachable })
		Expect(action.Status.Stage).To(Equal(storkv1alpha1.ActionStageInitial))
		Expect(succeeded(action).message).To(ContainSubstring("no route to host"))
		f.pass(failover.DefaultPatience)
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(HavePrefix("gave up after 15m0s: validating: "))
		f.faults.set(none)
		f.untouched(ctx)
	})

	It("goes on when the source answers again", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.faults.set(func(x *faults) { x.unreachable = primary })
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonUnreachable })
		f.faults.set(none)
		f.succeed(ctx, action)
	})

	It("overtakes it when it is told to, and says what fencing is owed", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		namespace := f.namespaces[0]
		f.faults.set(func(x *faults) { x.unreachable = primary })
		action := f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipSourceOperations = new(true) }))
		Expect(state(ctx, secondary, namespace)).To(Equal(runs()))
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())
		fenced := apimeta.FindStatusCondition(action.Status.Conditions, storkv1alpha1.ConditionSourceFenced)
		Expect(fenced).NotTo(BeNil())
		Expect(fenced.Status).To(Equal(metav1.ConditionFalse))
		Expect(fenced.Message).To(And(
			ContainSubstring("Deployment "+namespace+"/web"), ContainSubstring("Cache "+namespace+"/cache"),
			ContainSubstring("storkctl suspend migrationschedule "+f.name(forward)+" -n "+f.home),
		))
		Expect(f.told()).To(ContainElement(HavePrefix("Warning FencingOwed")))
		Expect(state(ctx, primary, namespace)).To(Equal(runs()), "nobody has asked the source")
	})

	It("is rolled back at the destination alone when it is told to leave out the source", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.faults.set(func(x *faults) {
			refusing(secondary, "PATCH", "/statefulsets/idle")(x)
			x.unreachable = primary
		})
		action := f.finish(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipSourceOperations = new(true) }))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed), action.Status.Reason)
		f.faults.set(none)
		f.untouched(ctx)
	})
})
