// Package tenant_test sets hostile tenants on the operator: with the rendered rights, between two real clusters, beside a tenant
// who means well and has to be served all the time.
package tenant_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
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

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if workspace, err = os.MkdirTemp("", "godwit-tenant-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(workspace)) }()
	return m.Run(), nil
}

func TestHostileTenants(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(6 * time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	EnforceDefaultTimeoutsWhenUsingContexts()
	RunSpecs(t, "Hostile tenants")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(GinkgoLogr)
	var clusters []*localcluster.Cluster
	var group errgroup.Group
	group.Go(func() (err error) {
		clusters, err = localcluster.StartAll(ctx,
			localcluster.Options{Name: "source", ControllerManager: true, Progress: os.Stderr, APIServerArgs: sourceArgs()}, localcluster.Options{Name: "destination"})
		return err
	})
	group.Go(func() error { return buildOperator(ctx) })
	err := group.Wait()
	for _, cluster := range clusters {
		DeferCleanup(cluster.Stop)
	}
	Expect(err).NotTo(HaveOccurred())
	source, destination = clusters[0], clusters[1]
	here, err = localgodwit.Client(source.Config())
	Expect(err).NotTo(HaveOccurred())
	there, err = localgodwit.Client(destination.Config())
	Expect(err).NotTo(HaveOccurred())
	Expect(localgodwit.InstallCRDs(source.Config(), root)).To(Succeed())
	Expect(kubectl(ctx, source, "apply", "--namespace=kube-system", "--kustomize="+filepath.Join(root, "config", "rbac"))).To(Succeed())
	startOperator(ctx)
	startNeighbour(ctx)
})

// auditPolicy writes down what the operator does in pods.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted, Panic]
rules:
  - {level: Metadata, users: ["` + operatorUser + `"], resources: [{group: "", resources: [pods/exec]}]}
  - {level: None}
`

func auditLog() string { return filepath.Join(workspace, "audit.log") }

func sourceArgs() []string {
	policy := filepath.Join(workspace, "audit-policy.yaml")
	Expect(os.WriteFile(policy, []byte(auditPolicy), 0o600)).To(Succeed())
	return []string{"--audit-policy-file=" + policy, "--audit-log-path=" + auditLog(), "--audit-log-mode=blocking-strict"}
}

func buildOperator(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(workspace, "godwit"), "./cmd/godwit")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the operator: %w\n%s", err, output)
	}
	return nil
}

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
	operator, err = localgodwit.StartManager(ctx, filepath.Join(workspace, "godwit"), kubeconfig, logFile(),
		webhooks, "--zap-log-level=debug", "--migration-pending-deadline=5s")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return operator.Stop() })
}

// operatorUser is who the operator is at the source.
const operatorUser = "system:serviceaccount:kube-system:godwit"

func logFile() string { return filepath.Join(workspace, "operator.log") }

// operatorLog returns what the operator has written so far.
func operatorLog() string {
	GinkgoHelper()
	content, err := os.ReadFile(logFile())
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}

var _ = AfterEach(func() {
	if CurrentSpecReport().Failed() {
		log := operatorLog()
		GinkgoWriter.Printf("The operator's log ends with:\n%s\n", log[max(0, len(log)-20000):])
	}
})

func kubectl(ctx context.Context, cluster *localcluster.Cluster, args ...string) error {
	command := exec.CommandContext(ctx, cluster.KubectlPath(), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+cluster.KubeconfigFile(), "HOME="+workspace)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("kubectl %v: %w\n%s", args, err, stderr.String())
	}
	return nil
}

func createNamespace(ctx context.Context, c client.Client, name string, labels map[string]string) {
	GinkgoHelper()
	Expect(c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})).To(Succeed())
}
