package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("an object as Stork's own client writes it", func() {
	for _, obj := range storkObjects() {
		Context(id(obj), Ordered, func() {
			var created *unstructured.Unstructured
			payload := func(of *unstructured.Unstructured) map[string]any {
				fields := of.DeepCopy().Object
				delete(fields, "status")
				delete(fields, "metadata")
				return fields
			}
			expectKept := func(ctx SpecContext) {
				GinkgoHelper()
				Expect(lost(payload(obj), get(ctx, created).Object, "")).To(BeEmpty())
			}

			It("is created and read back", func(ctx SpecContext) {
				created = place(obj, newNamespace(ctx))
				Expect(k8s.Create(ctx, created, strict)).To(Succeed())
				expectKept(ctx)
			})
			if status, found := obj.Object["status"]; found {
				It("has a status that is read back", func(ctx SpecContext) {
					written := get(ctx, created)
					written.Object["status"] = status
					Expect(k8s.Status().Update(ctx, written)).To(Succeed())
					Expect(lost(status, get(ctx, created).Object["status"], "status")).To(BeEmpty())
				})
			}
			It("is updated by the same body", func(ctx SpecContext) {
				before := get(ctx, created)
				body := place(obj, created.GetNamespace())
				body.SetName(created.GetName())
				body.SetResourceVersion(before.GetResourceVersion())
				Expect(k8s.Update(ctx, body, strict)).To(Succeed())
				expectKept(ctx)
				Expect(get(ctx, created).GetGeneration()).To(Equal(before.GetGeneration()))
			})
			It("is patched", func(ctx SpecContext) {
				patch := fmt.Appendf(nil, `{"metadata":{"finalizers":[%q],"labels":null}}`, storkv1alpha1.FinalizerCleanup)
				Expect(k8s.Patch(ctx, created.DeepCopy(), client.RawPatch(types.MergePatchType, patch))).To(Succeed())
				expectKept(ctx)
			})
			It("is applied by the server", func(ctx SpecContext) {
				intent := client.ApplyConfigurationFromUnstructured(withoutNullDefaults(place(obj, newNamespace(ctx))))
				Expect(k8s.Apply(ctx, intent, client.FieldOwner("gitops"))).To(Succeed())
			})
			It("is read and written by the Go type", func(ctx SpecContext) {
				typed := newTyped(obj)
				Expect(k8s.Get(ctx, client.ObjectKeyFromObject(created), typed)).To(Succeed())
				typed.SetFinalizers(nil)
				Expect(k8s.Update(ctx, typed, strict)).To(Succeed())
				Expect(lost(nonZero(payload(obj)), get(ctx, created).Object, "")).To(BeEmpty())
				Expect(lost(nonZero(obj.Object["status"]), get(ctx, created).Object["status"], "status")).To(BeEmpty())
			})
		})
	}
})

// withoutNullDefaults leaves out nulls for which there is a default. Create and update put the default in their place, but
// server-side apply refuses them; Stork itself replaces these nulls as soon as it sees the object.
func withoutNullDefaults(obj *unstructured.Unstructured) *unstructured.Unstructured {
	for _, path := range [][]string{{"spec"}, {"spec", "template", "spec"}} {
		fields, _, _ := unstructured.NestedMap(obj.Object, path...)
		for _, field := range []string{
			"suspend", "includeResources", "includeVolumes", "startApplications", "purgeDeletedResources", "skipServiceUpdate",
			"includeNetworkPolicyWithCIDR", "skipDeletedNamespaces", "ignoreOwnerReferencesCheck",
		} {
			if fields[field] == nil {
				unstructured.RemoveNestedField(obj.Object, append(path, field)...)
			}
		}
	}
	return obj
}

func TestGoTypesKeepWhatStorkWrote(t *testing.T) {
	for _, obj := range storkObjects() {
		t.Run(id(obj), func(t *testing.T) {
			typed := newTyped(obj)
			if err := json.Unmarshal(must(obj.MarshalJSON()), typed); err != nil {
				t.Fatal(err)
			}
			got := &unstructured.Unstructured{}
			if err := got.UnmarshalJSON(must(json.Marshal(typed))); err != nil {
				t.Fatal(err)
			}
			if paths := lost(nonZero(obj.Object), got.Object, ""); len(paths) > 0 {
				t.Errorf("lost %v in\n%s", paths, must(json.MarshalIndent(typed, "", "  ")))
			}
		})
	}
}

// nonZero leaves out fields that a Go type reads as if they were absent, and need not write.
func nonZero(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, field := range value {
			if field = nonZero(field); field != nil && !reflect.ValueOf(field).IsZero() {
				kept[key] = field
			}
		}
		return kept
	case []any:
		kept := make([]any, len(value))
		for i := range value {
			kept[i] = nonZero(value[i])
		}
		return kept
	}
	return value
}

// newTyped is an empty object of the Go type of obj.
func newTyped(obj *unstructured.Unstructured) client.Object {
	return must(newScheme().New(obj.GroupVersionKind())).(client.Object)
}
