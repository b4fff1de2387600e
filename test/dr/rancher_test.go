package dr_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// rancher is the namespace of an application in a project, which has another ID in each cluster.
	rancher    = "rancher"
	projectKey = "field.cattle.io/projectId"
)

func mapProjects(ctx SpecContext) {
	source.apply(ctx, "shop.yaml", rancher)
	source.apply(ctx, "projects.yaml", rancher)
	pair(ctx, rancher, "--project-mappings", "p-here=p-there,c-here:p-here=c-there:p-there")
	source.schedule(ctx, rancher, forward, rancher)
	standby.expectProject(ctx, "there", "neighbours")
	Expect(standby.object(ctx, "v1", "Namespace", "", rancher).GetAnnotations()).NotTo(HaveKey("lifecycle.cattle.io/create.namespace-auth"))
	failOver(ctx, rancher, forward)

	By("making at the standby what there is not at the source")
	standby.apply(ctx, "standby.yaml", rancher)
	standby.schedule(ctx, rancher, backward, rancher)
	failBack(ctx, rancher, backward)
	source.expectProject(ctx, "here", "neighbours", "strangers")
	standby.expectProject(ctx, "there", "neighbours", "strangers")
	Expect(source.replicas(ctx, rancher)).To(Equal(int64(3)))
	Expect(source.field(ctx, "v1", "ConfigMap", rancher, "menu", "metadata.labels")).To(HaveKeyWithValue(projectKey, "p-here"))
	Expect(source.field(ctx, "v1", "ConfigMap", rancher, "menu", "metadata.annotations")).To(HaveKeyWithValue(projectKey, "c-here:p-here"))
}

// expectProject expects that the namespace is in the project of a cluster, and that NetworkPolicies let that project in.
func (s *side) expectProject(ctx context.Context, place string, policies ...string) {
	GinkgoHelper()
	namespace := s.object(ctx, "v1", "Namespace", "", rancher)
	Expect(namespace.GetLabels()).To(HaveKeyWithValue(projectKey, "p-"+place))
	Expect(namespace.GetAnnotations()).To(HaveKeyWithValue(projectKey, "c-"+place+":p-"+place))
	for _, name := range policies {
		policy := &networkingv1.NetworkPolicy{}
		Expect(s.Get(ctx, client.ObjectKey{Namespace: rancher, Name: name}, policy)).To(Succeed())
		Expect(policy.Spec.Ingress[0].From[0].NamespaceSelector.MatchLabels).To(Equal(map[string]string{projectKey: "p-" + place}))
	}
}
