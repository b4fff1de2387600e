package v1alpha1_test

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
)

// crdDir holds the generated CRDs, which the whole suite is about.
const crdDir = "../../config/crd/bases"

var (
	cluster *localcluster.Cluster
	config  *rest.Config
	k8s     client.Client
)

func TestAPI(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "API")
}

// The suite runs on CRDs that took over from Stork's: what takeover_test.go looks at exists since before.
var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	cluster, err = localcluster.Start(ctx, localcluster.Options{Name: "api", Progress: os.Stderr})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return cluster.Stop() })

	config = cluster.Config()
	k8s, err = client.New(config, client.Options{Scheme: newScheme()})
	Expect(err).NotTo(HaveOccurred())

	By("trying the CRDs on a cluster that has none")
	for _, crd := range readCRDs() {
		Expect(k8s.Create(ctx, crd, client.DryRunAll)).To(Succeed(), crd.Name)
	}

	By("installing Stork's CRDs and using them")
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{CRDs: storkCRDs()})
	Expect(err).NotTo(HaveOccurred())
	useStork(ctx)

	By("installing the CRDs over them")
	_, err = envtest.InstallCRDs(config, envtest.CRDInstallOptions{CRDs: readCRDs()})
	Expect(err).NotTo(HaveOccurred())
	for _, kind := range kinds {
		Eventually(func() error { return k8s.Create(ctx, kind.unknownField(), client.DryRunAll, strict) }).
			Should(MatchError(ContainSubstring("unknown field")), "the schema of %s never came into force", kind.name)
	}
})

// strict has the API server refuse fields that the schema does not know.
var strict = client.FieldValidation(metav1.FieldValidationStrict)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))
	utilruntime.Must(storkv1alpha1.AddToScheme(scheme))
	return scheme
}

func readCRDs() []*apiextensionsv1.CustomResourceDefinition {
	GinkgoHelper()
	options := envtest.CRDInstallOptions{Paths: []string{crdDir}, ErrorIfPathMissing: true, Scheme: newScheme()}
	Expect(envtest.ReadCRDFiles(&options)).To(Succeed())
	Expect(options.CRDs).To(HaveLen(len(kinds)))
	return options.CRDs
}

func newNamespace(ctx SpecContext) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "api-"}}
	Expect(k8s.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}

func get(ctx SpecContext, of *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	got := &unstructured.Unstructured{}
	got.SetGroupVersionKind(of.GroupVersionKind())
	Expect(k8s.Get(ctx, client.ObjectKeyFromObject(of), got)).To(Succeed())
	return got
}
