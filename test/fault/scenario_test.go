package fault_test

import (
	"context"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// scenario is what happens to a migration, and what shall become of it. The migration brings an application of which the destination
// has one half already, in parts of another edition. The zero value is a migration that nothing happens to.
type scenario struct {
	// standby says that the application is brought to a standby.
	standby bool
	// destination and source are the faults of the API servers, those of the source in the scenario's namespace only.
	destination, source []*faultproxy.Fault
	// obstruct does something to the clusters before the migration, and returns what undoes it.
	obstruct func(*world) (relent func())
	// refused are the objects that shall not arrive. When all is undone, they do.
	refused []refusal
	// overruled are patterns of the objects that the destination makes something else of, as "Kind name".
	overruled []string
	// notices are parts of what the report shall say.
	notices []string
	// waits is part of what the Migration's condition shall say, before the faults are healed; empty if it ends with them.
	waits string
	// again says that the run may begin anew.
	again bool
	// unaudited says that the destination's API server may die before it writes a change down.
	unaudited bool
	// items is the number of ConfigMaps at the source; 40 if 0.
	items int
	// early marks what takes a minute and more, and therefore begins first; long what takes several.
	early, long bool
}

// refusal tells of objects that shall not arrive.
type refusal struct {
	// object is a pattern of "Kind name".
	object string
	// reason is part of what the report shall say.
	reason string
	// count of them; 0 means all that fit the pattern.
	count int
}

// world is one scenario's place in the clusters.
type world struct {
	*testing.T
	*WithT
	namespace string
	// source and destination are the proxies. The destination's is the scenario's own.
	source, destination *faultproxy.Proxy
	// second is the source's proxy of a second operator; nil if there is none.
	second *faultproxy.Proxy
	// standby says that migrations are to a standby.
	standby bool
	// objects of the application.
	objects []*unstructured.Unstructured
	// planned is what the destination shall have, by "Kind name"; before is what it had, and gone what it shall not have any more.
	planned, before map[string]*unstructured.Unstructured
	gone            sets.Set[string]
	// brought is what was planned by earlier migrations.
	brought sets.Set[string]
	mark
}

// mark is when a migration began.
type mark struct {
	since time.Time
	// sourceMark and destinationMark are the lengths of the proxies' logs.
	sourceMark, destinationMark int
}

// newWorld makes a namespace with a ClusterPair and the half of an application, and migrates it.
func newWorld(t *testing.T, namespace string, through *faultproxy.Proxy, items int, standby bool) *world {
	t.Helper()
	w := &world{
		T: t, WithT: NewWithT(t), namespace: namespace, source: through, destination: newProxy(t, destination), standby: standby,
		brought: sets.New[string](),
	}
	w.give("one", part(namespace, "one", 0, items/2)...)
	w.pair()
	if standby {
		give(t, here, passing(namespace)...)
		w.objects = append(w.objects, passing(namespace)...)
		w.equipStandby()
	}
	w.plan()
	w.judge(w.migrate("first"), &scenario{})
	if standby {
		w.lose(passing(namespace))
	}
	w.give("two", append(part(namespace, "one", 0, items/4), part(namespace, "two", items/4, items)...)...)
	w.plan()
	return w
}

// give has the source have an application with these parts.
func (w *world) give(edition string, parts ...*unstructured.Unstructured) {
	w.Helper()
	w.objects = append(platform(w.namespace), parts...)
	if w.standby {
		w.objects = append(w.objects, standbyPart(w.namespace, edition)...)
	}
	give(w.T, here, w.objects...)
}

func (w *world) pair() {
	w.Helper()
	kubeconfig, err := w.destination.Kubeconfig()
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(localgodwit.Pair(context.Background(), here, w.namespace, "pair", kubeconfig, nil)).To(Succeed())
	w.Cleanup(func() {
		ctx := context.Background()
		for _, object := range []client.Object{&storkv1alpha1.Migration{}, &storkv1alpha1.ClusterPair{}} {
			w.Expect(here.DeleteAllOf(ctx, object, client.InNamespace(w.namespace))).To(Succeed())
		}
	})
}

// plan remembers what the source has, and what the destination has of it.
func (w *world) plan() {
	w.Helper()
	w.brought = w.brought.Union(sets.KeySet(w.planned))
	w.planned = map[string]*unstructured.Unstructured{}
	for _, o := range w.objects {
		planned := find(w.T, here, o)
		w.Expect(planned).NotTo(BeNil(), "%s at the source", key(o))
		planned = normalised(planned)
		if w.standby {
			stopped(planned)
		}
		w.planned[key(o)] = planned
	}
	w.before = w.census()
	w.gone = w.expectGone()
	w.mark = mark{since: time.Now(), sourceMark: len(w.source.Requests()), destinationMark: len(w.destination.Requests())}
}

// start creates a Migration of the namespace.
func (w *world) start(name string) *storkv1alpha1.Migration {
	w.Helper()
	migration := &storkv1alpha1.Migration{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: storkv1alpha1.MigrationSpec{
			ClusterPair: "pair", Namespaces: []string{w.namespace}, IncludeVolumes: new(false), StartApplications: new(true),
		},
	}
	if w.standby {
		standbySpec(&migration.Spec)
	}
	w.Expect(here.Create(context.Background(), migration)).To(Succeed())
	return migration
}

// wait returns the Migration when it is Final.
func (w *world) wait(migration *storkv1alpha1.Migration) *storkv1alpha1.Migration {
	w.Helper()
	w.Eventually(func(g Gomega) {
		g.Expect(here.Get(context.Background(), client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), "%+v", migration.Status.Conditions)
	}).Should(Succeed())
	return migration
}

func (w *world) migrate(name string) *storkv1alpha1.Migration {
	w.Helper()
	return w.wait(w.start(name))
}

// run runs a scenario.
func (s *scenario) run(t *testing.T, namespace string, through *faultproxy.Proxy) {
	t.Helper()
	if s.items == 0 {
		s.items = 40
	}
	w := newWorld(t, namespace, through, s.items, s.standby)
	relent := func() {}
	if s.obstruct != nil {
		relent = s.obstruct(w)
		w.plan()
	}
	w.inject(s)
	migration := w.start("second")
	if s.waits != "" {
		w.Eventually(func() string { return w.condition(migration) }).Should(ContainSubstring(s.waits))
		w.heal(s)
	}
	w.judge(w.wait(migration), s)
	w.heal(s)
	for _, fault := range append(s.source, s.destination...) {
		w.Expect(fault.Struck()).To(BeNumerically(">", 0), "a fault has had no request")
	}
	relent()
	if len(s.refused) > 0 {
		w.plan()
		w.judge(w.migrate("third"), &scenario{})
	}
}

func (w *world) inject(s *scenario) {
	for _, fault := range s.source {
		all := fault.Of
		fault.Of = faultproxy.On(all, "namespaces/"+w.namespace)
	}
	w.source.Inject(s.source...)
	w.destination.Inject(s.destination...)
}

func (w *world) heal(s *scenario) {
	w.source.Heal(s.source...)
	w.destination.Heal(s.destination...)
}

// condition is what the Migration says of itself.
func (w *world) condition(migration *storkv1alpha1.Migration) string {
	w.Expect(here.Get(context.Background(), client.ObjectKeyFromObject(migration), migration)).To(Succeed())
	for _, condition := range migration.Status.Conditions {
		if condition.Type == storkv1alpha1.ConditionSucceeded {
			return condition.Message
		}
	}
	return ""
}

// key names an object in a report and in scenarios. All of one world are in one namespace, or have its name in theirs.
func key(o *unstructured.Unstructured) string { return o.GetKind() + " " + o.GetName() }

// find returns nil where there is no such object.
func find(t *testing.T, c client.Client, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(o.GroupVersionKind())
	err := c.Get(context.Background(), client.ObjectKeyFromObject(o), found)
	if client.IgnoreNotFound(err) != nil && !isNoMatch(err) {
		t.Fatalf("reading %s: %v", key(o), err)
	}
	if err != nil {
		return nil
	}
	return found
}

// normalised returns what two clusters have in common of an object.
func normalised(o *unstructured.Unstructured) *unstructured.Unstructured {
	n := &unstructured.Unstructured{Object: map[string]any{}}
	for field, value := range o.DeepCopy().Object {
		if field != "metadata" && field != "status" {
			n.Object[field] = value
		}
	}
	n.SetName(o.GetName())
	n.SetNamespace(o.GetNamespace())
	n.SetLabels(o.GetLabels())
	annotations := map[string]string{}
	for name, value := range o.GetAnnotations() {
		if !strings.HasPrefix(name, storkv1alpha1.GroupName) && !strings.HasPrefix(name, "pv.kubernetes.io/") &&
			!strings.Contains(name, "deployment.kubernetes.io") && name != meddler {
			annotations[name] = value
		}
	}
	if len(annotations) > 0 {
		n.SetAnnotations(annotations)
	}
	switch o.GroupVersionKind() {
	case corev1.SchemeGroupVersion.WithKind("Service"):
		unstructured.RemoveNestedField(n.Object, "spec", "clusterIP")
		unstructured.RemoveNestedField(n.Object, "spec", "clusterIPs")
	case corev1.SchemeGroupVersion.WithKind("PersistentVolume"):
		unstructured.RemoveNestedField(n.Object, "spec", "claimRef", "uid")
		unstructured.RemoveNestedField(n.Object, "spec", "claimRef", "resourceVersion")
	}
	return n
}
