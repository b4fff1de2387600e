package resourcetransformation

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/test/leak"
)

var (
	config *rest.Config
	k8s    client.Client
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { leak.Main(m) }

func TestResourceTransformation(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	RunSpecs(t, "ResourceTransformation")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	cluster, err := localcluster.Start(ctx, localcluster.Options{Name: "resourcetransformation", Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(cluster.Stop)
	config = cluster.Config()
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(storkv1alpha1.AddToScheme(scheme)).To(Succeed())
	Expect(apiextensionsv1.AddToScheme(scheme)).To(Succeed())
	k8s, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())

	// Stork's CRD has no schema and no status subresource: it takes everything.
	installSchemaless("resourcetransformations", "ResourceTransformation", storkv1alpha1.GroupName, "v1alpha1")
	installSchemaless("widgets", "Widget", "example.com", "v2")
	createStorks(ctx)
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{
		Paths: []string{filepath.Join("..", "..", "..", "config", "crd", "bases")}, ErrorIfPathMissing: true,
	})
	Expect(err).NotTo(HaveOccurred())
})

func installSchemaless(plural, kind, group, version string) {
	GinkgoHelper()
	_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{{
		ObjectMeta: metav1.ObjectMeta{Name: plural + "." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Kind: kind},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: version, Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{
					OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: new(true)},
				},
			}},
		},
	}}})
	Expect(err).NotTo(HaveOccurred())
}

// storks is the namespace of ResourceTransformations that were there before Godwit.
const storks = "storks"

// createStorks makes ResourceTransformations that only Stork's CRD takes.
func createStorks(ctx context.Context) {
	GinkgoHelper()
	Expect(k8s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: storks}})).To(Succeed())
	for name, path := range map[string]map[string]any{
		"unknown-operation": {"path": "spec.x", "value": "1", "type": "int", "operation": "multiply"},
		"unknown-type":      {"path": "spec.x", "value": "1.5", "type": "float", "operation": "add"},
		"ready":             {"path": "metadata.annotations.a", "value": "b", "type": "string", "operation": "add"},
	} {
		object := &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": name, "namespace": storks, "finalizers": []any{storkv1alpha1.FinalizerCleanup}},
			"specs": map[string]any{"transformSpecs": []any{map[string]any{
				"resource": "/v1/ConfigMap", "selectors": nil, "paths": []any{path},
			}}},
			"status": map[string]any{"status": "Ready", "resources": nil},
		}}
		object.SetGroupVersionKind(storkv1alpha1.GroupVersion.WithKind("ResourceTransformation"))
		Expect(k8s.Create(ctx, object)).To(Succeed())
	}
}

// fixture is a namespace with a reconciler, which a test calls itself.
type fixture struct {
	namespace  string
	reconciler *Reconciler
	recorder   *events.FakeRecorder
	// next is when it shall be reconciled again; zero is never.
	next time.Duration
}

func newFixture(ctx context.Context) *fixture {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "transform-"}}
	Expect(k8s.Create(ctx, namespace)).To(Succeed())
	f := &fixture{namespace: namespace.Name, recorder: events.NewFakeRecorder(100)}
	f.reconciler = &Reconciler{
		Client: k8s, Dynamic: dynamicFor(config), Mapper: k8s.RESTMapper(), Recorder: f.recorder, Clock: clock.RealClock{},
	}
	return f
}

func dynamicFor(config *rest.Config) dynamic.Interface {
	GinkgoHelper()
	d, err := dynamic.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	return d
}

// create makes a ResourceTransformation.
func (f *fixture) create(ctx context.Context, specs ...storkv1alpha1.TransformSpec) *storkv1alpha1.ResourceTransformation {
	GinkgoHelper()
	transformation := &storkv1alpha1.ResourceTransformation{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "change"},
		Spec:       storkv1alpha1.ResourceTransformationSpec{Objects: specs},
	}
	Expect(k8s.Create(ctx, transformation)).To(Succeed())
	return transformation
}

// reconcile reconciles a ResourceTransformation once and returns it as it is then.
func (f *fixture) reconcile(ctx context.Context, transformation *storkv1alpha1.ResourceTransformation) (*storkv1alpha1.ResourceTransformation, error) {
	GinkgoHelper()
	key := client.ObjectKeyFromObject(transformation)
	result, err := f.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: key})
	after := &storkv1alpha1.ResourceTransformation{}
	Expect(client.IgnoreNotFound(k8s.Get(ctx, key, after))).To(Succeed())
	f.next = result.RequeueAfter
	if after.Status.Status != storkv1alpha1.ResourceTransformationStatusFailed {
		Expect(result).To(BeZero())
	}
	return after, err
}

// judge makes a ResourceTransformation and reconciles it once.
func (f *fixture) judge(ctx context.Context, specs ...storkv1alpha1.TransformSpec) *storkv1alpha1.ResourceTransformation {
	GinkgoHelper()
	after, err := f.reconcile(ctx, f.create(ctx, specs...))
	Expect(err).NotTo(HaveOccurred())
	return after
}

// configMap makes a ConfigMap.
func (f *fixture) configMap(ctx context.Context, name string, labels, data map[string]string) *corev1.ConfigMap {
	GinkgoHelper()
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name, Labels: labels}, Data: data}
	Expect(k8s.Create(ctx, configMap)).To(Succeed())
	return configMap
}

func spec(resource string, paths ...storkv1alpha1.ResourcePath) storkv1alpha1.TransformSpec {
	return storkv1alpha1.TransformSpec{Resource: resource, Paths: paths}
}

func add(path string, valueType storkv1alpha1.TransformValueType, value string) storkv1alpha1.ResourcePath {
	return storkv1alpha1.ResourcePath{Path: path, Type: valueType, Value: value, Operation: storkv1alpha1.TransformAdd}
}

// expectVerdict expects a status that agrees with itself: the state, the three conditions and the generation. It returns the
// message.
func expectVerdict(transformation *storkv1alpha1.ResourceTransformation, state storkv1alpha1.ResourceTransformationStatusType, reason string) string {
	GinkgoHelper()
	want := map[storkv1alpha1.ResourceTransformationStatusType][3]metav1.ConditionStatus{
		storkv1alpha1.ResourceTransformationStatusInProgress: {metav1.ConditionUnknown, metav1.ConditionTrue, metav1.ConditionFalse},
		storkv1alpha1.ResourceTransformationStatusReady:      {metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionFalse},
		storkv1alpha1.ResourceTransformationStatusFailed:     {metav1.ConditionFalse, metav1.ConditionFalse, metav1.ConditionTrue},
	}[state]
	conditions := transformation.Status.Conditions
	ready := apimeta.FindStatusCondition(conditions, storkv1alpha1.ConditionReady)
	Expect(ready).NotTo(BeNil())
	Expect(transformation.Status.Status).To(Equal(state), ready.Message)
	Expect(ready.Reason).To(Equal(reason), ready.Message)
	Expect(ready.Status).To(Equal(want[0]))
	Expect(apimeta.IsStatusConditionPresentAndEqual(conditions, storkv1alpha1.ConditionReconciling, want[1])).To(BeTrue())
	Expect(apimeta.IsStatusConditionPresentAndEqual(conditions, storkv1alpha1.ConditionStalled, want[2])).To(BeTrue())
	Expect(transformation.Status.ObservedGeneration).To(Equal(transformation.Generation))
	Expect(ready.ObservedGeneration).To(Equal(transformation.Generation))
	return ready.Message
}

// unavailable answers the first requests of a method with 503.
type unavailable struct {
	next   http.RoundTripper
	method string
	times  int
}

func (u *unavailable) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == u.method && u.times > 0 {
		u.times--
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Request: request, Header: http.Header{}}, nil
	}
	return u.next.RoundTrip(request)
}
