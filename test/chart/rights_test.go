package chart_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// itTellsWhatIsForbidden takes the right away that the chart can do without.
func itTellsWhatIsForbidden() {
	It("says so when it may not try a ResourceTransformation", func(ctx SpecContext) {
		_, err := helm(ctx, source, "upgrade", release, chart, "--namespace", namespace, "--set", "rbac.dryRunTransformations=false,rbac.failover=false")
		Expect(err).NotTo(HaveOccurred())
		judged := transformAnew(ctx, "medium")
		Expect(judged.Status.Status).To(Equal(storkv1alpha1.ResourceTransformationStatusFailed))
		ready := apimeta.FindStatusCondition(judged.Status.Conditions, storkv1alpha1.ConditionReady)
		Expect(ready.Message).To(And(ContainSubstring("forbidden"), ContainSubstring("cannot patch resource")))
	})

	It("tries a ResourceTransformation where it may", func(ctx SpecContext) {
		name := metav1.ObjectMeta{Namespace: shop, Name: "try-transformations"}
		Expect(here.Create(ctx, &rbacv1.Role{ObjectMeta: name, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{"", "apps"}, Resources: []string{"deployments", "persistentvolumeclaims"}, Verbs: []string{"create", "patch"},
		}}})).To(Succeed())
		Expect(here.Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: name,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name.Name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: release}},
		})).To(Succeed())
		expectRight(ctx, operatorUser, "create", corev1.Resource("persistentvolumeclaims"), true)
		Expect(transformAnew(ctx, "low").Status.Status).To(Equal(storkv1alpha1.ResourceTransformationStatusReady))
	})
}

// itServesUsers looks at the roles that Kubernetes has.
func itServesUsers() {
	It("lets the owners of a namespace migrate it, and others look on", func(ctx SpecContext) {
		for user, role := range map[string]string{"owner": "admin", "guest": "view"} {
			Expect(here.Create(ctx, &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: user},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
				Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
			})).To(Succeed())
		}
		for _, kind := range []string{"clusterpairs", "backuplocations", "migrations", "rules", "resourcetransformations"} {
			expectRight(ctx, "owner", "create", ours(kind), true)
			expectRight(ctx, "guest", "create", ours(kind), false)
		}
		expectRight(ctx, "owner", "update", ours("migrationschedules/status"), true)
		expectRight(ctx, "guest", "list", ours("migrations"), true)
		expectRight(ctx, "guest", "list", ours("clusterpairs"), false)
		expectRight(ctx, "guest", "list", ours("backuplocations"), false)
	})
}

// ours is a resource of Stork's group.
func ours(name string) schema.GroupResource {
	return schema.GroupResource{Group: storkv1alpha1.GroupName, Resource: name}
}

// expectRight asks the API server what a user may do in the shop. Roles take effect a moment after they were made.
func expectRight(ctx SpecContext, user, verb string, resource schema.GroupResource, allowed bool) {
	GinkgoHelper()
	name, subresource, _ := strings.Cut(resource.Resource, "/")
	asked := &authorizationv1.ResourceAttributes{Namespace: shop, Verb: verb, Group: resource.Group, Resource: name, Subresource: subresource}
	Eventually(func(g Gomega) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: asked}}
		g.Expect(here.Create(ctx, review)).To(Succeed())
		g.Expect(review.Status.Allowed).To(Equal(allowed), "%s may %s %s", user, verb, resource.String())
	}).Should(Succeed())
}
