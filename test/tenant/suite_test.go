// Package tenant_test sets hostile tenants on the operator: with the rendered rights, between two real clusters, beside a tenant
// who means well and has to be served all the time.
package tenant_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/suite"
)

const root = "../.."

var (
	// workspace is a folder for files of the tests.
	workspace string
	// source is where the operator runs.
	source, destination *localcluster.Cluster
	// here and there are clients of both that may do everything.
	here, there client.WithWatch
	// operator is the running process, which must stay the same until the end.
	operator *localgodwit.Manager
)

func TestHostileTenants(t *testing.T) { suite.Run(t, "Hostile tenants", 6*time.Minute) }

var _ = BeforeSuite(func(ctx SpecContext) {
	workspace = GinkgoT().TempDir()
	// What the operator does in pods is written down.
	audit, err := localcluster.AuditArgs(workspace, `{level: Metadata, users: ["`+operatorUser+`"], resources: [{group: "", resources: [pods/exec]}]}`)
	Expect(err).NotTo(HaveOccurred())
	clusters := suite.StartClusters(ctx, localcluster.Options{ControllerManager: true, APIServerArgs: audit}, localcluster.Options{}, buildOperator)
	source, destination, here, there = clusters.Source, clusters.Destination, clusters.Here, clusters.There
	Expect(localgodwit.InstallCRDs(source.Config(), root)).To(Succeed())
	_, err = localgodwit.Run(ctx, source, workspace, nil, source.KubectlPath(),
		"apply", "--namespace=kube-system", "--kustomize="+filepath.Join(root, "config", "rbac"))
	Expect(err).NotTo(HaveOccurred())
	startOperator(ctx)
	startNeighbour(ctx)
})

func buildOperator(ctx context.Context) error {
	return localgodwit.Build(ctx, root, "./cmd/godwit", operatorPath())
}

func operatorPath() string { return filepath.Join(workspace, "godwit") }

// memoryLimit is what the chart gives the operator.
const memoryLimit = 1 << 30

// startOperator runs the operator with the rights that config/rbac gives it, and with a log of all that it can tell.
func startOperator(ctx context.Context) {
	GinkgoHelper()
	kubeconfig, err := source.UserKubeconfig(operatorUser, "system:serviceaccounts", "system:serviceaccounts:kube-system")
	Expect(err).NotTo(HaveOccurred())
	webhooks, err := localgodwit.InstallWebhooks(ctx, source.Config(), root)
	Expect(err).NotTo(HaveOccurred())
	GinkgoT().Setenv("GOMEMLIMIT", fmt.Sprint(memoryLimit))
	operator, err = localgodwit.StartManager(ctx, operatorPath(), kubeconfig, filepath.Join(workspace, "operator.log"),
		webhooks, "--zap-log-level=debug", "--migration-pending-deadline=5s")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return operator.Stop() })
}

// operatorUser is who the operator is at the source.
const operatorUser = "system:serviceaccount:kube-system:godwit"

// operatorLog returns what the operator has written so far.
func operatorLog() string {
	GinkgoHelper()
	log, err := operator.Log()
	Expect(err).NotTo(HaveOccurred())
	return log
}

var _ = AfterEach(func() { suite.ShowLog(operator) })

func createNamespace(ctx context.Context, c client.Client, name string, labels map[string]string) {
	GinkgoHelper()
	Expect(c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})).To(Succeed())
}
