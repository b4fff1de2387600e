package chart_test

import (
	"context"
	"strings"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Nothing of these tests stays in the cluster.
var _ = Describe("What is rendered", func() {
	BeforeEach(func(ctx SpecContext) {
		_, err := kubectl(ctx, destination, nil, "apply", "--server-side", "-f", "testdata/servicemonitor.yaml")
		Expect(err).NotTo(HaveOccurred())
		_, err = kubectl(ctx, destination, nil, "wait", "--for=condition=Established", "crd/servicemonitors.monitoring.coreos.com")
		Expect(err).NotTo(HaveOccurred())
		elsewhere := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: "elsewhere", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
		}}
		Expect(client.IgnoreAlreadyExists(there.Create(ctx, elsewhere))).To(Succeed())
	})

	DescribeTable("is accepted by an API server", func(ctx SpecContext, args ...string) {
		manifest, err := template(ctx, args...)
		Expect(err).NotTo(HaveOccurred())
		expectAccepted(ctx, manifest)
	},
		Entry("of the chart's own values"),
		Entry("of values all switched over", "--values", valuesOff),
		Entry("of values all changed, in another namespace", "--values", valuesChanged, "--namespace", "elsewhere"),
		Entry("of no more than a metrics port", "--set", "metrics.serviceMonitor.enabled=true"),
	)

	It("is accepted by an API server from config/default and config/prometheus", func(ctx SpecContext) {
		for _, folder := range []string{"default", "prometheus"} {
			expectAccepted(ctx, kustomize(ctx, folder))
		}
	})

	It("has pods that are accepted where only restricted ones are", func(ctx SpecContext) {
		manifest, err := template(ctx, "--namespace", "elsewhere")
		Expect(err).NotTo(HaveOccurred())
		deployment := &appsv1.Deployment{}
		rendered := byName(objectsOf(manifest))["Deployment "+release]
		Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(rendered.Object, deployment)).To(Succeed())
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "elsewhere", Name: release}, Spec: deployment.Spec.Template.Spec}
		Expect(there.Create(ctx, pod, client.DryRunAll)).To(Succeed())
	})

	It("goes to kube-system unless another namespace is chosen", func(ctx SpecContext) {
		for namespace, args := range map[string][]string{
			"kube-system": nil,
			"elsewhere":   {"--namespace", "elsewhere"},
		} {
			manifest, err := template(ctx, args...)
			Expect(err).NotTo(HaveOccurred())
			for _, object := range objectsOf(manifest) {
				Expect(object.GetNamespace()).To(BeElementOf("", namespace), object.GetName())
			}
		}
	})

	It("is the same from config/default as from the chart", func(ctx SpecContext) {
		manifest, err := template(ctx)
		Expect(err).NotTo(HaveOccurred())
		fromChart, fromKustomize := byName(objectsOf(manifest)), byName(objectsOf(kustomize(ctx, "default")))
		for name := range fromChart {
			Expect(fromKustomize).To(HaveKey(name))
		}
		for name, object := range fromKustomize {
			Expect(fromChart).To(HaveKey(name))
			Expect(cmp.Diff(essence(fromChart[name]), essence(object))).To(BeEmpty(), name)
		}
	})
})

// expectAccepted applies in a dry run, whoever owns what is there. Fields that the API server does not know are errors.
func expectAccepted(ctx context.Context, manifest string) {
	GinkgoHelper()
	_, err := kubectl(ctx, destination, strings.NewReader(manifest),
		"apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
	Expect(err).NotTo(HaveOccurred())
}

func kustomize(ctx context.Context, folder string) string {
	GinkgoHelper()
	manifest, err := kubectl(ctx, destination, nil, "kustomize", root+"/config/"+folder)
	Expect(err).NotTo(HaveOccurred())
	return manifest
}

func objectsOf(manifest string) []*unstructured.Unstructured {
	GinkgoHelper()
	objects, err := decode(manifest)
	Expect(err).NotTo(HaveOccurred())
	Expect(objects).NotTo(BeEmpty())
	return objects
}

func byName(objects []*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	named := map[string]*unstructured.Unstructured{}
	for _, object := range objects {
		named[object.GetKind()+" "+object.GetName()] = object
	}
	return named
}

// essence is an object without labels and the fields that select by them: every tool sets its own.
func essence(object *unstructured.Unstructured) map[string]any {
	object = object.DeepCopy()
	for _, path := range [][]string{
		{"metadata", "annotations", "helm.sh/resource-policy"},
		{"metadata", "labels", "app.kubernetes.io/name"},
		{"metadata", "labels", "app.kubernetes.io/component"},
		{"metadata", "labels", "app.kubernetes.io/instance"},
		{"metadata", "labels", "app.kubernetes.io/managed-by"},
		{"metadata", "labels", "app.kubernetes.io/version"},
		{"metadata", "labels", "helm.sh/chart"},
		{"spec", "selector"},
		{"spec", "podSelector"},
		{"spec", "template", "metadata", "labels"},
		{"spec", "template", "spec", "topologySpreadConstraints"},
	} {
		unstructured.RemoveNestedField(object.Object, path...)
	}
	if len(object.GetLabels()) == 0 {
		object.SetLabels(nil)
	}
	return object.Object
}
