package action

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/internal/controller/migrationschedule"
	"github.com/godwit-io/godwit/internal/remote"
)

// Names of what a fixture has in its home namespace, each followed by the fixture's own part.
const (
	forward  = "dr"
	backward = "back"
)

// fixture is an application in some namespaces of the primary, which a schedule migrates, and a clock that stands still.
type fixture struct {
	// home is where the schedule, the pairs and the Actions are.
	home       string
	namespaces []string
	clock      *clocktesting.FakePassiveClock
	recorder   *events.FakeRecorder
	// faults are met by the requests of Actions.
	faults *faults
}

const podTemplate = `{metadata: {labels: {app: a}}, spec: {restartPolicy: %s, containers: [{name: c, image: i}]}}`

// application is what runs in each namespace.
func application() []string {
	template := fmt.Sprintf(podTemplate, "Always")
	return []string{
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, labels: {tier: front}}, spec: {replicas: 3, selector: {matchLabels: {app: a}}, template: ` + template + `}}`,
		`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: idle}, spec: {replicas: 0, serviceName: s, selector: {matchLabels: {app: a}}, template: ` + template + `}}`,
		`{apiVersion: batch/v1, kind: CronJob, metadata: {name: cron}, spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: ` + fmt.Sprintf(podTemplate, "Never") + `}}}}`,
		`{apiVersion: batch/v1, kind: CronJob, metadata: {name: paused}, spec: {schedule: "0 0 * * *", suspend: true, jobTemplate: {spec: {template: ` + fmt.Sprintf(podTemplate, "Never") + `}}}}`,
		`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: scaler}, spec: {maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}`,
		`{apiVersion: apps.example.com/v1, kind: Database, metadata: {name: db}, spec: {size: 5}}`,
		`{apiVersion: apps.example.com/v1, kind: Cache, metadata: {name: cache}, spec: {size: 1}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {colour: blue}}`,
	}
}

// runs and stopped are what state returns of an application. The cache is registered as stashed: nobody knows how to stop it.
func runs() map[string]any {
	return map[string]any{"web": int64(3), "idle": int64(0), "cron": false, "paused": true, "scaler": nil, "db": int64(5), "cache": true}
}

func stopped(cache bool) map[string]any {
	return map[string]any{"web": int64(0), "idle": int64(0), "cron": true, "paused": true, "scaler": "Disabled", "db": int64(0), "cache": cache}
}

func object(namespace, text string) *unstructured.Unstructured {
	GinkgoHelper()
	o := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte(text), &o.Object)).To(Succeed())
	o.SetNamespace(namespace)
	return o
}

// state tells what of the application runs in a namespace of a cluster.
func state(ctx context.Context, s *side, namespace string) map[string]any {
	GinkgoHelper()
	fields := map[string][]string{
		"web": {"spec", "replicas"}, "idle": {"spec", "replicas"}, "cron": {"spec", "suspend"}, "paused": {"spec", "suspend"},
		"scaler": {"spec", "behavior", "scaleUp", "selectPolicy"}, "db": {"spec", "size"},
	}
	found := map[string]any{}
	for _, text := range application() {
		o := object(namespace, text)
		err := s.Get(ctx, client.ObjectKeyFromObject(o), o)
		Expect(client.IgnoreNotFound(err)).To(Succeed())
		switch path, ok := fields[o.GetName()]; {
		case ok:
			Expect(err).NotTo(HaveOccurred())
			found[o.GetName()], _, _ = unstructured.NestedFieldNoCopy(o.Object, path...)
		case o.GetName() == "cache":
			found["cache"] = err == nil
		}
	}
	return found
}

// memos returns what the objects of an application remember of having been stopped.
func memos(ctx context.Context, s *side, namespace string) (found []string) {
	GinkgoHelper()
	for _, text := range application() {
		o := object(namespace, text)
		Expect(client.IgnoreNotFound(s.Get(ctx, client.ObjectKeyFromObject(o), o))).To(Succeed())
		for _, key := range []string{
			storkv1alpha1.AnnotationMigrationReplicas, storkv1alpha1.SuspendMemoAnnotation("spec.size"),
			storkv1alpha1.SuspendMemoAnnotation("spec.behavior.scaleUp.selectPolicy"),
		} {
			if _, ok := o.GetAnnotations()[key]; ok {
				found = append(found, o.GetName()+" "+key)
			}
		}
	}
	return found
}

// newFixture makes an application in so many namespaces of the primary, which was migrated to the secondary once. Several namespaces
// are migrated from the admin namespace.
func newFixture(ctx context.Context, namespaces int, changes ...func(*storkv1alpha1.MigrationSpec)) *fixture {
	GinkgoHelper()
	f := &fixture{recorder: events.NewFakeRecorder(1000), faults: &faults{}, clock: clocktesting.NewFakePassiveClock(time.Now().Truncate(time.Second))}
	for range namespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "shop-"}}
		Expect(primary.Create(ctx, namespace)).To(Succeed())
		f.namespaces = append(f.namespaces, namespace.Name)
		for _, text := range application() {
			Expect(primary.Create(ctx, object(namespace.Name, text))).To(Succeed())
		}
	}
	if f.home = f.namespaces[0]; namespaces > 1 {
		f.home = adminNamespace
	}
	for _, s := range []*side{primary, secondary} {
		home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: f.home}}
		Expect(client.IgnoreAlreadyExists(s.Create(ctx, home))).To(Succeed())
	}
	f.pairs(ctx, f.name("pair"))
	f.schedule(ctx, primary, forward, changes...)
	return f
}

func (f *fixture) name(kind string) string { return kind + "-" + f.namespaces[0] }

func (f *fixture) key(kind string) client.ObjectKey {
	return client.ObjectKey{Namespace: f.home, Name: f.name(kind)}
}

// pairs pairs the clusters in both directions.
func (f *fixture) pairs(ctx context.Context, name string) {
	GinkgoHelper()
	f.pair(ctx, primary, name, secondary.Kubeconfig())
	f.pair(ctx, secondary, name, primary.Kubeconfig())
}

// pair makes the ClusterPair of one cluster, under the same name in both.
func (f *fixture) pair(ctx context.Context, s *side, name string, kubeconfig []byte) {
	GinkgoHelper()
	config, err := localgodwit.PairConfig(kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	pair := &storkv1alpha1.ClusterPair{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.home, Name: name},
		Spec:       storkv1alpha1.ClusterPairSpec{Config: &runtime.RawExtension{Raw: config}},
	}
	Expect(s.Create(ctx, pair)).To(Succeed())
	f.setReady(ctx, s, name, true)
}

// ready has the pair of a cluster be Ready or not. Migrations wait for one that is not.
func (f *fixture) ready(ctx context.Context, s *side, ready bool) {
	GinkgoHelper()
	f.setReady(ctx, s, f.name("pair"), ready)
}

func (f *fixture) setReady(ctx context.Context, s *side, name string, ready bool) {
	GinkgoHelper()
	pair := &storkv1alpha1.ClusterPair{}
	Expect(s.Get(ctx, client.ObjectKey{Namespace: f.home, Name: name}, pair)).To(Succeed())
	pair.Status.SchedulerStatus = storkv1alpha1.ClusterPairStatusReady
	if !ready {
		pair.Status.SchedulerStatus = storkv1alpha1.ClusterPairStatusError
	}
	Expect(s.Status().Update(ctx, pair)).To(Succeed())
}

// schedule makes a MigrationSchedule of all namespaces in a cluster, and has its first Migration arrive.
func (f *fixture) schedule(ctx context.Context, s *side, kind string, changes ...func(*storkv1alpha1.MigrationSpec)) {
	GinkgoHelper()
	Expect(s.Create(ctx, &storkv1alpha1.NamespacedSchedulePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.home, Name: f.name(kind)},
		Policy:     storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 60}},
	})).To(Succeed())
	schedule := &storkv1alpha1.MigrationSchedule{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.home, Name: f.name(kind), Annotations: map[string]string{"team": "shop"}},
		Spec: storkv1alpha1.MigrationScheduleSpec{
			SchedulePolicyName: f.name(kind), AutoSuspend: true,
			Template: storkv1alpha1.MigrationTemplateSpec{Spec: storkv1alpha1.MigrationSpec{
				ClusterPair: f.name("pair"), Namespaces: f.namespaces, IncludeVolumes: new(false),
			}},
		},
	}
	for _, change := range changes {
		change(&schedule.Spec.Template.Spec)
	}
	Expect(s.Create(ctx, schedule)).To(Succeed())
	f.migrate(ctx, s, kind)
}

// others makes a schedule of some of the namespaces and has its first Migration arrive, and returns its name.
func (f *fixture) others(ctx context.Context, s *side, namespaces ...string) string {
	GinkgoHelper()
	part := *f
	part.namespaces = namespaces
	f.pairs(ctx, part.name("pair"))
	part.schedule(ctx, s, backward)
	return part.name(backward)
}

// migrate has a schedule look what is due, and waits for what it starts.
func (f *fixture) migrate(ctx context.Context, s *side, kind string) {
	GinkgoHelper()
	f.look(ctx, s, kind)
	Eventually(func(g Gomega) {
		list := &storkv1alpha1.MigrationList{}
		g.Expect(s.List(ctx, list, client.InNamespace(f.home))).To(Succeed())
		for _, migration := range list.Items {
			if migration.Annotations[storkv1alpha1.AnnotationMigrationScheduleName] == f.name(kind) {
				g.Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), "%+v", migration.Status.Conditions)
			}
		}
	}).Should(Succeed())
	f.look(ctx, s, kind)
}

// look has the controller of schedules look at one of a cluster until it is at rest, and returns it.
func (f *fixture) look(ctx context.Context, s *side, kind string) *storkv1alpha1.MigrationSchedule {
	GinkgoHelper()
	reconciler := &migrationschedule.Reconciler{
		Client: s, Live: s, Clusters: remote.NewPool(s, remote.Options{}), Recorder: f.recorder, Clock: f.clock,
		Options: migrationschedule.Options{AdminNamespace: adminNamespace, CatchUp: 24 * time.Hour},
	}
	for version := ""; ; {
		_, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: f.key(kind)})
		if apierrors.IsConflict(err) {
			continue // Somebody has seen it meanwhile.
		}
		Expect(err).NotTo(HaveOccurred())
		schedule := f.read(ctx, s, kind)
		if schedule.ResourceVersion == version {
			return schedule
		}
		version = schedule.ResourceVersion
	}
}

func (f *fixture) read(ctx context.Context, s *side, kind string) *storkv1alpha1.MigrationSchedule {
	GinkgoHelper()
	schedule := &storkv1alpha1.MigrationSchedule{}
	Expect(s.Get(ctx, f.key(kind), schedule)).To(Succeed())
	return schedule
}

// suspended tells whether a schedule is, and active what its copy says of the applications.
func (f *fixture) suspended(ctx context.Context, s *side, kind string) bool {
	GinkgoHelper()
	suspend := f.read(ctx, s, kind).Spec.Suspend
	return suspend != nil && *suspend
}

func (f *fixture) active(ctx context.Context, s *side, kind string) bool {
	GinkgoHelper()
	return f.read(ctx, s, kind).Status.ApplicationActivated
}

// states returns the state of the application in each namespace of a cluster.
func (f *fixture) states(ctx context.Context, s *side) (states []map[string]any) {
	GinkgoHelper()
	for _, namespace := range f.namespaces {
		states = append(states, state(ctx, s, namespace))
	}
	return states
}

// lastMiles are the Migrations that Actions made in a cluster.
func (f *fixture) lastMiles(ctx context.Context, s *side) (names []string) {
	GinkgoHelper()
	list := &storkv1alpha1.MigrationList{}
	Expect(s.List(ctx, list, client.InNamespace(f.home))).To(Succeed())
	for _, migration := range list.Items {
		if migration.Annotations[storkv1alpha1.AnnotationLastMileSchedule] == f.name(forward) || migration.Annotations[storkv1alpha1.AnnotationLastMileSchedule] == f.name(backward) {
			names = append(names, migration.Name)
		}
	}
	return names
}

// warnings are those in the status of an Action.
func warnings(action *storkv1alpha1.Action) []string {
	warned := apimeta.FindStatusCondition(action.Status.Conditions, storkv1alpha1.ConditionWarned)
	if warned == nil {
		return nil
	}
	return strings.Split(warned.Message, "\n")
}

// pass lets time go by.
func (f *fixture) pass(duration time.Duration) { f.clock.SetTime(f.clock.Now().Add(duration)) }

// pod makes a pod of the Deployment in a cluster, by way of a ReplicaSet. There are no kubelets and no controllers.
func pod(ctx context.Context, s *side, namespace, name string, phase corev1.PodPhase) *corev1.Pod {
	GinkgoHelper()
	web := object(namespace, application()[0])
	Expect(s.Get(ctx, client.ObjectKeyFromObject(web), web)).To(Succeed())
	set := object(namespace, strings.Replace(application()[0], "kind: Deployment", "kind: ReplicaSet", 1))
	set.SetName("of-" + name)
	set.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: web.GetUID()}})
	Expect(s.Create(ctx, set)).To(Succeed())
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "ReplicaSet", Name: set.GetName(), UID: set.GetUID(),
		}}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
	Expect(s.Create(ctx, p)).To(Succeed())
	p.Status.Phase = phase
	Expect(s.Status().Update(ctx, p)).To(Succeed())
	return p
}

// absent tells whether an object is not there.
func absent(err error) bool { return apierrors.IsNotFound(err) }

// minute is how often schedules look whether their applications are active elsewhere.
const minute = time.Minute
