package migration

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// installWidgets installs a CRD at the source only.
func installWidgets(group string) { installKind(group, "widgets", "Widget") }

func widget(group, namespace, name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": group + "/v1", "kind": "Widget", "metadata": map[string]any{"namespace": namespace, "name": name},
		"spec": map[string]any{"size": int64(3), "paused": false},
	}}
}

func register(ctx context.Context, group string, resource storkv1alpha1.ApplicationResource) {
	GinkgoHelper()
	resource.Group, resource.Version, resource.Kind = group, "v1", "Widget"
	Expect(here.Create(ctx, &storkv1alpha1.ApplicationRegistration{
		ObjectMeta: metav1.ObjectMeta{Name: group}, Resources: []storkv1alpha1.ApplicationResource{resource},
	})).To(Succeed())
}

var _ = Describe("A Migration of custom resources", func() {
	It("brings their definition, and stops them as they are registered", func(ctx SpecContext) {
		const group = "suspended.example.com"
		namespace := newNamespace(ctx)
		installWidgets(group)
		register(ctx, group, storkv1alpha1.ApplicationResource{SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.paused", Type: "bool"}})
		Expect(here.Create(ctx, widget(group, namespace, "one"))).To(Succeed())

		migration := migrate(ctx, newMigration(namespace, "widgets"))
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(outcomes(migration)).To(HaveKeyWithValue("CustomResourceDefinition widgets."+group, "Created"))
		arrived := widget(group, namespace, "one")
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "one"}, arrived)).To(Succeed())
		paused, _, err := unstructured.NestedBool(arrived.Object, "spec", "paused")
		Expect(err).NotTo(HaveOccurred())
		Expect(paused).To(BeTrue(), "an empty suspend value of a bool means true")
		Expect(arrived.GetAnnotations()).To(HaveKeyWithValue(storkv1alpha1.SuspendMemoAnnotation("spec.paused"), "false,true"))
	})

	It("stashes them in ConfigMaps where they are registered so", func(ctx SpecContext) {
		const group = "stashed.example.com"
		namespace := newNamespace(ctx)
		installWidgets(group)
		register(ctx, group, storkv1alpha1.ApplicationResource{StashStrategy: storkv1alpha1.StashStrategy{StashCR: true}})
		Expect(here.Create(ctx, widget(group, namespace, "one"))).To(Succeed())

		migration := migrate(ctx, newMigration(namespace, "widgets"))
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(outcomes(migration)).To(HaveKeyWithValue("Widget one", "Created"))
		stash := &corev1.ConfigMap{}
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "widget-" + group + "-one"}, stash)).To(Succeed())
		Expect(stash.Labels).To(HaveKeyWithValue(storkv1alpha1.LabelStashCR, "true"))
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "one"}, widget(group, namespace, "one"))).NotTo(Succeed())
		Expect(outcomes(migrate(ctx, newMigration(namespace, "again")))).To(HaveKeyWithValue("Widget one", "Unchanged"))
	})
})
