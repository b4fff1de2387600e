package clusterpair

import (
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/internal/volume"
)

var _ = Describe("A deleted ClusterPair", func() {
	var b *bench
	BeforeEach(func(ctx SpecContext) { b = newBench(ctx) })

	gone := func(ctx SpecContext, object client.Object) bool {
		GinkgoHelper()
		err := admin.Get(ctx, client.ObjectKeyFromObject(object), object)
		Expect(client.IgnoreNotFound(err)).To(Succeed())
		return apierrors.IsNotFound(err)
	}
	// remove deletes the pair and makes the pass that follows.
	remove := func(ctx SpecContext, pair *storkv1alpha1.ClusterPair) time.Duration {
		GinkgoHelper()
		Expect(b.Client.Delete(ctx, pair)).To(Succeed())
		return b.pass(ctx, pair, time.Second)
	}
	migration := func(ctx SpecContext, namespace string, spec storkv1alpha1.MigrationSpec) *storkv1alpha1.Migration {
		GinkgoHelper()
		spec.Namespaces = []string{namespace}
		m := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "run-"}, Spec: spec}
		Expect(b.Client.Create(ctx, m)).To(Succeed())
		return m
	}
	moveTo := func(ctx SpecContext, m *storkv1alpha1.Migration, stage storkv1alpha1.MigrationStageType) {
		GinkgoHelper()
		m.Status.Stage = stage
		Expect(b.Client.Status().Update(ctx, m)).To(Succeed())
	}

	It("is gone at once when nothing uses it", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		b.pass(ctx, pair, 0)
		before, err := b.pool.Get(ctx, pair)
		Expect(err).NotTo(HaveOccurred())
		remove(ctx, pair)
		Expect(gone(ctx, pair)).To(BeTrue())
		Expect(testutil.CollectAndCount(b.registry)).To(BeZero(), "metrics of a pair that is gone")
		after, err := b.pool.Get(ctx, pair)
		Expect(err).NotTo(HaveOccurred())
		Expect(after).NotTo(BeIdenticalTo(before), "the client was kept")
	})

	It("is forgotten where its finalizer was taken off by somebody else", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		b.pass(ctx, pair, 0)
		pair.Finalizers = nil
		Expect(b.Client.Update(ctx, pair)).To(Succeed())
		Expect(b.Client.Delete(ctx, pair)).To(Succeed())
		b.pass(ctx, pair, time.Second)
		Expect(testutil.CollectAndCount(b.registry)).To(BeZero())
	})

	It("stays while a Migration runs over it", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.pass(ctx, pair, 0)
		running := migration(ctx, b.namespace, storkv1alpha1.MigrationSpec{ClusterPair: pair.Name})
		moveTo(ctx, running, storkv1alpha1.MigrationStageApplications)
		ended := migration(ctx, b.namespace, storkv1alpha1.MigrationSpec{ClusterPair: pair.Name})
		moveTo(ctx, ended, storkv1alpha1.MigrationStageFinal)
		migration(ctx, b.namespace, storkv1alpha1.MigrationSpec{ClusterPair: "another"})
		b.told()

		Expect(remove(ctx, pair)).To(BeZero(), "the end of the Migration is watched")
		Expect(gone(ctx, pair)).To(BeFalse())
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/InUse"))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(HaveSuffix(": " + b.namespace + "/" + running.Name))
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusReady), "the Migration needs it")
		Expect(b.told()).To(ConsistOf(HavePrefix("Warning Deleting Cluster Pair delete failed: it is in use")))
		b.pass(ctx, pair, time.Minute)
		Expect(b.told()).To(BeEmpty())
		Expect(b.calls("Unpair")).To(BeZero())

		moveTo(ctx, running, storkv1alpha1.MigrationStageFinal)
		b.pass(ctx, pair, time.Second)
		Expect(gone(ctx, pair)).To(BeTrue())
		Expect(b.calls("Unpair")).To(Equal(1))
	})

	It("stays while a Migration of another namespace runs over it as its admin pair", func(ctx SpecContext) {
		tenant := b.namespace
		local := b.pairTo(ctx, destination.Kubeconfig(), nil)
		b.namespace = adminNamespace
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		b.pass(ctx, pair, 0)
		running := migration(ctx, tenant, storkv1alpha1.MigrationSpec{ClusterPair: local.Name, AdminClusterPair: pair.Name})

		remove(ctx, pair)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/InUse"))
		Expect(b.Client.Delete(ctx, running)).To(Succeed())
		b.pass(ctx, pair, time.Second)
		Expect(gone(ctx, pair)).To(BeTrue())
	})

	It("goes although the other cluster is gone", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		b.pass(ctx, pair, 0)
		Expect(destination.StopProcess(localcluster.APIServer)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { startAgain(ctx) })
		remove(ctx, pair)
		Expect(gone(ctx, pair)).To(BeTrue())
	})

	It("goes although its kubeconfig is malformed", func(ctx SpecContext) {
		pair := b.create(ctx, secretRef())
		b.pass(ctx, pair, 0)
		remove(ctx, pair)
		Expect(gone(ctx, pair)).To(BeTrue())
	})

	It("has its storage unpaired unless another pair shares it", func(ctx SpecContext) {
		first := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		second := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.pass(ctx, first, 0)
		b.pass(ctx, second, 0)
		remove(ctx, first)
		Expect(gone(ctx, first)).To(BeTrue())
		Expect(b.driver.Paired("storage-at-"+b.namespace)).To(BeTrue(), "the second pair uses it")
		remove(ctx, second)
		Expect(gone(ctx, second)).To(BeTrue())
		Expect(b.driver.Paired("storage-at-" + b.namespace)).To(BeFalse())
	})

	It("has its storage unpaired where the pair that shares it is deleted as well", func(ctx SpecContext) {
		first := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		second := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.pass(ctx, first, 0)
		b.pass(ctx, second, 0)
		Expect(b.Client.Delete(ctx, second)).To(Succeed())
		remove(ctx, first)
		Expect(b.driver.Paired("storage-at-" + b.namespace)).To(BeFalse())
	})

	It("stays until its storage is unpaired", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.pass(ctx, pair, 0)
		b.told()
		b.driver.Fail("Unpair", errors.New("port 9001 is closed"))
		Expect(remove(ctx, pair)).To(Equal(minRetryDelay))
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusDeleting))
		Expect(pair.Status.StorageStatus).To(Equal(storkv1alpha1.ClusterPairStatusDeleting))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(Equal("storage could not be unpaired: port 9001 is closed"))
		Expect(b.told()).To(ConsistOf("Warning Deleting Cluster Pair delete failed: storage could not be unpaired: port 9001 is closed"))
		b.pass(ctx, pair, minRetryDelay)
		Expect(b.told()).To(BeEmpty())

		b.driver.Fail("Unpair", nil)
		b.pass(ctx, pair, minRetryDelay)
		Expect(gone(ctx, pair)).To(BeTrue())
	})

	It("goes although its storage driver is not registered any more", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.pass(ctx, pair, 0)
		b.Drivers = &volume.Registry{}
		remove(ctx, pair)
		Expect(gone(ctx, pair)).To(BeTrue())
	})

	DescribeTable("takes its BackupLocation along", func(ctx SpecContext, locationMade, secretMade, shared, wantLocation, wantSecret bool) {
		annotations := func(made bool) map[string]string {
			if made {
				return map[string]string{storkv1alpha1.AnnotationCreatedByStork: "true"}
			}
			return nil
		}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "store", Annotations: annotations(secretMade)}}
		location := &storkv1alpha1.BackupLocation{
			ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "store", Annotations: annotations(locationMade)},
			Location:   storkv1alpha1.BackupLocationItem{Type: storkv1alpha1.BackupLocationS3, SecretConfig: "store"},
		}
		Expect(admin.Create(ctx, secret)).To(Succeed())
		Expect(admin.Create(ctx, location)).To(Succeed())
		options := map[string]string{optionBackupLocation: "store"}
		pair := b.pairTo(ctx, destination.Kubeconfig(), options)
		if shared {
			b.pairTo(ctx, destination.Kubeconfig(), options)
		}
		b.pass(ctx, pair, 0)
		remove(ctx, pair)
		Expect(gone(ctx, pair)).To(BeTrue())
		Expect(gone(ctx, location)).To(Equal(!wantLocation), "BackupLocation gone")
		Expect(gone(ctx, secret)).To(Equal(!wantSecret), "Secret gone")
	},
		Entry("with its Secret where storkctl made both", true, true, false, false, false),
		Entry("without a Secret that somebody else made", true, false, false, false, true),
		Entry("not where somebody else made it", false, true, false, true, true),
		Entry("not where another pair uses it", true, true, true, true, true),
	)

	It("goes although its BackupLocation is gone", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), map[string]string{optionBackupLocation: "nowhere"})
		b.pass(ctx, pair, 0)
		remove(ctx, pair)
		Expect(gone(ctx, pair)).To(BeTrue())
	})

	It("keeps the finalizers of others", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		pair.Finalizers = []string{"example.com/other"}
		Expect(b.Client.Update(ctx, pair)).To(Succeed())
		b.pass(ctx, pair, 0)
		remove(ctx, pair)
		Expect(pair.Finalizers).To(ConsistOf("example.com/other"))
		_, err := b.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(pair)})
		Expect(err).NotTo(HaveOccurred())
	})
})
