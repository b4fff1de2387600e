package migration

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/rule"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/test/leak"
)

const (
	adminNamespace = "kube-system"
	// pairReady leads to the destination; pairStuck never answers.
	pairReady = "destination"
	pairStuck = "stuck"
)

var (
	sourceCluster, destinationCluster *localcluster.Cluster
	// here and there are clients of the source and the destination.
	here, there client.WithWatch
	// reconciler is the one that the manager runs.
	reconciler *Reconciler
	// requests counts what the manager sends to the source, events excepted, and how often it turns to the destination.
	requests atomic.Int64
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { leak.Main(m) }

func TestMigration(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "Migration controller")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	clusters, err := localcluster.StartAll(ctx, localcluster.Options{Name: "source"}, localcluster.Options{Name: "destination"})
	Expect(err).NotTo(HaveOccurred())
	sourceCluster, destinationCluster = clusters[0], clusters[1]
	for _, cluster := range clusters {
		DeferCleanup(cluster.Stop)
	}
	Expect(localgodwit.InstallCRDs(sourceCluster.Config(), "../../..")).To(Succeed())
	here, err = localgodwit.Client(sourceCluster.Config())
	Expect(err).NotTo(HaveOccurred())
	there, err = localgodwit.Client(destinationCluster.Config())
	Expect(err).NotTo(HaveOccurred())
	startManager()
})

// startManager runs the reconciler in a manager for as long as the suite.
func startManager() {
	ownOperator, err := labels.NewRequirement(labelOwnOperator, selection.DoesNotExist, nil)
	Expect(err).NotTo(HaveOccurred())
	mgr, err := ctrl.NewManager(countedConfig(), ctrl.Options{
		Scheme: localgodwit.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{
			ReaderFailOnMissingInformer: true,
			// Migrations with the label are left to the operators that specs start themselves.
			ByObject: map[client.Object]cache.ByObject{&storkv1alpha1.Migration{}: {Label: labels.NewSelector().Add(*ownOperator)}},
		},
	})
	Expect(err).NotTo(HaveOccurred())
	reconciler = newReconciler(mgr)
	Expect(reconciler.SetupWithManager(mgr, prometheus.NewRegistry(), controller.Options{})).To(Succeed())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		defer GinkgoRecover()
		ended <- mgr.Start(ctx)
	}()
	DeferCleanup(func() {
		stop()
		Eventually(ended).Should(Receive(Not(HaveOccurred())))
	})
}

// countedConfig leads to the source and counts.
func countedConfig() *rest.Config {
	config := sourceCluster.Config()
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return countedRequests(func(request *http.Request) (*http.Response, error) {
			if !strings.Contains(request.URL.Path, "/events") {
				requests.Add(1)
			}
			return next.RoundTrip(request)
		})
	})
	return config
}

type countedRequests func(*http.Request) (*http.Response, error)

func (r countedRequests) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func newReconciler(mgr ctrl.Manager) *Reconciler {
	dynamicClient, err := dynamic.NewForConfig(countedConfig())
	Expect(err).NotTo(HaveOccurred())
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(countedConfig())
	Expect(err).NotTo(HaveOccurred())
	rules, err := rule.NewRunner(countedConfig(), clock.RealClock{}, rule.Options{})
	Expect(err).NotTo(HaveOccurred())
	return &Reconciler{
		Client:   mgr.GetClient(),
		Live:     mgr.GetAPIReader(),
		Source:   Source{Dynamic: dynamicClient, Discovery: discoveryClient},
		Clusters: stuckOrReal{remote.NewPool(mgr.GetAPIReader(), remote.Options{})},
		Volumes:  &volume.Registry{},
		Rules:    rules,
		Recorder: mgr.GetEventRecorder("godwit"),
		Clock:    clock.RealClock{},
		Options: Options{
			AdminNamespace: adminNamespace, PendingDeadline: time.Hour, RunDeadline: time.Hour, MaxRuns: 10,
		},
	}
}

// stuckOrReal stands for a cluster that does not answer: connecting to pairStuck waits until the run is cancelled.
type stuckOrReal struct{ real *remote.Pool }

func (c stuckOrReal) Get(ctx context.Context, pair *storkv1alpha1.ClusterPair) (*remote.Cluster, error) {
	requests.Add(1)
	if pair.Name == pairStuck {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.real.Get(ctx, pair)
}

// newNamespace makes a namespace with both pairs in it, and returns its name.
func newNamespace(ctx context.Context) string {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "app-"}}
	Expect(here.Create(ctx, namespace)).To(Succeed())
	for _, name := range []string{pairReady, pairStuck} {
		createPair(ctx, namespace.Name, name)
	}
	return namespace.Name
}

// createPair makes a ClusterPair that is Ready; its own controller does not run here.
func createPair(ctx context.Context, namespace, name string) {
	config, err := localgodwit.PairConfig(destinationCluster.Kubeconfig())
	Expect(err).NotTo(HaveOccurred())
	pair := &storkv1alpha1.ClusterPair{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       storkv1alpha1.ClusterPairSpec{Config: &runtime.RawExtension{Raw: config}},
	}
	Expect(here.Create(ctx, pair)).To(Succeed())
	pair.Status.SchedulerStatus = storkv1alpha1.ClusterPairStatusReady
	Expect(here.Status().Update(ctx, pair)).To(Succeed())
}

// newMigration returns a Migration of one namespace's objects. It is not created yet.
func newMigration(namespace, name string) *storkv1alpha1.Migration {
	return &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: storkv1alpha1.MigrationSpec{
			ClusterPair: pairReady, Namespaces: []string{namespace}, IncludeVolumes: new(false),
		},
	}
}

// migrate creates a Migration and returns it when it is Final.
func migrate(ctx context.Context, migration *storkv1alpha1.Migration) *storkv1alpha1.Migration {
	GinkgoHelper()
	Expect(here.Create(ctx, migration)).To(Succeed())
	Eventually(func(g Gomega) {
		g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), succeededMessage(migration))
	}).Should(Succeed())
	return migration
}

// pendingMessage returns why a Migration waits, when it does.
func pendingMessage(ctx context.Context, migration *storkv1alpha1.Migration) func(Gomega) string {
	return func(g Gomega) string {
		g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		g.Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusPending))
		return succeededMessage(migration)
	}
}

func succeededMessage(migration *storkv1alpha1.Migration) string {
	condition := apimeta.FindStatusCondition(migration.Status.Conditions, storkv1alpha1.ConditionSucceeded)
	if condition == nil {
		return ""
	}
	return condition.Reason + ": " + condition.Message
}

// outcomes tells what became of each object, by "Kind name".
func outcomes(migration *storkv1alpha1.Migration) map[string]string {
	found := map[string]string{}
	for _, info := range migration.Status.Resources {
		found[fmt.Sprintf("%s %s", info.Kind, info.Name)] = info.Action
	}
	return found
}
