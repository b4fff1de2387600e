package inventory

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/test/leak"
)

var (
	config  *rest.Config
	served  Served
	fixture []*unstructured.Unstructured // What is in the source, as it was written.
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { leak.Main(m) }

func TestCluster(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "Inventory of a real cluster")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	cluster, err := localcluster.Start(ctx, localcluster.Options{Name: "source", Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(cluster.Stop)
	config = cluster.Config()
	config.WarningHandler = rest.NoWarnings{}
	fixture = readFile("testdata/shop.yaml")
	populate(ctx, fixture)
	served = discovered(ctx)
	// It tells of an API server that is nowhere.
	create(ctx, apiServices(), parse(GinkgoTB(), `{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.metrics.example.com},
		spec: {group: metrics.example.com, version: v1, service: {namespace: elsewhere, name: nowhere}, insecureSkipTLSVerify: true,
		groupPriorityMinimum: 100, versionPriority: 100}}`))
	Eventually(ctx, func() []string { served = discovered(ctx); return served.Notices }).ShouldNot(BeEmpty())
})

func apiServices() dynamic.ResourceInterface {
	return client(nil).Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
}

func readFile(file string) []*unstructured.Unstructured {
	content, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	var objects []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		Expect(err).NotTo(HaveOccurred())
		object := &unstructured.Unstructured{}
		Expect(yaml.Unmarshal(document, &object.Object)).To(Succeed())
		objects = append(objects, object)
	}
}

// populate creates objects in their order, and gives owners their UIDs.
func populate(ctx SpecContext, objects []*unstructured.Unstructured) {
	uids := map[string]types.UID{}
	known := discovered(ctx)
	for _, object := range objects {
		owners := object.GetOwnerReferences()
		for i, owner := range owners {
			if owner.UID == "" {
				owners[i].UID = uids[owner.Kind+"/"+owner.Name]
			}
		}
		if len(owners) > 0 {
			object.SetOwnerReferences(owners)
		}
		var resource *Resource
		Eventually(ctx, func() *Resource { // A new definition takes a moment to be served.
			if resource = find(known, object.GroupVersionKind().GroupKind()); resource == nil {
				known = discovered(ctx)
			}
			return resource
		}).ShouldNot(BeNil(), "%s", object.GroupVersionKind())
		namespaced := client(nil).Resource(resource.WithVersion(object.GroupVersionKind().Version)).Namespace(object.GetNamespace())
		uids[object.GetKind()+"/"+object.GetName()] = create(ctx, namespaced, object)
	}
}

// create returns the UID. What exists, such as a namespace's own objects, is left alone.
func create(ctx SpecContext, resource dynamic.ResourceInterface, object *unstructured.Unstructured) types.UID {
	created, err := resource.Create(ctx, object, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred(), "%s %s", object.GroupVersionKind(), object.GetName())
	if status, found := object.Object["status"]; found {
		created.Object["status"] = status
		_, err = resource.UpdateStatus(ctx, created, metav1.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
	}
	if object.GetLabels()["deleted"] != "" {
		Expect(resource.Delete(ctx, object.GetName(), metav1.DeleteOptions{})).To(Succeed())
	}
	return created.GetUID()
}

func find(served Served, kind schema.GroupKind) *Resource {
	for i := range served.Resources {
		if served.Resources[i].GroupKind() == kind {
			return &served.Resources[i]
		}
	}
	return nil
}

func discovered(ctx SpecContext) Served {
	discoverer, err := discovery.NewDiscoveryClientForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	served, err := Discover(ctx, discoverer)
	Expect(err).NotTo(HaveOccurred())
	return served
}

// client returns a client whose requests go over the wire; nil means none.
func client(w *wire) dynamic.Interface {
	connection := rest.CopyConfig(config)
	if w != nil {
		connection.Wrap(func(next http.RoundTripper) http.RoundTripper { w.next = next; return w })
	}
	client, err := dynamic.NewForConfig(connection)
	Expect(err).NotTo(HaveOccurred())
	return client
}

// wire notes requests, and can answer in the API server's place.
type wire struct {
	next http.RoundTripper
	// answer returns the status of an answer, or nil to ask the API server. It is called for one request at a time.
	answer func(*http.Request) *metav1.Status

	mu       sync.Mutex
	requests []*http.Request
}

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	if status := w.note(request); status != nil {
		return response(request, status)
	}
	return w.next.RoundTrip(request)
}

func (w *wire) note(request *http.Request) *metav1.Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, request)
	if w.answer == nil {
		return nil
	}
	return w.answer(request)
}

func response(request *http.Request, status *metav1.Status) (*http.Response, error) {
	status.APIVersion, status.Kind, status.Status = "v1", "Status", metav1.StatusFailure
	content, err := yaml.Marshal(status)
	if err != nil {
		return nil, err
	}
	if content, err = yaml.YAMLToJSON(content); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: int(status.Code), Request: request, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(content)),
	}, nil
}

// paths returns how often each path was asked for.
func (w *wire) paths() map[string]int {
	counts := map[string]int{}
	for _, request := range w.requests {
		counts[request.URL.Path]++
	}
	return counts
}

// described returns how the tests name an object: Kind.group/namespace/name.
func described(kind schema.GroupKind, namespace, name string) string {
	return strings.Join([]string{kind.String(), namespace, name}, "/")
}

func objectsOf(set *Set) []string {
	var names []string
	for _, object := range set.Objects {
		names = append(names, described(object.Kind.Kind.GroupKind(), object.GetNamespace(), object.GetName()))
	}
	return names
}

func skippedOf(set *Set) []string {
	var names []string
	for _, skipped := range set.Skipped {
		names = append(names, described(skipped.Kind.GroupKind(), skipped.Namespace, skipped.Name))
	}
	return names
}

// expected returns the names of the objects of the fixture that are to have a fate.
func expected(fate string) []string {
	var names []string
	for _, object := range fixture {
		if object.GetLabels()["expect"] == fate {
			names = append(names, described(object.GroupVersionKind().GroupKind(), object.GetNamespace(), object.GetName()))
		}
	}
	return names
}
