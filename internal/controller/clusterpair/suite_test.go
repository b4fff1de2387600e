package clusterpair

import (
	"context"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/fake"
	"github.com/godwit-io/godwit/test/leak"
)

const adminNamespace = "kube-system"

// epoch is when the clocks of the tests start.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var (
	source, destination *localcluster.Cluster
	// admin writes to the source past any cache.
	admin client.Client
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) {
	// A watch of metadata that is stopped while controller-runtime passes an event on leaves the goroutine behind that filters it.
	leak.Main(m, goleak.IgnoreTopFunction("k8s.io/apimachinery/pkg/watch.(*filteredWatch).loop"))
}

func TestClusterPair(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "ClusterPair controller")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	clusters, err := localcluster.StartAll(ctx, localcluster.Options{Name: "source"}, localcluster.Options{Name: "destination"})
	Expect(err).NotTo(HaveOccurred())
	source, destination = clusters[0], clusters[1]
	for _, cluster := range clusters {
		DeferCleanup(cluster.Stop)
	}
	Expect(localgodwit.InstallCRDs(source.Config(), "../../..")).To(Succeed())
	admin, err = localgodwit.Client(source.Config())
	Expect(err).NotTo(HaveOccurred())
})

// bench is a reconciler whose passes the test starts, with what it needs.
type bench struct {
	*Reconciler
	namespace string
	clock     *clocktesting.FakePassiveClock
	driver    *fake.Driver
	events    *events.FakeRecorder
	pool      *remote.Pool
	registry  *prometheus.Registry
}

// newManager returns a manager for the source whose client reads what it wrote.
func newManager() ctrl.Manager {
	mgr, err := ctrl.NewManager(source.Config(), ctrl.Options{
		Scheme:  localgodwit.Scheme(),
		Metrics: metricsserver.Options{BindAddress: "0"},
		Client:  client.Options{Cache: &client.CacheOptions{EnableReadYourWritesConsistency: new(true)}},
	})
	Expect(err).NotTo(HaveOccurred())
	return mgr
}

// start runs a manager until the spec ends.
func start(mgr ctrl.Manager) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		stop()
		Eventually(ended).Should(Receive(Not(HaveOccurred())))
	})
	Expect(mgr.GetCache().WaitForCacheSync(ctx)).To(BeTrue())
}

// newBench has a new namespace and a cache, but no controller: the test calls Reconcile.
func newBench(ctx context.Context) *bench {
	mgr := newManager()
	b := unregistered(ctx, mgr)
	Expect(b.setupMetrics(b.registry)).To(Succeed())
	Expect(b.setupIndexes(ctx, mgr.GetFieldIndexer())).To(Succeed())
	start(mgr)
	return b
}

func unregistered(ctx context.Context, mgr ctrl.Manager) *bench {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "web-"}}
	Expect(admin.Create(ctx, namespace)).To(Succeed())
	b := &bench{
		namespace: namespace.Name,
		clock:     clocktesting.NewFakePassiveClock(epoch),
		driver:    &fake.Driver{},
		events:    events.NewFakeRecorder(100),
		registry:  prometheus.NewRegistry(),
	}
	b.pool = remote.NewPool(mgr.GetAPIReader(), remote.Options{Clock: b.clock})
	drivers := &volume.Registry{}
	Expect(drivers.Register(b.driver)).To(Succeed())
	b.Reconciler = &Reconciler{
		Client:   mgr.GetClient(),
		Live:     mgr.GetAPIReader(),
		Clusters: b.pool,
		Drivers:  drivers,
		Recorder: b.events,
		Clock:    b.clock,
		Options:  Options{AdminNamespace: adminNamespace},
	}
	return b
}

// pass moves the clock, reconciles the pair once and reads it into pair. It returns when the next pass is due.
func (b *bench) pass(ctx context.Context, pair *storkv1alpha1.ClusterPair, after time.Duration) time.Duration {
	GinkgoHelper()
	b.clock.SetTime(b.clock.Now().Add(after))
	result, err := b.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(pair)})
	Expect(err).NotTo(HaveOccurred())
	Expect(client.IgnoreNotFound(admin.Get(ctx, client.ObjectKeyFromObject(pair), pair))).To(Succeed())
	return result.RequeueAfter
}

// told returns the events since it was called last.
func (b *bench) told() []string {
	var all []string
	for {
		select {
		case event := <-b.events.Events:
			all = append(all, event)
		default:
			return all
		}
	}
}

// calls returns how often a method of the driver was called.
func (b *bench) calls(method string) int {
	return len(slices.DeleteFunc(b.driver.Calls(), func(call string) bool { return call != method }))
}

// pairTo makes a pair in the bench's namespace whose kubeconfig is inline.
func (b *bench) pairTo(ctx context.Context, kubeconfig []byte, options map[string]string) *storkv1alpha1.ClusterPair {
	GinkgoHelper()
	config, err := localgodwit.PairConfig(kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	return b.create(ctx, storkv1alpha1.ClusterPairSpec{Config: &runtime.RawExtension{Raw: config}, Options: options})
}

// storage are options that the fake driver pairs with, to a storage that no other bench has.
func (b *bench) storage() map[string]string {
	return map[string]string{"token": "pLaNtEd-s3cr3t", "ip": b.namespace}
}

func (b *bench) create(ctx context.Context, spec storkv1alpha1.ClusterPairSpec) *storkv1alpha1.ClusterPair {
	GinkgoHelper()
	pair := &storkv1alpha1.ClusterPair{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, GenerateName: "pair-"}, Spec: spec}
	Expect(b.Client.Create(ctx, pair)).To(Succeed())
	return pair
}

// putSecret makes or changes the Secret "creds" of the bench's namespace.
func (b *bench) putSecret(ctx context.Context, kubeconfig []byte) {
	GinkgoHelper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "creds"}}
	_, err := ctrl.CreateOrUpdate(ctx, admin, secret, func() error {
		secret.Data = map[string][]byte{"kubeconfig": kubeconfig}
		return nil
	})
	Expect(err).NotTo(HaveOccurred())
}

// secretRef refers to the Secret of putSecret.
func secretRef() storkv1alpha1.ClusterPairSpec {
	return storkv1alpha1.ClusterPairSpec{KubeconfigSecretRef: &storkv1alpha1.KubeconfigSecretRef{Name: "creds"}}
}

// state returns "status/reason" of a condition.
func state(pair *storkv1alpha1.ClusterPair, name string) string {
	if condition := apimeta.FindStatusCondition(pair.Status.Conditions, name); condition != nil {
		return string(condition.Status) + "/" + condition.Reason
	}
	return ""
}

// message returns the message of a condition.
func message(pair *storkv1alpha1.ClusterPair, name string) string {
	if condition := apimeta.FindStatusCondition(pair.Status.Conditions, name); condition != nil {
		return condition.Message
	}
	return ""
}
