// Package dr_test has users with storkctl and kubectl recover applications from disasters: between two real clusters, with the
// operator and its webhooks in both. What an Action does step by step is proven where Actions are; here is what spans schedules,
// Migrations, Actions and both clusters.
package dr_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/suite"
)

const root = "../.."

// side is one of the clusters, with the operator in it.
type side struct {
	// Client may do everything. The specs only read with it.
	client.Client
	cluster  *localcluster.Cluster
	operator *localgodwit.Manager
}

var (
	// workspace is a folder for files of the tests, and the home folder of programs.
	workspace string
	// source is where applications run, and standby where they shall after a disaster.
	source, standby *side
)

func TestDisasterRecovery(t *testing.T) { suite.Run(t, "Disaster recovery", 3*time.Minute) }

var _ = BeforeSuite(func(ctx SpecContext) {
	workspace = GinkgoT().TempDir()
	options := localcluster.Options{ControllerManager: true}
	clusters := suite.StartClusters(ctx, options, options, buildPrograms)
	source = &side{Client: clusters.Here, cluster: clusters.Source}
	standby = &side{Client: clusters.There, cluster: clusters.Destination}
	source.startOperator(ctx, "source")
	standby.startOperator(ctx, "standby")
}, NodeTimeout(15*time.Minute))

var _ = AfterEach(func() {
	suite.ShowLog(source.operator)
	suite.ShowLog(standby.operator)
})

func buildPrograms(ctx context.Context) error {
	return errors.Join(
		localgodwit.Build(ctx, root, "./cmd/godwit", inWorkspace("godwit")),
		localgodwit.Build(ctx, root, "./cmd/storkctl", inWorkspace("storkctl")))
}

func inWorkspace(name string) string { return filepath.Join(workspace, name) }

func (s *side) startOperator(ctx context.Context, name string) {
	GinkgoHelper()
	Expect(localgodwit.InstallCRDs(s.cluster.Config(), root)).To(Succeed())
	webhooks, err := localgodwit.InstallWebhooks(ctx, s.cluster.Config(), root)
	Expect(err).NotTo(HaveOccurred())
	log := filepath.Join(workspace, name, "godwit.log") // Beside its kubeconfig.
	Expect(os.Mkdir(filepath.Dir(log), 0o700)).To(Succeed())
	s.operator, err = localgodwit.StartManager(ctx, inWorkspace("godwit"), s.cluster.Kubeconfig(), log, webhooks)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return s.operator.Stop() })
}

// storkctl runs storkctl in a cluster, and returns what it prints.
func (s *side) storkctl(ctx context.Context, args ...string) string {
	GinkgoHelper()
	output, err := localgodwit.Run(ctx, s.cluster, workspace, nil, inWorkspace("storkctl"), args...)
	Expect(err).NotTo(HaveOccurred())
	return output
}

// kubectl runs kubectl in a cluster.
func (s *side) kubectl(ctx context.Context, args ...string) {
	GinkgoHelper()
	_, err := localgodwit.Run(ctx, s.cluster, workspace, nil, s.cluster.KubectlPath(), args...)
	Expect(err).NotTo(HaveOccurred())
}

// apply applies a file of testdata, in which NAMESPACE stands for a namespace.
func (s *side) apply(ctx context.Context, file, namespace string) {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	Expect(err).NotTo(HaveOccurred())
	manifest := strings.ReplaceAll(string(content), "NAMESPACE", namespace)
	_, err = localgodwit.Run(ctx, s.cluster, workspace, strings.NewReader(manifest), s.cluster.KubectlPath(), "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred())
}
