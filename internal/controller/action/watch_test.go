package action

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// manage runs a manager in the secondary that looks after the Actions of the fixture.
func (f *fixture) manage(ctx context.Context) {
	GinkgoHelper()
	mgr, err := ctrl.NewManager(secondary.Config(), ctrl.Options{
		Scheme: localgodwit.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{f.home: {}}},
	})
	Expect(err).NotTo(HaveOccurred())
	r := f.operator()
	r.Client, r.Live = mgr.GetClient(), mgr.GetAPIReader()
	Expect(r.SetupWithManager(mgr, controller.Options{SkipNameValidation: new(true), MaxConcurrentReconciles: 4})).To(Succeed())
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error)
	go func() { ended <- mgr.Start(running) }()
	DeferCleanup(func() {
		stop()
		Expect(<-ended).To(Succeed())
	})
}

// eventually waits for an Action to be as it should be.
func eventually(ctx context.Context, action *storkv1alpha1.Action, should func(Gomega)) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(secondary.Get(ctx, client.ObjectKeyFromObject(action), action)).To(Succeed())
		should(g)
	}).Should(Succeed())
}

// An Action that waits for another one has no timer, so whatever happens to it does because of a watch.
var _ = Describe("A running manager", func() {
	var (
		f             *fixture
		first, second *storkv1alpha1.Action
	)
	// The first Action waits for a Migration, and the second one for the first.
	BeforeEach(func(ctx SpecContext) {
		f = newFixture(ctx, 1)
		f.hold(ctx)
		f.manage(ctx)
		first = f.failover(ctx)
		eventually(ctx, first, func(g Gomega) {
			g.Expect(succeeded(first).reason).To(Equal(storkv1alpha1.ReasonWaitingForMigration))
		})
		second = f.failover(ctx)
		eventually(ctx, second, func(g Gomega) {
			g.Expect(succeeded(second)).To(Equal(condition{storkv1alpha1.ReasonWaitingForAction, "waits for failover " + f.home + "/" + first.Name}))
		})
	})

	successful := func(ctx context.Context, action *storkv1alpha1.Action) {
		GinkgoHelper()
		eventually(ctx, action, func(g Gomega) {
			g.Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusSuccessful), action.Status.Reason)
			g.Expect(action.Finalizers).To(BeEmpty())
		})
	}

	It("leads an Action to its end, and then the one that waited for it", func(ctx SpecContext) {
		f.release(ctx)
		successful(ctx, first)
		successful(ctx, second)
		Expect(second.Status.Reason).To(Equal("the applications are active already: nothing was to be done"))
		Expect(second.Status.FinishTimestamp.Before(first.Status.FinishTimestamp)).To(BeFalse())
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(stopped(true)))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
		Expect(f.lastMiles(ctx, primary)).To(HaveLen(1))
	})

	It("rolls an Action back that is deleted, and then begins the one that waited for it", func(ctx SpecContext) {
		Expect(secondary.Delete(ctx, first)).To(Succeed())
		eventually(ctx, second, func(g Gomega) { g.Expect(begun(second)).To(BeTrue()) })
		Eventually(func() bool { return absent(secondary.Get(ctx, client.ObjectKeyFromObject(first), first)) }).Should(BeTrue())
		f.release(ctx)
		successful(ctx, second)
		Expect(second.Status.Reason).To(BeEmpty(), "the first one has done nothing")
	})

	It("begins an Action whose predecessor vanishes without an end", func(ctx SpecContext) {
		Eventually(func() error {
			if err := secondary.Get(ctx, client.ObjectKeyFromObject(first), first); err != nil {
				return client.IgnoreNotFound(err)
			}
			first.Finalizers = nil
			return errors.Join(secondary.Delete(ctx, first), secondary.Update(ctx, first))
		}).Should(Succeed())
		eventually(ctx, second, func(g Gomega) { g.Expect(begun(second)).To(BeTrue()) })
		f.release(ctx)
		successful(ctx, second)
	})

})

var _ = Describe("The end of an Action", func() {
	It("brings back no others as long as they cannot be listed", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		ended, waits := f.failover(ctx), f.failover(ctx)
		operator := f.operator()
		Expect(operator.waiting(ctx, ended)).To(ContainElement(HaveField("Name", waits.Name)))
		operator.Client = interceptor.NewClient(secondary, interceptor.Funcs{
			List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
				return errors.New("the cache has ended")
			},
		})
		Expect(operator.waiting(ctx, ended)).To(BeEmpty())
	})
})
