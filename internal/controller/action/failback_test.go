package action

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/failover"
)

// failedOver is an application that runs in the secondary, as it was changed there, and whose way back is prepared. Nothing of it is
// left in the primary that only a user can stop.
func failedOver(ctx context.Context) *fixture {
	GinkgoHelper()
	f := newFixture(ctx, 1)
	f.succeed(ctx, f.failover(ctx))
	scale(ctx, secondary, f.namespaces[0], 4)
	f.schedule(ctx, secondary, backward)
	Expect(primary.Delete(ctx, object(f.namespaces[0], application()[6]))).To(Succeed())
	return f
}

// stayed expects everything to be as it was before a failback.
func (f *fixture) stayed(ctx context.Context) {
	GinkgoHelper()
	namespace := f.namespaces[0]
	Expect(state(ctx, primary, namespace)).To(Equal(stopped(false)))
	Expect(state(ctx, secondary, namespace)).To(Equal(with(runs(), "web", int64(4))))
	Expect(memos(ctx, secondary, namespace)).To(BeEmpty())
	Expect(f.active(ctx, primary, backward)).To(BeFalse())
	Expect(f.active(ctx, secondary, forward)).To(BeTrue(), "the schedule of the primary must not resume")
	schedule := f.read(ctx, secondary, backward)
	Expect(*schedule.Spec.Suspend).To(BeFalse())
	Expect(schedule.Annotations).NotTo(HaveKey(storkv1alpha1.AnnotationSuspendedBy))
	Eventually(func(g Gomega) {
		for _, name := range f.lastMiles(ctx, secondary) {
			migration := &storkv1alpha1.Migration{}
			g.Expect(secondary.Get(ctx, client.ObjectKey{Namespace: f.home, Name: name}, migration)).To(Succeed())
			g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), "it is to be cancelled")
		}
	}).Should(Succeed())
}

// arrivedBack expects the application to be where it came from.
func (f *fixture) arrivedBack(ctx context.Context) {
	GinkgoHelper()
	Expect(state(ctx, primary, f.namespaces[0])).To(Equal(with(runs(), "web", int64(4))))
	Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(with(stopped(true), "web", int64(0))))
	Expect(f.active(ctx, secondary, forward)).To(BeFalse())
	Expect(f.active(ctx, primary, backward)).To(BeTrue())
}

var _ = Describe("A failback that fails", func() {
	DescribeTable("is rolled back completely", func(ctx SpecContext, cause func(context.Context, *fixture, *storkv1alpha1.Action), message string) {
		f := failedOver(ctx)
		began := f.clock.Now()
		action := f.failback(ctx)
		cause(ctx, f, action)
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed), action.Status.Reason)
		Expect(action.Status.Reason).To(ContainSubstring(message))
		Expect(summary(action)).To(Equal(map[string]storkv1alpha1.ActionStatusType{f.namespaces[0]: storkv1alpha1.ActionStatusRollbackSuccessful}))
		Expect(succeeded(action).reason).To(Equal(storkv1alpha1.ReasonRolledBack))
		Expect(action.Finalizers).To(BeEmpty())
		f.stayed(ctx)

		By("doing it again without the cause")
		f.faults.set(none)
		f.ready(ctx, secondary, true)
		f.clock.SetTime(began) // The latest Migration is to be recent.
		f.succeed(ctx, f.failback(ctx))
		f.arrivedBack(ctx)
	},
		Entry("when something cannot be stopped at the destination", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			broken := true
			f.faults.set(func(x *faults) {
				x.refuse = func(to *side, method, path string) bool {
					refused := broken && to == secondary && method == "PATCH" && strings.HasSuffix(path, "/databases/db")
					broken = broken && !refused // Only once: the rollback has to write to it.
					return refused
				}
			})
		}, "stopping applications at the destination: Database"),
		Entry("when pods do not end in time", func(ctx context.Context, f *fixture, action *storkv1alpha1.Action) {
			pod(ctx, secondary, f.namespaces[0], "stuck", corev1.PodRunning)
			f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonPodsRunning })
			f.pass(failover.DefaultPodsTimeout)
			f.at(ctx, action, storkv1alpha1.ActionStageScaleUpDestination)
			Expect(secondary.Delete(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespaces[0], Name: "stuck"}}, client.GracePeriodSeconds(0))).To(Succeed())
		}, "gave up after 15m0s: 1 pods still run at the destination"),
		Entry("when the last Migration cannot be made", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			f.faults.set(refusing(secondary, "POST", "/migrations"))
		}, "the last Migration"),
		Entry("when the last Migration does not end in time", func(ctx context.Context, f *fixture, action *storkv1alpha1.Action) {
			f.at(ctx, action, storkv1alpha1.ActionStageLastMileMigration)
			f.ready(ctx, secondary, false)
			f.until(ctx, action, func() bool { return strings.HasSuffix(succeeded(action).message, " runs") })
			f.pass(time.Hour)
		}, "gave up after 1h0m0s: Migration"),
		Entry("when something cannot be started at the source", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			f.faults.set(refusing(primary, "PATCH", "/statefulsets/idle"))
		}, "starting applications at the source: StatefulSet"),
		Entry("when a custom resource cannot be created at the source", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			f.faults.set(refusing(primary, "POST", "/caches"))
		}, "Cache"),
		Entry("when another copy cannot be told", func(ctx context.Context, f *fixture, _ *storkv1alpha1.Action) {
			other := f.read(ctx, primary, backward)
			other.ObjectMeta = metav1.ObjectMeta{Namespace: f.home, Name: f.name("later"), Annotations: other.Annotations}
			Expect(primary.Create(ctx, other)).To(Succeed())
			f.faults.set(refusing(primary, "PATCH", "/migrationschedules/"+f.name("later")+"/status"))
		}, "telling the copies of schedules"),
		Entry("when the copy of the schedule cannot be told", func(_ context.Context, f *fixture, _ *storkv1alpha1.Action) {
			f.faults.set(refusing(primary, "PATCH", "/migrationschedules/"+f.name(backward)+"/status"))
		}, "telling the copies of schedules"),
		Entry("when the source does not answer any more", func(ctx context.Context, f *fixture, action *storkv1alpha1.Action) {
			f.at(ctx, action, storkv1alpha1.ActionStageLastMileMigration)
			f.faults.set(func(x *faults) { x.unreachable = primary })
			f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonUnreachable })
			f.pass(failover.DefaultPatience)
			f.at(ctx, action, storkv1alpha1.ActionStageScaleUpDestination)
			f.faults.set(none)
		}, "gave up after 15m0s: "),
	)

	It("reports what the last Migration failed with", func(ctx SpecContext) {
		f := failedOver(ctx)
		action := f.at(ctx, f.failback(ctx), storkv1alpha1.ActionStageLastMileMigration)
		f.ready(ctx, secondary, false)
		Expect(f.once(ctx, action, f.operator())).To(Succeed())
		name := f.lastMiles(ctx, secondary)[0]
		Eventually(func(g Gomega) {
			migration := &storkv1alpha1.Migration{}
			g.Expect(secondary.Get(ctx, client.ObjectKey{Namespace: f.home, Name: name}, migration)).To(Succeed())
			migration.Status.Stage, migration.Status.Status = storkv1alpha1.MigrationStageFinal, storkv1alpha1.MigrationStatusFailed
			g.Expect(secondary.Status().Update(ctx, migration)).To(Succeed())
		}).Should(Succeed())
		f.finish(ctx, action)
		Expect(action.Status.Reason).To(HavePrefix("The failback operation is aborted because the last mile migration " + name + " failed with status Failed"))
		f.stayed(ctx)
	})

	DescribeTable("survives an operator that dies after each single write of the rollback", func(ctx SpecContext, broken func(*fixture) string) {
		f := failedOver(ctx)
		f.faults.set(refusing(primary, "PATCH", broken(f)))
		action := f.at(ctx, f.failback(ctx), storkv1alpha1.ActionStageScaleUpDestination)
		f.faults.set(none)
		Expect(f.dying(ctx, action, storkv1alpha1.ActionStatusFailed)).To(BeNumerically(">", 8))
		f.stayed(ctx)
		f.dying(ctx, f.failback(ctx), storkv1alpha1.ActionStatusSuccessful)
		f.arrivedBack(ctx)
	},
		Entry("of applications that were not all started", func(*fixture) string { return "/statefulsets/idle" }),
		Entry("of applications that were", func(f *fixture) string { return "/migrationschedules/" + f.name(backward) + "/status" }),
	)

	It("is rolled back when it is deleted, and only then goes", func(ctx SpecContext) {
		f := failedOver(ctx)
		action := f.at(ctx, f.failback(ctx), storkv1alpha1.ActionStageScaleUpSource)
		Expect(secondary.Delete(ctx, action)).To(Succeed())
		operator := f.operator()
		Eventually(func(g Gomega) {
			g.Expect(f.once(ctx, action, operator)).To(Succeed())
			g.Expect(absent(secondary.Get(ctx, client.ObjectKeyFromObject(action), action))).To(BeTrue())
		}).Should(Succeed())
		f.stayed(ctx)
	})

	It("says what to do by hand when it cannot be rolled back", func(ctx SpecContext) {
		f := failedOver(ctx)
		action := f.at(ctx, f.failback(ctx), storkv1alpha1.ActionStageLastMileMigration)
		f.faults.set(func(x *faults) {
			x.refuse = func(to *side, method, path string) bool {
				return to == secondary && (method == "POST" || strings.HasSuffix(path, "/databases/db"))
			}
		})
		f.finish(ctx, action)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusRollbackFailed))
		Expect(action.Status.Reason).To(And(
			ContainSubstring("starting again what was stopped at the destination: Database "+f.namespaces[0]+"/db"),
			ContainSubstring("at the destination: storkctl activate migrations -n "+f.namespaces[0]),
			ContainSubstring("at the destination: storkctl resume migrationschedule "+f.name(backward)+" -n "+f.home),
			ContainSubstring("at the source: storkctl deactivate migrations -n "+f.namespaces[0]),
		))
	})
})
