package migrationschedule

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// Nothing here is due for long, so whatever happens does because of a watch.
var _ = Describe("A running manager", func() {
	var f *fixture
	BeforeEach(func(ctx SpecContext) {
		f = newFixture(ctx)
		mgr, err := ctrl.NewManager(source.Config(), ctrl.Options{Scheme: localgodwit.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}})
		Expect(err).NotTo(HaveOccurred())
		r := *f.reconciler
		r.Client, r.Live, r.Clock = mgr.GetClient(), mgr.GetAPIReader(), clock.RealClock{}
		Expect(r.SetupWithManager(ctx, mgr, prometheus.NewRegistry(), controller.Options{SkipNameValidation: new(true)})).To(Succeed())
		running, stop := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan error)
		go func() { ended <- mgr.Start(running) }()
		DeferCleanup(func() {
			stop()
			Expect(<-ended).To(Succeed())
		})
	})

	eventually := func(ctx context.Context, reason string) *object {
		GinkgoHelper()
		var s *object
		Eventually(func(g Gomega) {
			s = f.read(ctx)
			g.Expect(ready(s)).To(HaveField("Reason", reason))
		}).WithTimeout(time.Minute).Should(Succeed())
		return s
	}
	shared := func(item storkv1alpha1.SchedulePolicyItem) *storkv1alpha1.SchedulePolicy {
		return &storkv1alpha1.SchedulePolicy{ObjectMeta: metav1.ObjectMeta{Name: f.namespace}, Policy: item}
	}

	It("looks when a policy comes, is changed and goes, of the cluster or of the namespace", func(ctx SpecContext) {
		f.schedule(ctx, func(s *object) { s.Spec.SchedulePolicyName = f.namespace })
		eventually(ctx, storkv1alpha1.ReasonInvalidPolicy)
		policy := shared(storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: "1:00AM"}})
		Expect(here.Create(ctx, policy)).To(Succeed())
		Expect(eventually(ctx, storkv1alpha1.ReasonScheduled).Status.NextRunTime.UTC().Hour()).To(Equal(1))
		policy.Policy.Daily.Time = "2:00AM"
		Expect(here.Update(ctx, policy)).To(Succeed())
		Eventually(func() int { return f.read(ctx).Status.NextRunTime.UTC().Hour() }).Should(Equal(2))
		own := &storkv1alpha1.NamespacedSchedulePolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: f.namespace},
			Policy:     storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: "3:00AM"}},
		}
		Expect(here.Create(ctx, own)).To(Succeed())
		Eventually(func() int { return f.read(ctx).Status.NextRunTime.UTC().Hour() }).Should(Equal(3))
		Expect(here.Delete(ctx, own)).To(Succeed())
		Eventually(func() int { return f.read(ctx).Status.NextRunTime.UTC().Hour() }).Should(Equal(2))
		Expect(here.Delete(ctx, policy)).To(Succeed())
		eventually(ctx, storkv1alpha1.ReasonInvalidPolicy)
	})

	It("looks when the pair has become ready, and when a Migration has ended", func(ctx SpecContext) {
		f.setPair(ctx, "remote", storkv1alpha1.ClusterPairStatusPending)
		f.policy(ctx, every(30, 0))
		f.schedule(ctx)
		eventually(ctx, storkv1alpha1.ReasonCopyFailed)
		f.setPair(ctx, "remote", storkv1alpha1.ClusterPairStatusReady)
		eventually(ctx, storkv1alpha1.ReasonRunning)
		Eventually(func() []storkv1alpha1.Migration { return f.migrations(ctx) }).Should(HaveLen(1))
		f.finish(ctx, successful)
		s := eventually(ctx, storkv1alpha1.ReasonScheduled)
		Expect(s.Status.LastSuccessTime).NotTo(BeNil())
	})

	It("looks when a schedule is labelled or annotated", func(ctx SpecContext) {
		f.policy(ctx, storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: "1:00AM"}})
		f.schedule(ctx)
		eventually(ctx, storkv1alpha1.ReasonScheduled)
		for _, change := range []func(*object){
			func(s *object) { s.Labels = map[string]string{"tier": "one"} },
			func(s *object) { s.Annotations["team"] = "bakery" },
		} {
			var changed *object
			Eventually(func() error {
				changed = f.read(ctx)
				change(changed)
				return here.Update(ctx, changed)
			}).Should(Succeed())
			Eventually(func(g Gomega) {
				copied := f.copied(ctx)
				g.Expect(copied.Labels).To(Equal(changed.Labels))
				g.Expect(copied.Annotations).To(HaveKeyWithValue("team", changed.Annotations["team"]))
			}).Should(Succeed())
		}
	})
})
