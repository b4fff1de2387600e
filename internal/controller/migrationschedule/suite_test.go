package migrationschedule

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/test/leak"
)

var (
	source, destination *localcluster.Cluster
	// bare is a destination without CRDs.
	bare *localcluster.Cluster
	// here and there are clients of the source and of the destination.
	here, there client.WithWatch
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { leak.Main(m) }

func TestMigrationSchedules(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "MigrationSchedules")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	clusters, err := localcluster.StartAll(ctx, localcluster.Options{Name: "source", Progress: GinkgoWriter},
		localcluster.Options{Name: "destination"}, localcluster.Options{Name: "bare"})
	for _, cluster := range clusters {
		DeferCleanup(cluster.Stop)
	}
	Expect(err).NotTo(HaveOccurred())
	source, destination, bare = clusters[0], clusters[1], clusters[2]
	for _, cluster := range clusters[:2] {
		Expect(localgodwit.InstallCRDs(cluster.Config(), "../../..")).To(Succeed())
	}
	here, err = localgodwit.Client(source.Config())
	Expect(err).NotTo(HaveOccurred())
	there, err = localgodwit.Client(destination.Config())
	Expect(err).NotTo(HaveOccurred())
})

// fixture is a namespace with a reconciler, which a test calls itself, and a clock that stands still.
type fixture struct {
	namespace  string
	reconciler *Reconciler
	clock      *clocktesting.FakePassiveClock
	recorder   *events.FakeRecorder
}

// newFixture makes a namespace with a ClusterPair "remote" that is Ready.
func newFixture(ctx context.Context) *fixture {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "scheduled-"}}
	Expect(here.Create(ctx, namespace)).To(Succeed())
	f := &fixture{
		namespace: namespace.Name, recorder: events.NewFakeRecorder(100),
		clock: clocktesting.NewFakePassiveClock(time.Now().Truncate(time.Second)),
	}
	metrics, err := newMetrics(prometheus.NewRegistry())
	Expect(err).NotTo(HaveOccurred())
	f.reconciler = &Reconciler{metrics: metrics,
		Client: here, Live: here, Clusters: remote.NewPool(here, remote.Options{}), Recorder: f.recorder, Clock: f.clock,
		Options: Options{AdminNamespace: "kube-system", CatchUp: 24 * time.Hour},
	}
	f.pair(ctx, "remote", destination.Kubeconfig())
	return f
}

// pair makes a ClusterPair that is Ready.
func (f *fixture) pair(ctx context.Context, name string, kubeconfig []byte) {
	GinkgoHelper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name}, Data: map[string][]byte{"kubeconfig": kubeconfig},
	}
	Expect(here.Create(ctx, secret)).To(Succeed())
	Expect(here.Create(ctx, &storkv1alpha1.ClusterPair{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name},
		Spec:       storkv1alpha1.ClusterPairSpec{KubeconfigSecretRef: &storkv1alpha1.KubeconfigSecretRef{Name: name}},
	})).To(Succeed())
	f.setPair(ctx, name, storkv1alpha1.ClusterPairStatusReady)
}

// setPair writes what its controller would say of a ClusterPair.
func (f *fixture) setPair(ctx context.Context, name string, status storkv1alpha1.ClusterPairStatusType) {
	GinkgoHelper()
	pair := &storkv1alpha1.ClusterPair{}
	Expect(here.Get(ctx, client.ObjectKey{Namespace: f.namespace, Name: name}, pair)).To(Succeed())
	pair.Status.SchedulerStatus = status
	Expect(here.Status().Update(ctx, pair)).To(Succeed())
}

// policy makes a NamespacedSchedulePolicy "policy".
func (f *fixture) policy(ctx context.Context, item storkv1alpha1.SchedulePolicyItem) {
	GinkgoHelper()
	Expect(here.Create(ctx, &storkv1alpha1.NamespacedSchedulePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "policy"}, Policy: item,
	})).To(Succeed())
}

// schedule makes a MigrationSchedule "dr" by that policy.
func (f *fixture) schedule(ctx context.Context, changes ...func(*storkv1alpha1.MigrationSchedule)) {
	GinkgoHelper()
	schedule := &storkv1alpha1.MigrationSchedule{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "dr", Annotations: map[string]string{"team": "shop"}},
		Spec: storkv1alpha1.MigrationScheduleSpec{
			SchedulePolicyName: "policy",
			AutoSuspend:        true,
			Template: storkv1alpha1.MigrationTemplateSpec{Spec: storkv1alpha1.MigrationSpec{
				ClusterPair: "remote", Namespaces: []string{f.namespace}, IncludeVolumes: new(false),
			}},
		},
	}
	for _, change := range changes {
		change(schedule)
	}
	Expect(here.Create(ctx, schedule)).To(Succeed())
}

func (f *fixture) key() client.ObjectKey { return client.ObjectKey{Namespace: f.namespace, Name: "dr"} }

// reconcile looks at the schedule until it is at rest, and returns it with what came out of the last look.
func (f *fixture) reconcile(ctx context.Context) (*storkv1alpha1.MigrationSchedule, ctrl.Result) {
	GinkgoHelper()
	var result ctrl.Result
	version := ""
	for range 10 {
		var err error
		result, err = f.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: f.key()})
		Expect(err).NotTo(HaveOccurred())
		schedule := f.read(ctx)
		if schedule.ResourceVersion == version {
			return schedule, result
		}
		version = schedule.ResourceVersion
	}
	Fail("the schedule does not come to rest")
	return nil, result
}

// look is one look at the schedule.
func (f *fixture) look(ctx context.Context) error {
	_, err := f.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: f.key()})
	return err
}

func (f *fixture) read(ctx context.Context) *storkv1alpha1.MigrationSchedule {
	GinkgoHelper()
	schedule := &storkv1alpha1.MigrationSchedule{}
	Expect(client.IgnoreNotFound(here.Get(ctx, f.key(), schedule))).To(Succeed())
	return schedule
}

// setPolicy changes the policy.
func (f *fixture) setPolicy(ctx context.Context, item storkv1alpha1.SchedulePolicyItem) {
	GinkgoHelper()
	policy := &storkv1alpha1.NamespacedSchedulePolicy{}
	Expect(here.Get(ctx, client.ObjectKey{Namespace: f.namespace, Name: "policy"}, policy)).To(Succeed())
	policy.Policy = item
	Expect(here.Update(ctx, policy)).To(Succeed())
}

// edit changes the schedule as a user would.
func (f *fixture) edit(ctx context.Context, change func(*storkv1alpha1.MigrationSchedule)) {
	GinkgoHelper()
	schedule := f.read(ctx)
	change(schedule)
	Expect(here.Update(ctx, schedule)).To(Succeed())
}

// copied returns the copy at the destination; nil if there is none.
func (f *fixture) copied(ctx context.Context) *storkv1alpha1.MigrationSchedule {
	GinkgoHelper()
	schedule := &storkv1alpha1.MigrationSchedule{}
	err := there.Get(ctx, f.key(), schedule)
	if client.IgnoreNotFound(err) == nil && err != nil {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return schedule
}

// activate tells the copy whether the applications run at the destination.
func (f *fixture) activate(ctx context.Context, activated bool) {
	GinkgoHelper()
	copied := f.copied(ctx)
	copied.Status.ApplicationActivated = activated
	Expect(there.Status().Update(ctx, copied)).To(Succeed())
}

// migrations returns those of the schedule by name.
func (f *fixture) migrations(ctx context.Context) []storkv1alpha1.Migration {
	GinkgoHelper()
	list := &storkv1alpha1.MigrationList{}
	Expect(here.List(ctx, list, client.InNamespace(f.namespace))).To(Succeed())
	return list.Items
}

// finish ends the Migration that runs.
func (f *fixture) finish(ctx context.Context, status storkv1alpha1.MigrationStatusType) {
	GinkgoHelper()
	for _, migration := range f.migrations(ctx) {
		if migration.Status.Stage == storkv1alpha1.MigrationStageFinal {
			continue
		}
		migration.Status.Stage, migration.Status.Status = storkv1alpha1.MigrationStageFinal, status
		migration.Status.FinishTimestamp = new(metav1.NewTime(f.clock.Now()))
		Expect(here.Status().Update(ctx, &migration)).To(Succeed())
	}
}

// pass lets time go by.
func (f *fixture) pass(duration time.Duration) { f.clock.SetTime(f.clock.Now().Add(duration)) }

func (f *fixture) namespaceThere() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: f.namespace}}
}
