package badinput_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("a name", func() {
	It("may have 253 characters: of a Migration whose report is in ConfigMaps, and of what it brings", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		long := strings.Repeat("long-name.", 25) + "end"
		Expect(long).To(HaveLen(253))
		Expect(here.Create(ctx, configMap(namespace, long, "x"))).To(Succeed())
		createConfigMaps(ctx, namespace, 500)
		migration := &storkv1alpha1.Migration{
			ObjectMeta: metav1.ObjectMeta{Namespace: adminNamespace, Name: long},
			Spec:       storkv1alpha1.MigrationSpec{ClusterPair: remote, Namespaces: []string{namespace}, IncludeVolumes: new(false)},
		}
		Expect(here.Create(ctx, migration)).To(Succeed())
		finish(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful))
		Expect(migration.Status.Report).NotTo(BeNil())
		Expect(len(report(ctx, migration))).To(BeNumerically(">", 500))
		Expect(arrived(ctx, configMap(namespace, long, "")).Annotations).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrationName, long))
	})

	It("may have dots and colons, but a Role's that begins with system: is of the cluster's own components", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		const name = "team:x:y.z"
		own := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "system:x:y"}}
		Expect(here.Create(ctx, own)).To(Succeed())
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "dotted.name"}}
		subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account.Name}}
		team := "team:" + namespace + ":reader"
		objects := []client.Object{
			account,
			&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}},
			&rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			},
			&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: team}},
			&rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: team}, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: team},
			},
		}
		for _, object := range objects {
			Expect(here.Create(ctx, object)).To(Succeed())
		}
		migrate(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		for _, object := range objects {
			arrived(ctx, object)
		}
		Expect(there.Get(ctx, client.ObjectKeyFromObject(own), own)).To(MatchError(ContainSubstring("not found")))
	})
})

var _ = Describe("an unknown field", func() {
	It("of a custom resource arrives", func(ctx SpecContext) {
		installBoxes(ctx)
		namespace := newNamespace(ctx)
		object := box(namespace, "free", map[string]any{"nobody": map[string]any{"knows": []any{"this", int64(1), nil, map[string]any{"": true}}}})
		Expect(here.Create(ctx, object)).To(Succeed())
		migrate(ctx, storkv1alpha1.MigrationSpec{}, namespace)
		Expect(arrived(ctx, object).Object["spec"]).To(Equal(object.Object["spec"]))
	})

	It("of a resource of ours is dropped with a warning where it is not refused", func(ctx SpecContext) {
		const manifest = `
apiVersion: stork.libopenstorage.org/v1alpha1
kind: Migration
metadata: {name: unknown-field, namespace: shop}
spec: {clusterPair: nothing, namespaces: [shop], includeVolume: false}
`
		printed, err := kubectl(ctx, manifest, "create", "--validate=warn", "-f", "-")
		Expect(err).NotTo(HaveOccurred())
		Expect(printed).To(ContainSubstring(`Warning: unknown field "spec.includeVolume"`))
		stored, err := kubectl(ctx, "", "get", "migration", "unknown-field", "-n", shop, "-o", "jsonpath={.spec}")
		Expect(err).NotTo(HaveOccurred())
		Expect(stored).NotTo(ContainSubstring(`"includeVolume":`))
	})
})
