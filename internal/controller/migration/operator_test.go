package migration

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/rule"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/fake"
)

// labelOwnOperator keeps the suite's manager away from Migrations that a spec reconciles by operators of its own.
const labelOwnOperator = "own-operator"

// Effects of operators, as a journal tells them. A status write is told as "stage/status".
const (
	effectPre    = "pre-exec rule"
	effectPost   = "post-exec rule"
	effectStart  = "Start"
	effectPoll   = "Status"
	effectCancel = "Cancel"
)

var errCrashed = errors.New("this operator has crashed")

// journal is what operators did, one after the other, and what they did it to.
type journal struct {
	driver *fake.Driver
	// polled is called after each look at the volumes; nil lets all volumes arrive at the second look.
	polled func(*fake.Driver)
	// failing are effects that fail.
	failing map[string]error

	mu      sync.Mutex
	effects []string
	polls   int
}

func newJournal() *journal { return &journal{driver: &fake.Driver{}, failing: map[string]error{}} }

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.effects...)
}

// operator is a Reconciler with a runner, as a manager would run them, that dies when it is told to.
type operator struct {
	*Reconciler
	*journal
	clock *clocktesting.FakeClock
	ctx   context.Context
	kill  context.CancelFunc
	ended chan struct{}

	mu sync.Mutex
	// lives is how many effects the operator has left; negative means that it lives on.
	lives int
	dead  bool
}

// startOperator starts an operator that crashes right after so many effects, or never where lives is negative.
func startOperator(j *journal, lives int) *operator {
	GinkgoHelper()
	ctx, kill := context.WithCancel(context.Background())
	o := &operator{journal: j, clock: clocktesting.NewFakeClock(time.Now()), ctx: ctx, kill: kill, ended: make(chan struct{}), lives: lives}
	copied := *reconciler
	o.Reconciler = &copied
	o.Clock = o.clock
	o.Recorder = &events.FakeRecorder{}
	o.Client = o.wrapClient()
	o.Live = o.Client
	o.Rules = o.wrapRules()
	o.Volumes = &volume.Registry{}
	Expect(o.Volumes.Register(&observed{Driver: j.driver, operator: o})).To(Succeed())
	metrics, err := newMetrics(prometheus.NewRegistry())
	Expect(err).NotTo(HaveOccurred())
	o.metrics = metrics
	o.runner = newRunner(10, o.clock)
	go func() {
		defer close(o.ended)
		_ = o.runner.Start(ctx)
	}()
	DeferCleanup(o.stop)
	return o
}

// stop ends the operator and returns when nothing of it runs any more.
func (o *operator) stop() {
	o.mu.Lock()
	o.dead = true
	o.mu.Unlock()
	o.kill()
	<-o.ended
}

// effect does something unless the operator is dead, notes it, and has the operator die of it where its time has come.
func (o *operator) effect(name string, do func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		return errCrashed
	}
	o.journal.mu.Lock()
	failure := o.failing[name]
	o.journal.mu.Unlock()
	if failure != nil {
		return failure
	}
	if err := do(); err != nil {
		return err
	}
	o.journal.mu.Lock()
	o.effects = append(o.effects, name)
	o.journal.mu.Unlock()
	if o.lives--; o.lives == 0 {
		o.dead = true
		o.kill()
	}
	return nil
}

func (o *operator) crashed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dead
}

// wrapClient is a client for the source whose writes are effects.
func (o *operator) wrapClient() client.Client {
	return interceptor.NewClient(here, interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			return o.effect("metadata", func() error { return c.Patch(ctx, object, patch, options...) })
		},
		SubResourcePatch: func(
			ctx context.Context, c client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption,
		) error {
			status := object.(*storkv1alpha1.Migration).Status
			return o.effect(string(status.Stage)+"/"+string(status.Status), func() error {
				return c.SubResource(name).Patch(ctx, object, patch, options...)
			})
		},
	})
}

// wrapRules is a runner of rules that select no pods: that it asks for the pods of a phase is the effect of a rule.
func (o *operator) wrapRules() *rule.Runner {
	config := rest.CopyConfig(sourceCluster.Config())
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (response *http.Response, err error) {
			name := map[string]string{"phase=pre": effectPre, "phase=post": effectPost}[request.URL.Query().Get("labelSelector")]
			return response, o.effect(name, func() error {
				response, err = next.RoundTrip(request)
				return err
			})
		})
	})
	rules, err := rule.NewRunner(config, clock.RealClock{}, rule.Options{})
	Expect(err).NotTo(HaveOccurred())
	return rules
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// observed is the driver of a journal as one operator sees it.
type observed struct {
	*fake.Driver
	operator *operator
}

func (d *observed) Start(ctx context.Context, run volume.Run) (states []volume.Status, err error) {
	return states, d.operator.effect(effectStart, func() error {
		states, err = d.Driver.Start(ctx, run)
		return err
	})
}

func (d *observed) Status(ctx context.Context, run volume.Run) (states []volume.Status, err error) {
	return states, d.operator.effect(effectPoll, func() error {
		states, err = d.Driver.Status(ctx, run)
		d.operator.looked()
		return err
	})
}

func (d *observed) Cancel(ctx context.Context, run volume.Run) error {
	return d.operator.effect(effectCancel, func() error { return d.Driver.Cancel(ctx, run) })
}

func (j *journal) looked() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.polls++; j.polled != nil {
		j.polled(j.driver)
	} else if j.polls > 1 {
		j.driver.Finish("")
	}
}

// work has the operator reconcile until the Migration is Final or gone, or the operator has crashed; then nothing of it runs any more.
func (o *operator) work(ctx context.Context, migration *storkv1alpha1.Migration) {
	GinkgoHelper()
	o.until(ctx, migration, func() bool { return migration.Status.Stage == storkv1alpha1.MigrationStageFinal })
	o.stop()
}

// until has the operator reconcile until the Migration is as it should be or gone, or the operator has crashed. Its clock goes on as
// long as volumes move and between two attempts.
func (o *operator) until(ctx context.Context, migration *storkv1alpha1.Migration, done func() bool) {
	GinkgoHelper()
	key := client.ObjectKeyFromObject(migration)
	Eventually(func(g Gomega) {
		_, err := o.Reconcile(o.ctx, ctrl.Request{NamespacedName: key})
		if err = client.IgnoreNotFound(err); err != nil && !o.crashed() {
			g.Expect(err).NotTo(HaveOccurred())
		}
		if err := here.Get(ctx, key, migration); err != nil {
			g.Expect(client.IgnoreNotFound(err)).To(Succeed())
			return
		}
		if migration.Status.Stage == storkv1alpha1.MigrationStageVolumes || !o.runner.running(key) {
			o.clock.Step(volumePollInterval)
		}
		g.Expect(o.crashed() || done()).To(BeTrue(), "stage %s, status %s: %s", migration.Status.Stage, migration.Status.Status, succeededMessage(migration))
	}).WithPolling(5 * time.Millisecond).Should(Succeed())
}

// createVolume makes a claim at the source that is bound to a volume of the fake driver, or of nobody, and returns its name.
func createVolume(ctx context.Context, namespace, name, csiDriver string) types.NamespacedName {
	GinkgoHelper()
	pvc := claim(namespace, name)
	pvc.Spec.VolumeName = namespace + "-" + name
	Expect(here.Create(ctx, pvc)).To(Succeed())
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: pvc.Spec.VolumeName},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: pvc.Spec.AccessModes, Capacity: pvc.Spec.Resources.Requests,
			ClaimRef:                      &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: namespace, Name: name, UID: pvc.UID},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: csiDriver, VolumeHandle: "here-" + name}},
		},
	}
	Expect(here.Create(ctx, pv)).To(Succeed())
	pv.Status.Phase, pvc.Status.Phase = corev1.VolumeBound, corev1.ClaimBound
	Expect(here.Status().Update(ctx, pv)).To(Succeed())
	Expect(here.Status().Update(ctx, pvc)).To(Succeed())
	return client.ObjectKeyFromObject(pvc)
}

// createRules makes a rule for each phase, which select no pods.
func createRules(ctx context.Context, namespace string) {
	GinkgoHelper()
	for _, phase := range []string{"pre", "post"} {
		Expect(here.Create(ctx, &storkv1alpha1.Rule{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: phase},
			Rules: []storkv1alpha1.RuleItem{{
				PodSelector: map[string]string{"phase": phase},
				Actions:     []storkv1alpha1.RuleAction{{Type: storkv1alpha1.RuleActionCommand, Value: "sync"}},
			}},
		})).To(Succeed())
	}
}

// newVolumeMigration creates a Migration of a new namespace with objects, volumes of the fake driver and rules around their copy.
func newVolumeMigration(ctx context.Context, change func(*storkv1alpha1.MigrationSpec)) *storkv1alpha1.Migration {
	GinkgoHelper()
	namespace := newNamespace(ctx)
	createRules(ctx, namespace)
	for _, name := range []string{"one", "two"} {
		createVolume(ctx, namespace, name, fake.Provisioner)
	}
	Expect(here.Create(ctx, configMap(namespace, "settings", "1"))).To(Succeed())
	migration := newMigration(namespace, "volumes")
	migration.Labels = map[string]string{labelOwnOperator: ""}
	migration.Spec.IncludeVolumes = nil
	migration.Spec.PreExecRule, migration.Spec.PostExecRule = "pre", "post"
	if change != nil {
		change(&migration.Spec)
	}
	Expect(here.Create(ctx, migration)).To(Succeed())
	return migration
}
