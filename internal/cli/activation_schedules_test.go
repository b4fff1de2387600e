package cli

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("deactivate migrations with a schedule of several namespaces", func() {
	It("tells it only when nothing of it runs here any more, in whatever namespace", func(ctx SpecContext) {
		ensureNamespace(ctx, hereClient, "kube-system")
		first, other := newNamespace(ctx, hereClient, nil), newNamespace(ctx, hereClient, nil)
		s := &storkv1alpha1.MigrationSchedule{}
		s.Namespace, s.Name = "kube-system", first
		s.Annotations = map[string]string{storkv1alpha1.AnnotationStaticCopy: "true"}
		s.Spec.SchedulePolicyName = "p"
		s.Spec.Template.Spec = storkv1alpha1.MigrationSpec{
			ClusterPair: "pair1", Namespaces: []string{first, other}, ExcludeSelectors: map[string]string{"not": "mine"},
		}
		create(ctx, hereClient, s)
		DeferCleanup(func(ctx SpecContext) { _ = hereClient.Delete(ctx, s) })
		excluded, native := scaledDown(other, "apps/v1", "Deployment", "excluded"), scaledDown(other, "apps/v1", "Deployment", "native")
		excluded.SetLabels(map[string]string{"not": "mine"})
		native.SetAnnotations(nil)
		Expect(unstructured.SetNestedField(native.Object, int64(2), "spec", "replicas")).To(Succeed())
		for _, o := range []*unstructured.Unstructured{
			scaledDown(first, "apps/v1", "Deployment", "here"), scaledDown(other, "apps/v1", "Deployment", "there"), excluded, native,
		} {
			Expect(hereClient.Create(ctx, o)).To(Succeed())
		}
		run := func(verb, namespace string) result { return storkctl(ctx, verb, "migrations", "-n", namespace) }
		activated := func() bool {
			Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(s), s)).To(Succeed())
			return s.Status.ApplicationActivated
		}
		for _, namespace := range []string{first, other} {
			Expect(run("activate", namespace).code).To(BeZero())
		}
		Expect(activated()).To(BeTrue())

		Expect(run("deactivate", first)).To(Equal(succeeds("Updated replicas for deployment " + first + "/here to 0\n" +
			"Leaving the ApplicationActivated status in the MigrationSchedule kube-system/" + first + " at true, " +
			"for these still run here and would be migrated over: Deployment there in namespace " + other + "\n")))
		Expect(activated()).To(BeTrue())
		Expect(run("deactivate", other).out).To(HaveSuffix("MigrationSchedule kube-system/" + first + " to false\n"))
		Expect(activated()).To(BeFalse())
	})
})
