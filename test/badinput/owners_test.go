package badinput_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
)

var _ = Describe("owners", func() {
	It("may own each other, themselves, objects of other namespaces, or not exist: all objects arrive and stay", func(ctx SpecContext) {
		// The source's garbage collector would delete what has no owner before it could be migrated; the destination's runs.
		Expect(source.StopProcess(localcluster.ControllerManager)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(source.StartProcess(ctx, localcluster.ControllerManager)).To(Succeed()) })
		namespace, other := newNamespace(ctx), newNamespace(ctx)
		first, second := configMap(namespace, "first", "x"), configMap(namespace, "second", "x")
		self := configMap(namespace, "self", "x")
		foreign, orphan := configMap(namespace, "foreign", "x"), configMap(namespace, "orphan", "x")
		elsewhere := configMap(other, "elsewhere", "x")
		all := []*corev1.ConfigMap{first, second, self, foreign, orphan, elsewhere}
		for _, object := range all {
			Expect(here.Create(ctx, object)).To(Succeed())
		}
		own(ctx, first, second.Name, second.UID)
		own(ctx, second, first.Name, first.UID)
		own(ctx, self, self.Name, self.UID)
		own(ctx, foreign, elsewhere.Name, elsewhere.UID)
		own(ctx, orphan, "nothing", "6f1a7a0e-0000-4000-8000-000000000000")

		// An owner that is migrated as well would make its own objects anew.
		migrate(ctx, storkv1alpha1.MigrationSpec{IgnoreOwnerReferencesCheck: new(true)}, namespace, other)
		for _, object := range all {
			found := arrived(ctx, object)
			for _, owner := range found.OwnerReferences {
				Expect(there.Get(ctx, client.ObjectKey{Namespace: found.Namespace, Name: owner.Name}, &corev1.ConfigMap{})).To(Succeed(),
					"%s has an owner that does not exist, so that it would be deleted", object.Name)
			}
		}
	})
})

// own makes a ConfigMap of a name and UID the owner of another one.
func own(ctx context.Context, object *corev1.ConfigMap, name string, uid types.UID) {
	GinkgoHelper()
	object.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: name, UID: uid}}
	Expect(here.Update(ctx, object)).To(Succeed())
}
