package apply_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/yaml"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/internal/apply"
	"github.com/godwit-io/godwit/test/leak"
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { leak.Main(m) }

func TestApply(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "Apply")
}

var (
	cluster *localcluster.Cluster
	// admin reads and writes behind the engine's back.
	admin dynamic.Interface
)

var _ = BeforeSuite(func() {
	var err error
	cluster, err = localcluster.Start(context.Background(), localcluster.Options{Name: "destination", Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(cluster.Stop)
	admin, err = dynamic.NewForConfig(cluster.Config())
	Expect(err).NotTo(HaveOccurred())
})

// traffic counts the requests of an engine, and may tamper with them.
type traffic struct {
	next http.RoundTripper

	mu       sync.Mutex
	requests map[string]int
	// tamper, if not nil, may answer a request itself; it returns nils to let it pass.
	tamper func(*http.Request) (*http.Response, error)
}

func (t *traffic) RoundTrip(request *http.Request) (*http.Response, error) {
	t.mu.Lock()
	t.requests[request.Method]++
	tamper := t.tamper
	t.mu.Unlock()
	if tamper != nil {
		if response, err := tamper(request); response != nil || err != nil {
			return response, err
		}
	}
	return t.next.RoundTrip(request)
}

func (t *traffic) reset() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	counted := t.requests
	t.requests = map[string]int{}
	return counted
}

func writes(requests map[string]int) int {
	total := 0
	for method, count := range requests {
		if method != http.MethodGet {
			total += count
		}
	}
	return total
}

func total(requests map[string]int) int {
	return writes(requests) + requests[http.MethodGet]
}

// newEngine returns an engine that writes to the cluster, and what counts its requests.
func newEngine(config *rest.Config, options apply.Options) (*apply.Engine, *traffic) {
	counter := &traffic{requests: map[string]int{}}
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	config.QPS = -1
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		counter.next = next
		return counter
	})
	client, err := dynamic.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	lister, err := metadata.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	return apply.New(apply.Clients{Namespaced: client, Cluster: client, Metadata: lister}, options), counter
}

var resources = map[string]schema.GroupVersionResource{
	"ConfigMap":                        {Version: "v1", Resource: "configmaps"},
	"Secret":                           {Version: "v1", Resource: "secrets"},
	"Service":                          {Version: "v1", Resource: "services"},
	"ServiceAccount":                   {Version: "v1", Resource: "serviceaccounts"},
	"Namespace":                        {Version: "v1", Resource: "namespaces"},
	"PersistentVolume":                 {Version: "v1", Resource: "persistentvolumes"},
	"PersistentVolumeClaim":            {Version: "v1", Resource: "persistentvolumeclaims"},
	"ResourceQuota":                    {Version: "v1", Resource: "resourcequotas"},
	"Deployment":                       {Group: "apps", Version: "v1", Resource: "deployments"},
	"StatefulSet":                      {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"DaemonSet":                        {Group: "apps", Version: "v1", Resource: "daemonsets"},
	"Job":                              {Group: "batch", Version: "v1", Resource: "jobs"},
	"Role":                             {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"RoleBinding":                      {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	"ClusterRole":                      {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
	"ClusterRoleBinding":               {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
	"StorageClass":                     {Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"},
	"MutatingAdmissionPolicy":          {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingadmissionpolicies"},
	"MutatingAdmissionPolicyBinding":   {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingadmissionpolicybindings"},
	"ValidatingAdmissionPolicy":        {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicies"},
	"ValidatingAdmissionPolicyBinding": {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicybindings"},
	"ValidatingWebhookConfiguration":   {Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"},
	"CustomResourceDefinition":         {Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	"Bird":                             {Group: "zoo.example.com", Version: "v1", Resource: "birds"},
}

// object parses one object in YAML. NAME is replaced by the name given.
func object(text string) *unstructured.Unstructured {
	GinkgoHelper()
	parsed := &unstructured.Unstructured{}
	json, err := yaml.YAMLToJSON([]byte(text))
	Expect(err).NotTo(HaveOccurred())
	Expect(parsed.UnmarshalJSON(json)).To(Succeed())
	return parsed
}

// objects parses several objects in YAML, all in the namespace unless they are cluster-scoped.
func objects(namespace, text string) []*unstructured.Unstructured {
	GinkgoHelper()
	var parsed []*unstructured.Unstructured
	for part := range strings.SplitSeq(text, "\n---\n") {
		o := object(part)
		if isNamespaced(o.GetKind()) {
			o.SetNamespace(namespace)
		}
		parsed = append(parsed, o)
	}
	return parsed
}

func isNamespaced(kind string) bool {
	switch kind {
	case "Namespace", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "StorageClass", "CustomResourceDefinition",
		"ValidatingWebhookConfiguration":
		return false
	default:
		return true
	}
}

var sourceUIDs atomic.Int64

// item makes an Item of a copy of the object.
func item(o *unstructured.Unstructured) *apply.Item {
	GinkgoHelper()
	resource, known := resources[o.GetKind()]
	Expect(known).To(BeTrue(), "resource of %s", o.GetKind())
	return &apply.Item{
		Object: o.DeepCopy(), Resource: resource, Namespaced: isNamespaced(o.GetKind()),
		Source:     types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()},
		SourceKind: o.GroupVersionKind(),
		SourceUID:  types.UID(fmt.Sprintf("source-%d", sourceUIDs.Add(1))),
	}
}

// plan makes a plan of copies of the objects.
func plan(objects ...*unstructured.Unstructured) apply.Plan {
	GinkgoHelper()
	p := apply.Plan{Provenance: apply.Provenance{
		MigrationName: "one", MigrationNamespace: "kube-system", Time: time.Date(2026, 11, 21, 1, 2, 3, 0, time.UTC),
	}}
	for _, o := range objects {
		p.Items = append(p.Items, item(o))
	}
	return p
}

// run brings objects and expects that all arrive.
func bring(engine *apply.Engine, objects ...*unstructured.Unstructured) *apply.Report {
	GinkgoHelper()
	return bringPlan(engine, plan(objects...))
}

func bringPlan(engine *apply.Engine, p apply.Plan) *apply.Report {
	GinkgoHelper()
	report, err := engine.Run(context.Background(), p, nil)
	Expect(err).NotTo(HaveOccurred())
	for _, result := range report.Results {
		Expect(result.Err).NotTo(HaveOccurred(), "%s %s", result.Kind.Kind, result.Source)
	}
	return report
}

// actions counts the results by action; failures count as "Failed".
func actions(report *apply.Report) map[apply.Action]int {
	counted := map[apply.Action]int{}
	for _, result := range report.Results {
		if result.Err != nil {
			counted["Failed"]++
		} else {
			counted[result.Action]++
		}
	}
	return counted
}

func actionOf(report *apply.Report, kind, name string) apply.Action {
	GinkgoHelper()
	result := resultOf(report, kind, name)
	Expect(result.Err).NotTo(HaveOccurred())
	return result.Action
}

func resultOf(report *apply.Report, kind, name string) apply.Result {
	GinkgoHelper()
	for _, result := range report.Results {
		if result.Kind.Kind == kind && result.Source.Name == name {
			return result
		}
	}
	Fail(fmt.Sprintf("no result of %s %s", kind, name))
	return apply.Result{}
}

func clientFor(o *unstructured.Unstructured) dynamic.ResourceInterface {
	GinkgoHelper()
	resource, known := resources[o.GetKind()]
	Expect(known).To(BeTrue())
	if o.GetNamespace() == "" {
		return admin.Resource(resource)
	}
	return admin.Resource(resource).Namespace(o.GetNamespace())
}

// found returns the object as it is at the destination.
func found(o *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	live, err := clientFor(o).Get(context.Background(), o.GetName(), metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	return live
}

func isThere(o *unstructured.Unstructured) bool {
	GinkgoHelper()
	_, err := clientFor(o).Get(context.Background(), o.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false
	}
	Expect(err).NotTo(HaveOccurred())
	return true
}

// given creates an object at the destination as somebody else would.
func given(manager string, o *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	created, err := clientFor(o).Create(context.Background(), o, metav1.CreateOptions{FieldManager: manager})
	Expect(err).NotTo(HaveOccurred())
	return created
}

// edited patches an object at the destination as somebody else would.
func edited(manager string, o *unstructured.Unstructured, patch string) *unstructured.Unstructured {
	GinkgoHelper()
	live, err := clientFor(o).Patch(context.Background(), o.GetName(), types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager})
	Expect(err).NotTo(HaveOccurred())
	return live
}

// changed returns a copy of the object that a function has changed.
func changed(o *unstructured.Unstructured, change func(map[string]any)) *unstructured.Unstructured {
	o = o.DeepCopy()
	change(o.Object)
	return o
}

func at(o map[string]any, path ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(o, path...)
	return value
}

// versions returns the resourceVersions of objects at the destination, by kind and name.
func versions(objects []*unstructured.Unstructured) map[string]string {
	GinkgoHelper()
	all := map[string]string{}
	for _, o := range objects {
		all[o.GetKind()+"/"+o.GetName()] = found(o).GetResourceVersion()
	}
	return all
}

var namespaces atomic.Int64

// nameNamespace returns the name of a namespace that is not there yet.
func nameNamespace() string { return fmt.Sprintf("ns-%d", namespaces.Add(1)) }

// newNamespace makes a namespace at the destination and returns its name.
func newNamespace() string {
	GinkgoHelper()
	name := nameNamespace()
	given("test", object("{apiVersion: v1, kind: Namespace, metadata: {name: "+name+"}}"))
	return name
}

var deleteOptions metav1.DeleteOptions

// steppingClock has every wait over at once, and the time go by as if it had been waited for.
type steppingClock struct{ *clocktesting.FakeClock }

func newSteppingClock() steppingClock {
	return steppingClock{clocktesting.NewFakeClock(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))}
}

func (c steppingClock) NewTimer(d time.Duration) clock.Timer {
	timer := c.FakeClock.NewTimer(d)
	c.Step(d)
	return timer
}

// site is a new namespace at the destination and an engine of its own.
type site struct {
	engine    *apply.Engine
	counter   *traffic
	namespace string
}

func newSite() *site {
	GinkgoHelper()
	engine, counter := newEngine(cluster.Config(), apply.Options{})
	return &site{engine: engine, counter: counter, namespace: newNamespace()}
}

// parse parses an object in the namespace. NS is replaced by the namespace's name, which keeps cluster-scoped names apart.
func (s *site) parse(text string) *unstructured.Unstructured {
	GinkgoHelper()
	return objects(s.namespace, strings.ReplaceAll(text, "NS", s.namespace))[0]
}

// unchanged brings an object and expects that nothing is written.
func (s *site) unchanged(o *unstructured.Unstructured) {
	GinkgoHelper()
	s.counter.reset()
	Expect(actions(bring(s.engine, o))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
	Expect(writes(s.counter.reset())).To(BeZero())
}

// fails brings an object that is there, and expects that it fails with these words and stays.
func (s *site) fails(o *unstructured.Unstructured, words ...string) {
	GinkgoHelper()
	uid := found(o).GetUID()
	report, err := s.engine.Run(context.Background(), plan(o), nil)
	Expect(err).NotTo(HaveOccurred())
	for _, part := range words {
		Expect(report.Results[0].Err).To(MatchError(ContainSubstring(part)))
	}
	Expect(found(o).GetUID()).To(Equal(uid))
}
