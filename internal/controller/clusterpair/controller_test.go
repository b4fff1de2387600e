package clusterpair

import (
	"encoding/json"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// The tests that stop the destination run alone: Ginkgo runs the specs of one process one after the other.

var _ = Describe("A ClusterPair", func() {
	var b *bench
	BeforeEach(func(ctx SpecContext) { b = newBench(ctx) })

	It("becomes Ready with the version of the other cluster", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		next := b.pass(ctx, pair, 0)

		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusReady))
		Expect(pair.Status.StorageStatus).To(Equal(storkv1alpha1.ClusterPairStatusNotProvided))
		Expect(pair.Status.ServerVersion).To(Equal(localcluster.Version))
		Expect(pair.Status.LastProbeTime.UTC()).To(Equal(epoch))
		Expect(pair.Status.ObservedGeneration).To(Equal(pair.Generation))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))
		Expect(state(pair, storkv1alpha1.ConditionReachable)).To(Equal("True/Ready"))
		Expect(state(pair, storkv1alpha1.ConditionAuthorized)).To(Equal("True/Ready"))
		Expect(state(pair, storkv1alpha1.ConditionStoragePaired)).To(Equal("False/NotProvided"))
		Expect(controllerutil.ContainsFinalizer(pair, storkv1alpha1.FinalizerCleanup)).To(BeTrue())
		Expect(next).To(BeNumerically("~", 66*time.Second, 6*time.Second))
		Expect(b.told()).To(ConsistOf(
			HavePrefix("Normal Ready Scheduler successfully paired"),
			"Normal NotProvided Skipping storage pairing since no storage options provided",
		))
	})

	It("is written and told of again only when something changes", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		b.pass(ctx, pair, 0)
		b.told()
		version := pair.ResourceVersion

		b.pass(ctx, pair, time.Minute)
		b.pass(ctx, pair, time.Minute)
		Expect(pair.ResourceVersion).To(Equal(version), "was written although nothing changed")

		b.pass(ctx, pair, probeTimeAge)
		Expect(pair.Status.LastProbeTime.UTC()).To(Equal(epoch.Add(2*time.Minute + probeTimeAge)))
		Expect(b.told()).To(BeEmpty())
	})

	It("shows its state as metrics", func(ctx SpecContext) {
		b.pass(ctx, b.pairTo(ctx, destination.Kubeconfig(), nil), 0)
		Expect(testutil.CollectAndCount(b.registry, "stork_clusterpair_scheduler_status", "stork_clusterpair_storage_status")).To(Equal(2))
	})

	DescribeTable("reads the kubeconfig of Stork's client", func(ctx SpecContext, mode string) {
		config := storkConfig()
		user := config["users"].(map[string]any)["u"].(map[string]any)
		// A plug-in that is never run, because certificates go first: only its entry has to be understood.
		user["exec"] = map[string]any{
			"command": "aws", "args": nil, "env": nil, "apiVersion": "client.authentication.k8s.io/v1", "provideClusterInfo": false,
			"Config": nil, mode: "Never", "StdinUnavailable": false, "StdinUnavailableMessage": "",
		}
		content, err := json.Marshal(config)
		Expect(err).NotTo(HaveOccurred())
		pair := b.create(ctx, storkv1alpha1.ClusterPairSpec{Config: &runtime.RawExtension{Raw: content}})
		b.pass(ctx, pair, 0)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/CredentialInvalid"))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(ContainSubstring(`it has an exec plug-in, which would run the command "aws"`))

		delete(user, "exec")
		content, err = json.Marshal(config)
		Expect(err).NotTo(HaveOccurred())
		pair.Spec.Config.Raw = content
		Expect(b.Client.Update(ctx, pair)).To(Succeed())
		b.pass(ctx, pair, time.Second)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))
	},
		Entry("with the old spelling", "InteractiveMode"),
		Entry("with the new spelling", "interactiveMode"),
	)

	It("refuses a kubeconfig that leads to its own cluster", func(ctx SpecContext) {
		pair := b.pairTo(ctx, source.Kubeconfig(), nil)
		b.pass(ctx, pair, 0)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusError))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/SameCluster"))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(And(ContainSubstring("spec.config"), ContainSubstring("kubeconfigSecretRef")))
	})

	It("names the permissions that a credential lacks", func(ctx SpecContext) {
		kubeconfig, err := destination.UserKubeconfig("reader")
		Expect(err).NotTo(HaveOccurred())
		grant(ctx, "reader", rbacv1.PolicyRule{Verbs: []string{"get", "list"}, APIGroups: []string{"*"}, Resources: []string{"*"}})
		pair := b.pairTo(ctx, kubeconfig, nil)
		b.pass(ctx, pair, 0)

		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusError))
		Expect(pair.Status.ServerVersion).To(Equal(localcluster.Version))
		Expect(state(pair, storkv1alpha1.ConditionReachable)).To(Equal("True/PermissionsMissing"))
		Expect(state(pair, storkv1alpha1.ConditionAuthorized)).To(Equal("False/PermissionsMissing"))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(And(
			ContainSubstring("create, patch, delete namespaces"),
			MatchRegexp("create, patch, delete persistentvolumeclaims, .*deployments.apps, .* in namespace "+b.namespace),
		))
		Expect(b.told()).To(ContainElement(HavePrefix("Warning Error at ")))
	})

	It("becomes Ready outside the admin namespace with the permissions of its own namespace", func(ctx SpecContext) {
		kubeconfig, err := destination.UserKubeconfig("tenant-" + b.namespace)
		Expect(err).NotTo(HaveOccurred())
		grant(ctx, "tenant-"+b.namespace, rbacv1.PolicyRule{
			Verbs: []string{"*"}, APIGroups: []string{"", "apps", "batch", "rbac.authorization.k8s.io"},
			Resources: []string{"persistentvolumeclaims", "configmaps", "secrets", "services", "serviceaccounts", "deployments", "statefulsets", "cronjobs", "roles", "rolebindings"},
		})
		pair := b.pairTo(ctx, kubeconfig, nil)
		b.pass(ctx, pair, 0)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(ContainSubstring(
			"without an adminClusterPair, migrations fail to: get, list, create, patch, delete namespaces"))

		By("while a pair of the admin namespace needs those on kinds in no namespace")
		b.namespace = adminNamespace
		pair = b.pairTo(ctx, kubeconfig, nil)
		b.pass(ctx, pair, 0)
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(HaveSuffix("get, list, create, patch, delete namespaces, persistentvolumes, " +
			"customresourcedefinitions.apiextensions.k8s.io, clusterroles.rbac.authorization.k8s.io, clusterrolebindings.rbac.authorization.k8s.io"))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/PermissionsMissing"))
	})

	It("needs permissions in all namespaces when it is in the admin namespace", func(ctx SpecContext) {
		user := "limited-" + b.namespace
		kubeconfig, err := destination.UserKubeconfig(user)
		Expect(err).NotTo(HaveOccurred())
		grant(ctx, user, rbacv1.PolicyRule{
			Verbs: []string{"*"}, APIGroups: []string{"*"},
			Resources: []string{"namespaces", "persistentvolumes", "customresourcedefinitions", "clusterroles", "clusterrolebindings"},
		})
		everything := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"}
		_, err = kubernetes.NewForConfigOrDie(destination.Config()).RbacV1().RoleBindings(adminNamespace).Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: user},
			RoleRef:    everything,
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
		}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		b.namespace = adminNamespace
		pair := b.pairTo(ctx, kubeconfig, nil)
		b.pass(ctx, pair, 0)
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(ContainSubstring("grant it: get, list, create, patch, delete persistentvolumeclaims, configmaps, "))
	})

	It("becomes Ready soon after what it lacks is granted, and notices within an hour that it is taken away", func(ctx SpecContext) {
		user := "late-" + b.namespace
		kubeconfig, err := destination.UserKubeconfig(user)
		Expect(err).NotTo(HaveOccurred())
		pair := b.pairTo(ctx, kubeconfig, nil)
		next := b.pass(ctx, pair, 0)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/PermissionsMissing"))
		grant(ctx, user, rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}})
		Eventually(mayDo).WithArguments(ctx, user).Should(BeTrue())
		b.pass(ctx, pair, next)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))

		there := kubernetes.NewForConfigOrDie(destination.Config()).RbacV1()
		Expect(there.ClusterRoleBindings().Delete(ctx, user, metav1.DeleteOptions{})).To(Succeed())
		Eventually(mayDo).WithArguments(ctx, user).Should(BeFalse())
		b.pass(ctx, pair, time.Hour)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/PermissionsMissing"))
	})

	It("heals when the credential is renewed", func(ctx SpecContext) {
		b.putSecret(ctx, withToken("pLaNtEd-s3cr3t"))
		pair := b.create(ctx, secretRef())
		b.pass(ctx, pair, 0)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusError))
		Expect(state(pair, storkv1alpha1.ConditionAuthorized)).To(Equal("False/Unauthorized"))
		Expect(message(pair, storkv1alpha1.ConditionReady)).NotTo(ContainSubstring("s3cr3t"))

		b.putSecret(ctx, destination.Kubeconfig())
		b.pass(ctx, pair, time.Second)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusReady))

		By("and notices that it is revoked")
		b.putSecret(ctx, withToken("pLaNtEd-s3cr3t"))
		b.pass(ctx, pair, time.Minute)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusDegraded))
		Expect(state(pair, storkv1alpha1.ConditionAuthorized)).To(Equal("False/Unauthorized"))
	})

	It("waits for its Secret", func(ctx SpecContext) {
		pair := b.create(ctx, secretRef())
		next := b.pass(ctx, pair, 0)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusPending))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/SecretNotFound"))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(ContainSubstring(b.namespace + "/creds"))
		Expect(pair.Status.LastProbeTime).To(BeNil(), "there was no probe")
		Expect(next).To(Equal(minRetryDelay))

		b.putSecret(ctx, destination.Kubeconfig())
		b.pass(ctx, pair, time.Second)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))
	})

	It("degrades, fails and recovers with the other cluster", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		b.pass(ctx, pair, 0)
		b.told()
		Expect(destination.StopProcess(localcluster.APIServer)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { startAgain(ctx) })

		By("Degraded at first, and looked at again soon, then later and later")
		Expect(b.pass(ctx, pair, time.Minute)).To(Equal(5 * time.Second))
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusDegraded))
		Expect(state(pair, storkv1alpha1.ConditionReachable)).To(Equal("False/Unreachable"))
		Expect(state(pair, storkv1alpha1.ConditionAuthorized)).To(Equal("Unknown/Unreachable"))
		Expect(pair.Status.ServerVersion).To(Equal(localcluster.Version), "the last known one")
		Expect(b.told()).To(ConsistOf(ContainSubstring("Warning Degraded")))
		// Each pass comes when the one before asked for it.
		next := 5 * time.Second
		for _, want := range []int{5, 10, 20, 40, 80, 120} {
			next = b.pass(ctx, pair, next)
			Expect(next).To(Equal(time.Duration(want) * time.Second))
		}
		Expect(b.told()).To(BeEmpty())

		By("an Error when it lasts")
		b.pass(ctx, pair, degradedPeriod)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusError))
		Expect(b.told()).To(ConsistOf(ContainSubstring("Warning Error")))

		By("Ready again without anybody's doing")
		Expect(destination.StartProcess(ctx, localcluster.APIServer)).To(Succeed())
		b.pass(ctx, pair, time.Minute)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusReady))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))
		Expect(b.told()).To(ConsistOf(ContainSubstring("Normal Ready")))
	})

	It("is an Error at once where the other cluster never answered", func(ctx SpecContext) {
		config := storkConfig()
		config["clusters"].(map[string]any)["c"].(map[string]any)["server"] = "https://127.0.0.1:1"
		content, err := json.Marshal(config)
		Expect(err).NotTo(HaveOccurred())
		pair := b.create(ctx, storkv1alpha1.ClusterPairSpec{Config: &runtime.RawExtension{Raw: content}})
		b.pass(ctx, pair, 0)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusError))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(Equal(
			"127.0.0.1:1 cannot be reached: dial 127.0.0.1:1: connect: connection refused: correct server in the kubeconfig, or the network between the clusters"))
	})

	It("reads what Stork wrote, nulls included", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), nil)
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"schedulerStatus":"Ready","storageStatus":"NotProvided","remoteStorageId":""}}`))
		Expect(admin.Status().Patch(ctx, pair, patch)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(b.Client.Get(ctx, client.ObjectKeyFromObject(pair), pair)).To(Succeed())
			g.Expect(pair.Status.SchedulerStatus).NotTo(BeEmpty())
		}).Should(Succeed())
		b.pass(ctx, pair, 0)
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))
		Expect(b.told()).NotTo(ContainElement(ContainSubstring("NotProvided")), "was told before")
	})
})

func startAgain(ctx SpecContext) {
	if destination.Processes()[localcluster.APIServer] == 0 {
		Expect(destination.StartProcess(ctx, localcluster.APIServer)).To(Succeed())
	}
}

// storkConfig leads to the destination in the form that Stork's client writes.
func storkConfig() map[string]any {
	content, err := localgodwit.PairConfig(destination.Kubeconfig())
	Expect(err).NotTo(HaveOccurred())
	var config clientcmdConfig
	Expect(json.Unmarshal(content, &config)).To(Succeed())
	context := config.Contexts[config.Current]
	cluster, user := config.Clusters[context["cluster"].(string)], config.Users[context["user"].(string)]
	cluster["LocationOfOrigin"], user["LocationOfOrigin"] = "", "/root/.kube/config"
	return map[string]any{
		"preferences": map[string]any{}, "current-context": "ctx", "extensions": nil,
		"clusters": map[string]any{"c": cluster},
		"users":    map[string]any{"u": user},
		"contexts": map[string]any{"ctx": map[string]any{"LocationOfOrigin": "", "cluster": "c", "user": "u"}},
	}
}

// clientcmdConfig is a map-shaped kubeconfig.
type clientcmdConfig struct {
	Clusters map[string]map[string]any `json:"clusters"`
	Users    map[string]map[string]any `json:"users"`
	Contexts map[string]map[string]any `json:"contexts"`
	Current  string                    `json:"current-context"`
}

// withToken leads to the destination with a token.
func withToken(token string) []byte {
	config, err := clientcmd.Load(destination.Kubeconfig())
	Expect(err).NotTo(HaveOccurred())
	for _, user := range config.AuthInfos {
		user.ClientCertificateData, user.ClientKeyData, user.Token = nil, nil, token
	}
	content, err := clientcmd.Write(*config)
	Expect(err).NotTo(HaveOccurred())
	return content
}

// mayDo tells whether the destination has noticed that a user may do everything.
func mayDo(ctx SpecContext, user string) (bool, error) {
	config, err := destination.UserConfig(user)
	if err != nil {
		return false, err
	}
	everything := &authorizationv1.ResourceAttributes{Verb: "*", Group: "*", Resource: "*"}
	review, err := kubernetes.NewForConfigOrDie(config).AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: everything},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
}

// grant gives a user of the destination permissions in the whole cluster.
func grant(ctx SpecContext, user string, rules ...rbacv1.PolicyRule) {
	GinkgoHelper()
	there := kubernetes.NewForConfigOrDie(destination.Config()).RbacV1()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules}
	_, err := there.ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	_, err = there.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
}
