package fault_test

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// scenario is what happens to a migration, and what shall become of it. The migration brings an application of which the destination
// has one half already, in parts of another edition. The zero value is a migration that nothing happens to.
type scenario struct {
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
	// items is the number of ConfigMaps at the source; 40 if 0.
	items int
	// long marks what takes minutes.
	long bool
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
	// standby is the source's proxy of a second operator; nil if there is none.
	standby *faultproxy.Proxy
	// objects of the application.
	objects []*unstructured.Unstructured
	// planned is what the destination shall have, by "Kind name", and before are the UIDs of what it has.
	planned map[string]*unstructured.Unstructured
	before  map[string]types.UID
	// sourceMark and destinationMark are the lengths of the logs when the migration began.
	sourceMark, destinationMark int
}

// newWorld makes a namespace with a ClusterPair and the half of an application, and migrates it.
func newWorld(t *testing.T, namespace string, through *faultproxy.Proxy, items int) *world {
	t.Helper()
	w := &world{T: t, WithT: NewWithT(t), namespace: namespace, source: through, destination: newProxy(t, destination)}
	w.objects = append(platform(namespace), part(namespace, "one", 0, items/2)...)
	give(t, here, w.objects...)
	w.pair()
	w.plan()
	first := w.migrate("first")
	w.judge(first, &scenario{})
	w.objects = append(platform(namespace), part(namespace, "one", 0, items/4)...)
	w.objects = append(w.objects, part(namespace, "two", items/4, items)...)
	give(t, here, w.objects...)
	w.plan()
	return w
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
	w.planned, w.before = map[string]*unstructured.Unstructured{}, map[string]types.UID{}
	for _, o := range w.objects {
		planned := find(w.T, here, o)
		w.Expect(planned).NotTo(BeNil(), "%s at the source", key(o))
		w.planned[key(o)] = normalised(planned)
		if live := find(w.T, there, o); live != nil && live.GetDeletionTimestamp() == nil {
			w.before[key(o)] = live.GetUID()
		}
	}
	w.sourceMark, w.destinationMark = len(w.source.Requests()), len(w.destination.Requests())
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
	w := newWorld(t, namespace, through, s.items)
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
		if !strings.HasPrefix(name, storkv1alpha1.GroupName) && !strings.Contains(name, "deployment.kubernetes.io") && name != meddler {
			annotations[name] = value
		}
	}
	if len(annotations) > 0 {
		n.SetAnnotations(annotations)
	}
	if o.GroupVersionKind() == corev1.SchemeGroupVersion.WithKind("Service") {
		unstructured.RemoveNestedField(n.Object, "spec", "clusterIP")
		unstructured.RemoveNestedField(n.Object, "spec", "clusterIPs")
	}
	return n
}
