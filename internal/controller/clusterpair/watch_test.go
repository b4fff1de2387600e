package clusterpair

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// With an interval of an hour, whatever happens here happens because of a watch.
var _ = Describe("A running manager", func() {
	var b *bench
	BeforeEach(func(ctx SpecContext) {
		mgr := newManager()
		b = unregistered(ctx, mgr)
		b.Clock = clock.RealClock{}
		b.Options.ProbeInterval = time.Hour
		Expect(b.SetupWithManager(ctx, mgr, b.registry, controller.Options{SkipNameValidation: new(true), MaxConcurrentReconciles: 4})).To(Succeed())
		start(mgr)
	})

	eventually := func(ctx context.Context, pair *storkv1alpha1.ClusterPair, want string) {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(pair), pair)).To(Succeed())
			g.Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal(want))
		}).Should(Succeed())
	}

	It("probes when a pair is created and when its spec changes", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		eventually(ctx, pair, "True/Ready")
		pair.Spec.Config.Raw = []byte(`{"current-context":""}`)
		Expect(admin.Update(ctx, pair)).To(Succeed())
		eventually(ctx, pair, "False/CredentialInvalid")
	})

	It("probes when the Secret changes", func(ctx SpecContext) {
		b.putSecret(ctx, destination.Kubeconfig())
		pair := b.create(ctx, secretRef())
		eventually(ctx, pair, "True/Ready")
		b.putSecret(ctx, []byte("{}"))
		eventually(ctx, pair, "False/CredentialInvalid")
		b.putSecret(ctx, destination.Kubeconfig())
		eventually(ctx, pair, "True/Ready")
	})

	It("lets a pair go when the last Migration over it has ended", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		eventually(ctx, pair, "True/Ready")
		running := &storkv1alpha1.Migration{
			ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "run"},
			Spec:       storkv1alpha1.MigrationSpec{ClusterPair: pair.Name, Namespaces: []string{b.namespace}},
		}
		Expect(b.Client.Create(ctx, running)).To(Succeed())
		deleted := running.DeepCopy()
		deleted.ObjectMeta = metav1.ObjectMeta{Namespace: b.namespace, Name: "deleted"}
		Expect(b.Client.Create(ctx, deleted)).To(Succeed())

		Expect(admin.Delete(ctx, pair)).To(Succeed())
		eventually(ctx, pair, "False/InUse")
		Expect(admin.Delete(ctx, deleted)).To(Succeed())
		running.Status.Stage = storkv1alpha1.MigrationStageFinal
		Expect(admin.Status().Update(ctx, running)).To(Succeed())
		Eventually(func() error { return admin.Get(ctx, client.ObjectKeyFromObject(pair), pair) }).Should(MatchError(ContainSubstring("not found")))
	})
})
