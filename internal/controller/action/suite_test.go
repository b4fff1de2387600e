package action

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/controller/migration"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/rule"
	"github.com/godwit-io/godwit/internal/volume"
)

const adminNamespace = "kube-system"

// side is one of the two clusters, with Godwit's Migration controller in it.
type side struct {
	*localcluster.Cluster
	client.WithWatch
	// blind has nobody look after Migrations and schedules, as if there were no operator.
	blind atomic.Bool
}

// watched reads nothing for an operator that is not there.
type watched struct {
	client.Reader
	blind *atomic.Bool
}

func (w watched) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if w.blind.Load() {
		return errDead
	}
	return w.Reader.Get(ctx, key, object, options...)
}

// primary is where applications are at first, secondary where they are failed over to.
var primary, secondary *side

func TestActions(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Actions")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	clusters, err := localcluster.StartAll(ctx, localcluster.Options{Name: "primary"}, localcluster.Options{Name: "secondary"})
	for _, cluster := range clusters {
		DeferCleanup(cluster.Stop)
	}
	Expect(err).NotTo(HaveOccurred())
	primary, secondary = startSide(ctx, clusters[0]), startSide(ctx, clusters[1])
})

// startSide installs what both clusters have, and runs the Migration controller.
func startSide(ctx context.Context, cluster *localcluster.Cluster) *side {
	Expect(localgodwit.InstallCRDs(cluster.Config(), "../../..")).To(Succeed())
	_, err := envtest.InstallCRDs(cluster.Config(), envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{
		definition("databases", "Database"), definition("caches", "Cache"),
	}})
	Expect(err).NotTo(HaveOccurred())
	c, err := localgodwit.Client(cluster.Config())
	Expect(err).NotTo(HaveOccurred())
	Expect(c.Create(ctx, &storkv1alpha1.ApplicationRegistration{ObjectMeta: metav1.ObjectMeta{Name: "apps"}, Resources: []storkv1alpha1.ApplicationResource{
		{Group: "apps.example.com", Version: "v1", Kind: "Database", SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.size", Type: "int"}},
		{Group: "apps.example.com", Version: "v1", Kind: "Cache", StashStrategy: storkv1alpha1.StashStrategy{StashCR: true}},
	}})).To(Succeed())
	s := &side{Cluster: cluster, WithWatch: c}
	startMigrations(s)
	s.seeSchedules()
	return s
}

// seeSchedules notes on schedules that their suspension was seen, as an operator does at once. Whatever else an operator does about
// them is up to each test; see fixture.look.
func (s *side) seeSchedules() {
	ctx, stop := context.WithCancel(context.Background())
	watch, err := s.Watch(ctx, &storkv1alpha1.MigrationScheduleList{})
	Expect(err).NotTo(HaveOccurred())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for event := range watch.ResultChan() {
			schedule, ok := event.Object.(*storkv1alpha1.MigrationSchedule)
			if !ok || s.blind.Load() || schedule.Status.ObservedGeneration == 0 || schedule.Spec.Suspend == nil || !*schedule.Spec.Suspend {
				continue
			}
			seen := fmt.Appendf(nil, `{"status":{"observedGeneration":%d}}`, schedule.Generation)
			_ = s.Status().Patch(ctx, schedule, client.RawPatch(types.MergePatchType, seen)) // Whoever waits for it finds out.
		}
	}()
	DeferCleanup(func() {
		stop()
		watch.Stop()
		<-ended
	})
}

func startMigrations(s *side) {
	mgr, err := ctrl.NewManager(s.Config(), ctrl.Options{Scheme: localgodwit.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}})
	Expect(err).NotTo(HaveOccurred())
	objects, err := dynamic.NewForConfig(s.Config())
	Expect(err).NotTo(HaveOccurred())
	kinds, err := discovery.NewDiscoveryClientForConfig(s.Config())
	Expect(err).NotTo(HaveOccurred())
	rules, err := rule.NewRunner(s.Config(), clock.RealClock{}, rule.Options{})
	Expect(err).NotTo(HaveOccurred())
	reconciler := &migration.Reconciler{
		Client: mgr.GetClient(), Live: watched{mgr.GetAPIReader(), &s.blind}, Source: migration.Source{Dynamic: objects, Discovery: kinds},
		Clusters: remote.NewPool(mgr.GetAPIReader(), remote.Options{}), Volumes: &volume.Registry{}, Rules: rules,
		Recorder: mgr.GetEventRecorder("godwit"), Clock: clock.RealClock{},
		Options: migration.Options{AdminNamespace: adminNamespace, PendingDeadline: time.Hour, RunDeadline: time.Hour, MaxRuns: 10},
	}
	Expect(reconciler.SetupWithManager(mgr, prometheus.NewRegistry(), controller.Options{SkipNameValidation: new(true)})).To(Succeed())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	DeferCleanup(func() {
		stop()
		Eventually(ended).Should(Receive(Not(HaveOccurred())))
	})
}

// definition is that of a kind which takes any fields.
func definition(plural, kind string) *apiextensionsv1.CustomResourceDefinition {
	any := &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: new(true)}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: plural + ".apps.example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "apps.example.com", Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Singular: plural[:len(plural)-1], Kind: kind, ListKind: kind + "List"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: any},
			}},
		},
	}
}
