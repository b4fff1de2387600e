package action

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// scale sets the replicas of the Deployment, as a user would.
func scale(ctx context.Context, s *side, namespace string, replicas int64) {
	GinkgoHelper()
	web := object(namespace, application()[0])
	Expect(s.Get(ctx, client.ObjectKeyFromObject(web), web)).To(Succeed())
	Expect(unstructured.SetNestedField(web.Object, replicas, "spec", "replicas")).To(Succeed())
	Expect(s.Update(ctx, web)).To(Succeed())
}

// stop stops the applications of a namespace, as storkctl deactivate does.
func stop(ctx context.Context, s *side, namespace string) {
	GinkgoHelper()
	cluster := activation.Cluster{}
	cluster.Dynamic, cluster.Discovery = clients(s.Config())
	engine, _, err := activation.NewEngine(ctx, cluster)
	Expect(err).NotTo(HaveOccurred())
	Expect(engine.Run(ctx, activation.Request{Namespaces: []string{namespace}}).Err()).To(Succeed())
}

// with returns a state but for one object.
func with(state map[string]any, name string, value any) map[string]any {
	state[name] = value
	return state
}

var _ = Describe("A failover and a failback", func() {
	It("move an application there and back, and its schedules hold and resume by themselves", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		namespace := f.namespaces[0]
		Expect(state(ctx, secondary, namespace)).To(Equal(stopped(false)))

		By("failing over")
		action := f.succeed(ctx, f.failover(ctx))
		Expect(summary(action)).To(Equal(map[string]storkv1alpha1.ActionStatusType{namespace: storkv1alpha1.ActionStatusSuccessful}))
		Expect(state(ctx, primary, namespace)).To(Equal(stopped(true)))
		Expect(state(ctx, secondary, namespace)).To(Equal(runs()))
		Expect(memos(ctx, secondary, namespace)).To(BeEmpty())
		Expect(f.lastMiles(ctx, primary)).To(ConsistOf(fmt.Sprintf("%s-lastmile-failover-%.7s", f.name(forward), action.UID)))
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())
		Expect(f.suspended(ctx, primary, forward)).To(BeTrue())
		Expect(f.told()).To(ContainElement(ContainSubstring("Cache " + namespace + "/cache are stopped")))
		f.pass(minute)
		f.look(ctx, primary, forward)
		Expect(f.suspended(ctx, primary, forward)).To(BeTrue(), "the applications are active at the other side")

		By("changing things there, and migrating back")
		scale(ctx, secondary, namespace, 4)
		f.schedule(ctx, secondary, backward)
		Expect(state(ctx, primary, namespace)).To(Equal(stopped(true)))

		By("failing back")
		action = f.succeed(ctx, f.failback(ctx))
		Expect(summary(action)).To(Equal(map[string]storkv1alpha1.ActionStatusType{namespace: storkv1alpha1.ActionStatusSuccessful}))
		Expect(state(ctx, primary, namespace)).To(Equal(with(runs(), "web", int64(4))))
		Expect(memos(ctx, primary, namespace)).To(BeEmpty())
		Expect(state(ctx, secondary, namespace)).To(Equal(with(stopped(true), "web", int64(0))))
		Expect(f.active(ctx, secondary, forward)).To(BeFalse())
		Expect(f.active(ctx, primary, backward)).To(BeTrue())
		Expect(f.suspended(ctx, secondary, backward)).To(BeTrue())

		By("looking at the schedules a minute later")
		f.pass(minute)
		f.look(ctx, primary, forward)
		f.look(ctx, secondary, backward)
		Expect(f.suspended(ctx, primary, forward)).To(BeFalse(), "the applications have come back")
		Expect(f.suspended(ctx, secondary, backward)).To(BeTrue())

		By("migrating forward and failing over once more")
		f.pass(minute * 60)
		f.migrate(ctx, primary, forward)
		Expect(state(ctx, primary, namespace)).To(Equal(with(runs(), "web", int64(4))))
		f.succeed(ctx, f.failover(ctx))
		Expect(state(ctx, primary, namespace)).To(Equal(stopped(true)))
		Expect(state(ctx, secondary, namespace)).To(Equal(with(runs(), "web", int64(4))))
		Expect(f.active(ctx, primary, backward)).To(BeFalse())
	})

	It("survive an operator that dies after each single write", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		namespace := f.namespaces[0]
		Expect(f.dying(ctx, f.failover(ctx), storkv1alpha1.ActionStatusSuccessful)).To(BeNumerically(">", 15))
		Expect(state(ctx, primary, namespace)).To(Equal(stopped(true)))
		Expect(state(ctx, secondary, namespace)).To(Equal(runs()))
		Expect(f.suspended(ctx, primary, forward)).To(BeTrue())
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())

		f.schedule(ctx, secondary, backward)
		Expect(f.dying(ctx, f.failback(ctx), storkv1alpha1.ActionStatusSuccessful)).To(BeNumerically(">", 15))
		Expect(state(ctx, primary, namespace)).To(Equal(runs()))
		Expect(state(ctx, secondary, namespace)).To(Equal(stopped(true)))
		Expect(f.active(ctx, secondary, forward)).To(BeFalse())
		f.pass(minute)
		f.look(ctx, primary, forward)
		Expect(f.suspended(ctx, primary, forward)).To(BeFalse())
	})

	It("take one of three namespaces, and then the others", func(ctx SpecContext) {
		f := newFixture(ctx, 3)
		one := f.namespaces[1]
		action := f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.FailoverNamespaces = []string{one} }))
		Expect(summary(action)).To(Equal(map[string]storkv1alpha1.ActionStatusType{one: storkv1alpha1.ActionStatusSuccessful}))
		Expect(f.states(ctx, primary)).To(Equal([]map[string]any{runs(), stopped(true), runs()}))
		Expect(f.states(ctx, secondary)).To(Equal([]map[string]any{stopped(false), runs(), stopped(false)}))

		scale(ctx, secondary, one, 7)
		action = f.succeed(ctx, f.failover(ctx))
		Expect(summary(action)).To(HaveLen(3))
		Expect(f.states(ctx, primary)).To(Equal([]map[string]any{stopped(true), stopped(true), stopped(true)}))
		Expect(f.states(ctx, secondary)).To(Equal([]map[string]any{runs(), with(runs(), "web", int64(7)), runs()}),
			"what was active already has not been touched")
	})

	It("wait for pods to end, but not for those that have", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		running := pod(ctx, primary, f.namespaces[0], "running", corev1.PodRunning)
		pod(ctx, primary, f.namespaces[0], "done", corev1.PodSucceeded)
		pod(ctx, primary, f.namespaces[0], "broken", corev1.PodFailed)
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonPodsRunning })
		Expect(succeeded(action).message).To(Equal("1 pods still run at the source: " + f.namespaces[0] + "/running"))
		Expect(f.lastMiles(ctx, primary)).To(BeEmpty())
		Expect(primary.Delete(ctx, running, client.GracePeriodSeconds(0))).To(Succeed())
		f.succeed(ctx, action)
	})

	It("stop at the source what the schedule's last Migration would bring for the first time", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		namespace := f.namespaces[0]
		late := object(namespace, application()[0])
		late.SetName("late")
		Expect(primary.Create(ctx, late)).To(Succeed())
		f.succeed(ctx, f.failover(ctx))
		for s, want := range map[*side]int64{primary: 0, secondary: 3} {
			Expect(s.Get(ctx, client.ObjectKeyFromObject(late), late)).To(Succeed())
			replicas, _, _ := unstructured.NestedInt64(late.Object, "spec", "replicas")
			Expect(replicas).To(Equal(want))
		}
	})

	// Of the three namespaces, which the fixture's schedule migrates together.
	only := func(namespaces ...string) func(*storkv1alpha1.FailoverParameter) {
		return func(p *storkv1alpha1.FailoverParameter) { p.FailoverNamespaces = namespaces }
	}
	back := func(namespaces ...string) func(*storkv1alpha1.FailbackParameter) {
		return func(p *storkv1alpha1.FailbackParameter) { p.FailbackNamespaces = namespaces }
	}

	It("keep the schedule from going over two of three namespaces when one comes back", func(ctx SpecContext) {
		f := newFixture(ctx, 3)
		f.succeed(ctx, f.failover(ctx))
		f.schedule(ctx, secondary, backward)
		scale(ctx, secondary, f.namespaces[1], 7)
		action := f.succeed(ctx, f.failback(ctx, back(f.namespaces[0])))
		Expect(f.states(ctx, primary)).To(Equal([]map[string]any{runs(), stopped(true), stopped(true)}))
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())
		Expect(warnings(action)).To(ContainElement(And(
			ContainSubstring("Deployment web in namespace "+f.namespaces[1]), ContainSubstring("Database db in namespace "+f.namespaces[2]),
			ContainSubstring("still run at the destination: MigrationSchedule "+f.key(forward).String()),
		)))
		Expect(warnings(action)).NotTo(ContainElement(ContainSubstring("in namespace " + f.namespaces[0])))

		By("looking what is due an hour later")
		f.pass(time.Hour + minute)
		f.look(ctx, primary, forward)
		Expect(f.suspended(ctx, primary, forward)).To(BeTrue())
		Expect(f.states(ctx, secondary)).To(Equal([]map[string]any{stopped(true), with(runs(), "web", int64(7)), runs()}))

		By("failing back the others by a schedule of their own")
		rest := f.others(ctx, secondary, f.namespaces[1:]...)
		f.succeed(ctx, f.failback(ctx, func(p *storkv1alpha1.FailbackParameter) { p.MigrationScheduleReference = rest }))
		Expect(f.active(ctx, secondary, forward)).To(BeFalse())
		f.pass(minute)
		f.look(ctx, primary, forward)
		Expect(f.suspended(ctx, primary, forward)).To(BeFalse())
		Expect(f.states(ctx, primary)).To(Equal([]map[string]any{runs(), with(runs(), "web", int64(7)), runs()}))
	})

	It("keep the way back closed over two of three namespaces when one is failed over again", func(ctx SpecContext) {
		f := newFixture(ctx, 3)
		f.succeed(ctx, f.failover(ctx))
		f.schedule(ctx, secondary, backward)
		f.succeed(ctx, f.failback(ctx))
		f.pass(minute)
		f.look(ctx, primary, forward)
		Expect(f.suspended(ctx, primary, forward)).To(BeFalse())
		scale(ctx, primary, f.namespaces[1], 7)
		f.succeed(ctx, f.failover(ctx, only(f.namespaces[0])))
		Expect(f.active(ctx, primary, backward)).To(BeTrue())
		f.pass(time.Hour + minute)
		f.look(ctx, secondary, backward)
		Expect(f.suspended(ctx, secondary, backward)).To(BeTrue())
		Expect(f.states(ctx, primary)).To(Equal([]map[string]any{stopped(true), with(runs(), "web", int64(7)), runs()}))
	})

	DescribeTable("keep the schedule from going over what a filter leaves behind", func(ctx SpecContext, filter storkv1alpha1.ActionFilter, left string) {
		f := newFixture(ctx, 1)
		f.succeed(ctx, f.failover(ctx))
		f.schedule(ctx, secondary, backward)
		action := f.succeed(ctx, f.failback(ctx, func(p *storkv1alpha1.FailbackParameter) { p.ActionFilter = filter }))
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())
		Expect(warnings(action)).To(ContainElement(ContainSubstring(left + " in namespace " + f.namespaces[0])))
		f.pass(minute)
		f.look(ctx, primary, forward)
		Expect(f.suspended(ctx, primary, forward)).To(BeTrue())
	},
		Entry("of labels", storkv1alpha1.ActionFilter{Selectors: map[string]string{"tier": "front"}}, "Database db"),
		Entry("of types", storkv1alpha1.ActionFilter{Types: []string{"Database", "CronJob", "HorizontalPodAutoscaler"}}, "Deployment web"),
		Entry("of objects", storkv1alpha1.ActionFilter{ExcludeObjects: []storkv1alpha1.ObjectInfo{{Kind: "Database", Name: "db"}}}, "Database db"),
	)

	It("count what was made at the other side meanwhile among what is left there", func(ctx SpecContext) {
		f := newFixture(ctx, 2)
		f.succeed(ctx, f.failover(ctx))
		f.schedule(ctx, secondary, backward)
		stop(ctx, secondary, f.namespaces[1])
		young := object(f.namespaces[1], application()[0])
		young.SetName("young")
		Expect(secondary.Create(ctx, young)).To(Succeed())
		action := f.succeed(ctx, f.failback(ctx, back(f.namespaces[0])))
		Expect(warnings(action)).To(ContainElement(HavePrefix("Deployment young in namespace " + f.namespaces[1] + " still run at the destination")))
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())
	})
})

// dying has operators work on an Action, each of which dies after its first write, and returns how many it took.
func (f *fixture) dying(ctx context.Context, action *storkv1alpha1.Action, end storkv1alpha1.ActionStatusType) (operators int) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		f.faults.set(func(x *faults) { x.lives = new(1) })
		operators++
		operator := f.operator()
		for range 10 {
			if f.once(ctx, action, operator) != nil || final(action) && len(action.Finalizers) == 0 {
				break
			}
		}
		g.Expect(final(action)).To(BeTrue(), "stage %q: %s", action.Status.Stage, succeeded(action))
	}).Should(Succeed())
	f.faults.set(func(x *faults) { x.lives = nil })
	Expect(f.once(ctx, action, f.operator())).To(Succeed())
	Expect(action.Status.Status).To(Equal(end), action.Status.Reason)
	return operators
}
