package v1alpha1_test

import (
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const samplesDir = "../../config/samples"

// kubectl runs with strict validation of fields, which is its default.
func kubectl(ctx SpecContext, args ...string) string {
	GinkgoHelper()
	command := exec.CommandContext(ctx, cluster.KubectlPath(), append([]string{"--kubeconfig", cluster.KubeconfigFile()}, args...)...)
	output, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(output))
	return string(output)
}

var _ = Describe("kubectl apply", func() {
	for _, dir := range []string{"testdata/examples", samplesDir} {
		Context("of "+dir, Ordered, func() {
			objects := readObjects(dir + "/*.yaml")

			It("takes every file, and finds nothing to change in a second run", func(ctx SpecContext) {
				makeNamespacesOf(ctx, objects)
				kubectl(ctx, "apply", "-f", dir)
				before := versions(ctx, objects)
				kubectl(ctx, "apply", "-f", dir)
				Expect(versions(ctx, objects)).To(Equal(before))
			})
			It("takes every file when the server does the applying, as Argo CD and Flux ask for", func(ctx SpecContext) {
				kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-f", dir)
			})
			for _, obj := range objects {
				It("keeps what "+id(obj)+" says", func(ctx SpecContext) {
					expectApplied(ctx, obj)
				})
			}
		})
	}

	It("has a sample of each kind", func() {
		var sampled []string
		for _, obj := range readObjects(samplesDir + "/*.yaml") {
			sampled = append(sampled, obj.GetKind())
		}
		for _, kind := range kinds {
			Expect(sampled).To(ContainElement(kind.name))
		}
	})
})

func makeNamespacesOf(ctx SpecContext, objects []*unstructured.Unstructured) {
	GinkgoHelper()
	for _, obj := range objects {
		if obj.GetNamespace() == "" {
			continue
		}
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: obj.GetNamespace()}}
		Expect(k8s.Create(ctx, namespace)).To(Or(Succeed(), Satisfy(apierrors.IsAlreadyExists)))
	}
}

// applied is the manifest with the namespace that kubectl puts it into.
func applied(manifest *unstructured.Unstructured) *unstructured.Unstructured {
	obj := manifest.DeepCopy()
	if kindOf(obj).clusterScoped {
		obj.SetNamespace("")
	} else if obj.GetNamespace() == "" {
		obj.SetNamespace(metav1.NamespaceDefault)
	}
	return obj
}

// versions are the resource versions of the live objects.
func versions(ctx SpecContext, manifests []*unstructured.Unstructured) map[string]string {
	GinkgoHelper()
	all := map[string]string{}
	for _, manifest := range manifests {
		all[id(manifest)] = get(ctx, applied(manifest)).GetResourceVersion()
	}
	return all
}

// expectApplied compares the live object to its manifest. A status is not applied, so it is written first, as a
// controller would.
func expectApplied(ctx SpecContext, manifest *unstructured.Unstructured) {
	GinkgoHelper()
	want := applied(manifest)
	live := get(ctx, want)
	if status, found := want.Object["status"]; found {
		live.Object["status"] = status
		Expect(k8s.Status().Update(ctx, live)).To(Succeed())
	}
	Expect(lost(want.Object, get(ctx, want).Object, "")).To(BeEmpty())
}
