package webhook

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	webhookserver "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/leak"
)

const (
	root           = "../.."
	adminNamespace = "kube-system"
)

var (
	cluster *localcluster.Cluster
	// admin may do everything.
	admin client.WithWatch
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { leak.Main(m) }

func TestWebhooks(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "Webhooks")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(GinkgoLogr)
	var err error
	cluster, err = localcluster.Start(ctx, localcluster.Options{Name: "webhook", Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(cluster.Stop)
	Expect(localgodwit.InstallCRDs(cluster.Config(), root)).To(Succeed())
	admin, err = localgodwit.Client(cluster.Config())
	Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{"shop", "other"} {
		Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	}
	grantRights(ctx)
	arg, err := localgodwit.InstallWebhooks(ctx, cluster.Config(), root)
	Expect(err).NotTo(HaveOccurred())
	_, address, _ := strings.Cut(arg, "=")
	serve(ctx, address)
})

// serve runs the webhooks in a manager, as the operator's process does.
func serve(ctx context.Context, address string) {
	GinkgoHelper()
	config, err := cluster.UserConfig("operator", "system:masters")
	Expect(err).NotTo(HaveOccurred())
	clientset, err := kubernetes.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	certificate := &Certificate{
		Client: admin, Configuration: "godwit", Clock: clock.RealClock{},
		Secret: types.NamespacedName{Namespace: adminNamespace, Name: "godwit-webhook"},
	}
	host, portText, err := net.SplitHostPort(address)
	Expect(err).NotTo(HaveOccurred())
	port, err := strconv.Atoi(portText)
	Expect(err).NotTo(HaveOccurred())
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: localgodwit.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
		WebhookServer: webhookserver.NewServer(webhookserver.Options{
			Host: host, Port: port, TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.GetCertificate = certificate.Get }},
		}),
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(mgr.Add(certificate)).To(Succeed())
	Expect(SetupWithManager(mgr, clientset.AuthorizationV1().SubjectAccessReviews(), Options{AdminNamespace: adminNamespace, AuthorizeRequesters: true})).To(Succeed())

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error)
	go func() { ended <- mgr.Start(running) }()
	DeferCleanup(func() {
		stop()
		Expect(<-ended).To(Succeed())
	})
	Eventually(func() error { return certificate.Ready(nil) }).Should(Succeed())
	Eventually(func() error { return mgr.GetWebhookServer().StartedChecker()(nil) }).Should(Succeed())
}

// grantRights lets users do what their names say in the namespaces of the tests. All may write all of Stork's kinds everywhere.
func grantRights(ctx context.Context) {
	GinkgoHelper()
	everything := rbacv1.PolicyRule{APIGroups: []string{"stork.libopenstorage.org"}, Resources: []string{"*"}, Verbs: []string{"*"}}
	secrets := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"}}
	pods := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"create"}}
	exec := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods/exec"}, Verbs: []string{"create"}}
	scale := rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"patch"}}
	// Those of all but statuses, as an older role for tenants may be.
	specs := rbacv1.PolicyRule{APIGroups: []string{"stork.libopenstorage.org"}, Resources: []string{"migrationschedules"}, Verbs: []string{"*"}}
	for name, rules := range map[string][]rbacv1.PolicyRule{
		"scalers": {scale}, "planners": {specs},
		"writers": {everything}, "readers": {secrets}, "movers": {secrets, pods}, "runners": {secrets, pods, exec},
	} {
		Expect(admin.Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules})).To(Succeed())
	}
	bindCluster(ctx, "writers", rbacv1.Subject{Kind: "Group", Name: "tenants"})
	bindCluster(ctx, "runners", rbacv1.Subject{Kind: "User", Name: "everywhere"})
	bind(ctx, "shop", "readers", rbacv1.Subject{Kind: "User", Name: "reader"})
	bindCluster(ctx, "scalers", rbacv1.Subject{Kind: "User", Name: "everywhere"})
	bind(ctx, "shop", "planners", rbacv1.Subject{Kind: "User", Name: "planner"})
	bind(ctx, "shop", "scalers", rbacv1.Subject{Kind: "User", Name: "scaler"})
	bind(ctx, "shop", "movers", rbacv1.Subject{Kind: "User", Name: "mover"})
	bind(ctx, "shop", "runners", rbacv1.Subject{Kind: "User", Name: "runner"})
	bind(ctx, "shop", "runners", rbacv1.Subject{Kind: "Group", Name: "shop-runners"})
	bind(ctx, "shop", "runners", rbacv1.Subject{Kind: "User", Name: "both"})
	bind(ctx, "other", "runners", rbacv1.Subject{Kind: "User", Name: "both"})
}

func bindCluster(ctx context.Context, role string, subject rbacv1.Subject) {
	GinkgoHelper()
	Expect(admin.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: role + "-"}, Subjects: []rbacv1.Subject{subject},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
	})).To(Succeed())
}

func bind(ctx context.Context, namespace, role string, subject rbacv1.Subject) {
	GinkgoHelper()
	Expect(admin.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: role + "-"}, Subjects: []rbacv1.Subject{subject},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
	})).To(Succeed())
}

// as returns the client of a user, who may write all of Stork's kinds.
func as(user string, groups ...string) client.Client {
	GinkgoHelper()
	return inGroups(user, append(groups, "tenants")...)
}

// inGroups returns the client of a user with the rights of those groups only.
func inGroups(user string, groups ...string) client.Client {
	GinkgoHelper()
	config, err := cluster.UserConfig(user, groups...)
	Expect(err).NotTo(HaveOccurred())
	c, err := localgodwit.Client(config)
	Expect(err).NotTo(HaveOccurred())
	return c
}
