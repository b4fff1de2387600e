package migration

import (
	"context"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/test/fault/faultproxy"
)

// pairBySecret makes a ClusterPair that is Ready, with its credential in a Secret of the same name.
func pairBySecret(ctx SpecContext, namespace, name string, kubeconfig []byte) {
	GinkgoHelper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	Expect(here.Create(ctx, &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"kubeconfig": kubeconfig}})).To(Succeed())
	pair := &storkv1alpha1.ClusterPair{
		ObjectMeta: meta,
		Spec:       storkv1alpha1.ClusterPairSpec{KubeconfigSecretRef: &storkv1alpha1.KubeconfigSecretRef{Name: name}},
	}
	Expect(here.Create(ctx, pair)).To(Succeed())
	pair.Status.SchedulerStatus = storkv1alpha1.ClusterPairStatusReady
	Expect(here.Status().Update(ctx, pair)).To(Succeed())
}

var _ = Describe("A Migration by a pair that became another one since it was probed", func() {
	DescribeTable("refuses to run over its own cluster", func(ctx SpecContext, kubeconfig func() ([]byte, error)) {
		namespace := newNamespace(ctx)
		Expect(here.Create(ctx, deployment(namespace, "web", 3))).To(Succeed())
		content, err := kubeconfig()
		Expect(err).NotTo(HaveOccurred())
		pairBySecret(ctx, namespace, "home", content)
		migration := newMigration(namespace, "home")
		migration.Spec.ClusterPair = "home"
		migrate(ctx, migration)
		Expect(succeededMessage(migration)).To(HavePrefix("SameCluster: ClusterPair " + namespace + "/home leads to "))
		web := &appsv1.Deployment{}
		Expect(here.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "web"}, web)).To(Succeed())
		Expect(web.Spec.Replicas).To(HaveValue(BeEquivalentTo(3)))
	},
		Entry("with an administrator's credential", func() ([]byte, error) { return sourceCluster.Kubeconfig(), nil }),
		Entry("with one that may not read ClusterPairs", func() ([]byte, error) {
			grantNamespacesOnly()
			return sourceCluster.UserKubeconfig("namespaces-only")
		}),
	)

	It("refuses to run over its own cluster although that does not answer at first", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		proxy, err := faultproxy.Start(sourceCluster.Config())
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(proxy.Close)
		question := func(request *http.Request) bool {
			return strings.HasSuffix(request.URL.Path, "/namespaces/"+namespace) || strings.HasSuffix(request.URL.Path, "/clusterpairs/home")
		}
		silence := &faultproxy.Fault{Of: question, Times: 3, Do: faultproxy.Unavailable()}
		proxy.Inject(silence)
		content, err := proxy.Kubeconfig()
		Expect(err).NotTo(HaveOccurred())
		pairBySecret(ctx, namespace, "home", content)
		migration := newMigration(namespace, "home")
		migration.Spec.ClusterPair = "home"
		migrate(ctx, migration)
		Expect(succeededMessage(migration)).To(HavePrefix("SameCluster: ClusterPair " + namespace + "/home leads to "))
		Expect(silence.Struck()).To(BeEquivalentTo(3))
	})

	It("leaves the pair's credential at home", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		pairBySecret(ctx, namespace, "away", destinationCluster.Kubeconfig())
		migration := newMigration(namespace, "away")
		migration.Spec.ClusterPair = "away"
		migrate(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(outcomes(migration)).NotTo(HaveKey("Secret away"))
		Expect(migration.Status.Notices).To(ContainElement(ContainSubstring("it is the credential of ClusterPair away")))
		err := there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "away"}, &corev1.Secret{})
		Expect(client.IgnoreNotFound(err)).To(Succeed())
		Expect(err).To(HaveOccurred())
	})
})

// grantNamespacesOnly lets user "namespaces-only" read namespaces of the source and nothing else.
func grantNamespacesOnly() {
	GinkgoHelper()
	meta := metav1.ObjectMeta{Name: "namespaces-only"}
	Expect(here.Create(context.Background(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get"},
	}}})).To(Succeed())
	Expect(here.Create(context.Background(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: meta.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: meta.Name}},
	})).To(Succeed())
}
