package action

import (
	"context"
	"errors"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var errBroken = errors.New("it is broken")

// brokenList is a client that cannot list.
func brokenList() client.Client {
	return interceptor.NewClient(secondary, interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errBroken
		},
	})
}

// late is a client whose cache has an Action still as it was.
func late(was *storkv1alpha1.Action) client.Client {
	return interceptor.NewClient(secondary, interceptor.Funcs{
		Get: func(_ context.Context, _ client.WithWatch, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
			was.DeepCopyInto(into.(*storkv1alpha1.Action))
			return nil
		},
	})
}

var _ = Describe("A step of an Action", func() {
	var f *fixture
	BeforeEach(func(ctx SpecContext) { f = newFixture(ctx, 1) })

	It("is none for an Action that is gone", func(ctx SpecContext) {
		action := f.failover(ctx)
		Expect(secondary.Delete(ctx, action)).To(Succeed())
		Expect(f.once(ctx, action, f.operator())).To(Succeed())
		operator := f.operator()
		operator.Client = late(action)
		Expect(f.once(ctx, action, operator)).To(Succeed(), "the cache does not know that yet")
	})

	It("is none for an Action of which only the cache does not know that it is Final", func(ctx SpecContext) {
		action := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageScaleUpDestination)
		was := action.DeepCopy()
		f.succeed(ctx, action)
		version := action.ResourceVersion
		scale(ctx, secondary, f.namespaces[0], 0)
		operator := f.operator()
		operator.Client = late(was)
		Expect(f.once(ctx, action, operator)).To(Succeed())
		Expect(action.ResourceVersion).To(Equal(version))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(with(runs(), "web", int64(0))), "it would have been started again")
	})

	DescribeTable("is none before it is known what others do", func(ctx SpecContext, breaks func(*Reconciler), message string) {
		action := f.failover(ctx)
		operator := f.operator()
		breaks(operator)
		Expect(f.once(ctx, action, operator)).To(And(MatchError(errBroken), MatchError(ContainSubstring(message))))
		Expect(begun(action)).To(BeFalse())
		f.untouched(ctx)
		f.succeed(ctx, action)
	},
		Entry("while the Action cannot be read", func(r *Reconciler) {
			r.Live = interceptor.NewClient(secondary, interceptor.Funcs{
				Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
					return errBroken
				},
			})
		}, ""),
		Entry("while Actions cannot be listed", func(r *Reconciler) { r.Live = brokenList() }, "looking for other Actions"),
	)

	It("changes nothing without a finalizer", func(ctx SpecContext) {
		action := f.failover(ctx)
		f.faults.set(refusing(secondary, "PATCH", "/actions/"+action.Name))
		Expect(apierrors.IsForbidden(f.once(ctx, action, f.operator()))).To(BeTrue())
		Expect(begun(action)).To(BeFalse())
		f.untouched(ctx)
	})

	It("tells of nothing that could not be written down", func(ctx SpecContext) {
		action := f.failover(ctx)
		f.told()
		f.faults.set(refusing(secondary, "PATCH", "/actions/"+action.Name+"/status"))
		for range 3 {
			Expect(f.once(ctx, action, f.operator())).To(MatchError(ContainSubstring("writing the status of Action " + f.home + "/" + action.Name)))
		}
		Expect(f.told()).To(BeEmpty())
		f.untouched(ctx)
	})

	It("leaves an Action alone that Stork has ended, until it is deleted", func(ctx SpecContext) {
		action := f.failover(ctx)
		action.Finalizers = []string{storkv1alpha1.FinalizerCleanup}
		Expect(secondary.Update(ctx, action)).To(Succeed())
		action.Status.Stage, action.Status.Status = storkv1alpha1.ActionStageFinal, storkv1alpha1.ActionStatusSuccessful
		Expect(secondary.Status().Update(ctx, action)).To(Succeed())
		version := action.ResourceVersion
		Expect(f.once(ctx, action, f.operator())).To(Succeed())
		Expect(action.ResourceVersion).To(Equal(version))
		Expect(secondary.Delete(ctx, action)).To(Succeed())
		Expect(f.once(ctx, action, f.operator())).To(Succeed())
		Expect(absent(secondary.Get(ctx, client.ObjectKeyFromObject(action), action))).To(BeTrue())
	})
})

var _ = Describe("An Action that is deleted", func() {
	It("goes at once if it has not begun", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		first := f.at(ctx, f.failover(ctx), storkv1alpha1.ActionStageLastMileMigration)
		second := f.failover(ctx)
		Expect(f.once(ctx, second, f.operator())).To(Succeed())
		Expect(succeeded(second).reason).To(Equal(storkv1alpha1.ReasonWaitingForAction))
		Expect(secondary.Delete(ctx, second)).To(Succeed())
		Expect(f.once(ctx, second, f.operator())).To(Succeed())
		Expect(absent(secondary.Get(ctx, client.ObjectKeyFromObject(second), second))).To(BeTrue())
		f.succeed(ctx, first)
	})

	It("is left to others that hold it", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.failover(ctx)
		action.Finalizers = []string{"example.com/theirs"}
		Expect(secondary.Update(ctx, action)).To(Succeed())
		Expect(secondary.Delete(ctx, action)).To(Succeed())
		Expect(f.once(ctx, action, f.operator())).To(Succeed())
		Expect(begun(action)).To(BeFalse())
		Expect(action.Finalizers).To(ConsistOf("example.com/theirs"))
		f.untouched(ctx)
		action.Finalizers = nil
		Expect(secondary.Update(ctx, action)).To(Succeed())
	})
})

var _ = Describe("The ClusterPair of an Action", func() {
	It("is to be created when it is missing", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		pair := &storkv1alpha1.ClusterPair{}
		Expect(secondary.Get(ctx, f.key("pair"), pair)).To(Succeed())
		Expect(secondary.Delete(ctx, pair)).To(Succeed())
		action := f.finish(ctx, f.failover(ctx))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(HavePrefix("unable to find the ClusterPair " + f.name("pair") + " in the " + f.home + " namespace"))
	})

	It("is waited for when its kubeconfig cannot be used", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		pair := &storkv1alpha1.ClusterPair{}
		Expect(secondary.Get(ctx, f.key("pair"), pair)).To(Succeed())
		config := pair.Spec.Config
		pair.Spec.Config, pair.Spec.KubeconfigSecretRef = nil, &storkv1alpha1.KubeconfigSecretRef{Name: "no-such"}
		Expect(secondary.Update(ctx, pair)).To(Succeed())
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonUnreachable })
		Expect(succeeded(action).message).To(And(
			ContainSubstring("connecting to the cluster of ClusterPair "+f.key("pair").String()),
			ContainSubstring("there is no Secret "+f.home+"/no-such"),
		))
		pair.Spec.Config, pair.Spec.KubeconfigSecretRef = config, nil
		Expect(secondary.Update(ctx, pair)).To(Succeed())
		f.succeed(ctx, action)
	})
})

var _ = Describe("Events of an Action", func() {
	It("are short enough for API servers, and whole characters", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		action := f.failover(ctx)
		operator := f.operator()
		operator.Guide.Reject(action, storkv1alpha1.ReasonInvalidSpec, "a"+strings.Repeat("ä", 2*maxNote))
		operator.tell(&storkv1alpha1.Action{}, action)
		told := f.told()
		event := told[len(told)-1]
		Expect(event).To(And(HavePrefix("Warning Failed aää"), HaveSuffix("ää…")))
		Expect(len(event)).To(BeNumerically("<=", 1024+len("Warning Failed ")))
	})
})
