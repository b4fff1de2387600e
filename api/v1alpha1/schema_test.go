package v1alpha1_test

import (
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("the CRDs", func() {
	for _, kind := range kinds {
		It("serve "+kind.name+" under Stork's names", func(ctx SpecContext) {
			crd := &apiextensionsv1.CustomResourceDefinition{}
			name := kind.plural + "." + storkv1alpha1.GroupName
			Expect(k8s.Get(ctx, client.ObjectKey{Name: name}, crd)).To(Succeed())
			Expect(crd.Spec.Names.Kind).To(Equal(kind.name))
			Expect(crd.Spec.Names.Singular).To(Equal(strings.ToLower(kind.name)))
			Expect(crd.Spec.Scope).To(Equal(kind.scope()))
			Expect(crd.Status.StoredVersions).To(ConsistOf("v1alpha1"))
			Expect(crd.Spec.Versions).To(HaveLen(1))
			subresources := crd.Spec.Versions[0].Subresources
			Expect(subresources != nil && subresources.Status != nil).To(Equal(kind.hasStatus))

			properties := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties
			for _, field := range kind.payload {
				Expect(properties).To(HaveKey(field))
			}
		})
		It("let the API server find nothing wrong with "+kind.name, func(ctx SpecContext) {
			crd := &apiextensionsv1.CustomResourceDefinition{}
			Expect(k8s.Get(ctx, client.ObjectKey{Name: kind.plural + "." + storkv1alpha1.GroupName}, crd)).To(Succeed())
			var conditions []string
			for _, condition := range crd.Status.Conditions {
				conditions = append(conditions, string(condition.Type)+"="+string(condition.Status))
			}
			Expect(conditions).To(ConsistOf("Established=True", "NamesAccepted=True"))
		})
	}
})

var _ = Describe("kubectl kustomize", func() {
	It("renders every CRD", func(ctx SpecContext) {
		Expect(strings.Count(kubectl(ctx, "kustomize", "../../config/crd"), "kind: CustomResourceDefinition\n")).To(Equal(len(kinds)))
	})
})

var _ = Describe("a status", func() {
	for _, kind := range kinds {
		if !kind.hasStatus {
			continue
		}
		It("of "+kind.name+" is written by its subresource only, and that writes nothing else", func(ctx SpecContext) {
			obj, status := specimen(ctx, kind.name)
			withStatus := obj.DeepCopy()
			withStatus.Object["status"] = status
			Expect(k8s.Create(ctx, withStatus)).To(Succeed())
			Expect(lost(status, get(ctx, obj).Object["status"], "status")).NotTo(BeEmpty(), "create must ignore it")

			updated := get(ctx, obj)
			updated.Object["status"] = status
			Expect(k8s.Update(ctx, updated)).To(Succeed())
			Expect(lost(status, get(ctx, obj).Object["status"], "status")).NotTo(BeEmpty(), "update must ignore it")

			updated = get(ctx, obj)
			updated.Object["status"] = status
			updated.SetLabels(map[string]string{"changed": "true"})
			updated.Object[kind.payload[0]] = map[string]any{}
			if kind.name == "BackupLocation" {
				updated.Object["location"] = map[string]any{"type": "nfs"}
			}
			Expect(k8s.Status().Update(ctx, updated)).To(Succeed())
			after := get(ctx, obj)
			Expect(lost(status, after.Object["status"], "status")).To(BeEmpty())
			Expect(lost(obj.Object[kind.payload[0]], after.Object[kind.payload[0]], "")).To(BeEmpty())
			Expect(after.GetLabels()).To(BeEmpty())
		})
	}
})

// specimen is an object of the kind and the status that Stork gave it, nil for a kind without one.
func specimen(ctx SpecContext, kind string) (*unstructured.Unstructured, map[string]any) {
	GinkgoHelper()
	objects := storkObjects()
	i := slices.IndexFunc(objects, func(obj *unstructured.Unstructured) bool { return obj.GetKind() == kind })
	obj := objects[i]
	status, _, err := unstructured.NestedMap(obj.Object, "status")
	Expect(err).NotTo(HaveOccurred())
	delete(obj.Object, "status")
	return place(obj, newNamespace(ctx)), status
}
