// Package e2e_test runs applications with volumes in two clusters that have real nodes: kubelet, containerd, runc. It needs root on Linux,
// and runs only when it is asked for, because the first time it installs packages and builds for minutes.
package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/image"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/hack/localnode"
	"github.com/godwit-io/godwit/test/leak"
	"github.com/godwit-io/godwit/test/suite"
)

// enableEnv has these tests run when it is not empty.
const enableEnv = "GODWIT_E2E"

// keeperImage is the application whose volumes are looked at.
const keeperImage = "localhost/keeper:e2e"

// side is one of the clusters.
type side struct {
	// Client may do everything.
	client.Client
	cluster *localnode.Cluster
}

var (
	// network is what joins the clusters.
	network *localnode.Network
	// source is where applications run at first, and destination where they shall.
	source, destination *side
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestE2E(t *testing.T) {
	if os.Getenv(enableEnv) == "" {
		t.Skip("clusters with nodes need root and take long: make e2e runs them")
	}
	suite.Run(t, "Clusters with nodes", 3*time.Minute)
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	network, err = localnode.Start(ctx, localnode.Options{
		Clusters: []localcluster.Options{{Name: "source"}, {Name: "destination"}},
		Progress: os.Stderr,
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) {
		Expect(network.Stop()).To(Succeed())
		expectNothingLeft(ctx, network.Folder())
	})
	keeper := filepath.Join(GinkgoT().TempDir(), "keeper")
	Expect(image.Build(ctx, "./keeper", keeper)).To(Succeed())
	source, destination = newSide(network.Clusters[0]), newSide(network.Clusters[1])
	for _, s := range []*side{source, destination} {
		Expect(s.cluster.Import(ctx, &image.Image{
			Name: keeperImage, Files: []image.File{{Path: "/keeper", Source: keeper}}, Entrypoint: []string{"/keeper"},
		})).To(Succeed())
	}
}, NodeTimeout(30*time.Minute))

func newSide(cluster *localnode.Cluster) *side {
	GinkgoHelper()
	client, err := localgodwit.Client(cluster.Config())
	Expect(err).NotTo(HaveOccurred())
	return &side{Client: client, cluster: cluster}
}

var _ = ReportAfterEach(func(ctx SpecContext, report SpecReport) {
	if !report.Failed() || source == nil {
		return
	}
	for _, s := range []*side{source, destination} {
		GinkgoWriter.Println(s.kubectl(ctx, "get", "pods,pvc,pv", "--all-namespaces", "--output=wide"))
		GinkgoWriter.Println(s.kubectl(ctx, "get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"))
	}
})

// kubectl returns what kubectl prints, be it of an error.
func (s *side) kubectl(ctx context.Context, args ...string) string {
	command := localgodwit.Command(ctx, s.cluster.Cluster, "", s.cluster.KubectlPath(), args...)
	output, err := command.CombinedOutput()
	if err != nil {
		return err.Error() + "\n" + string(output)
	}
	return string(output)
}
