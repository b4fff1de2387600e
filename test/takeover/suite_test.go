// Package takeover_test puts Godwit where Stork was, and back again: on real API servers, with CRDs and objects as Stork makes
// them, a chart that is installed over them, and an operator with no more rights than the chart gives it.
package takeover_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/suite"
)

const (
	root = "../.."
	// release is what the chart is installed as, and namespace where.
	release   = "godwit"
	namespace = "kube-system"
)

var (
	// workspace is a folder for files of the tests, and the home folder of programs.
	workspace string
	helmPath  string
	// source is where Stork was and Godwit comes; destination is where Stork was and Godwit does not come.
	source, destination *localcluster.Cluster
	// here and there are clients of both that may do everything.
	here, there client.WithWatch
	// storkThere writes to the destination as Stork does.
	storkThere client.Client
)

func TestTakeover(t *testing.T) { suite.Run(t, "Takeover", 2*time.Minute) }

var _ = BeforeSuite(func(ctx SpecContext) {
	workspace = GinkgoT().TempDir()
	// The destination writes down what the pair's user writes.
	audit, err := localcluster.AuditArgs(workspace, `{level: Metadata, users: ["`+pairUser+`"], verbs: [create, update, patch, delete, deletecollection]}`)
	Expect(err).NotTo(HaveOccurred())
	clusters := suite.StartClusters(ctx, localcluster.Options{ControllerManager: true},
		localcluster.Options{ControllerManager: true, APIServerArgs: audit}, findHelm, buildPrograms)
	source, destination, here, there = clusters.Source, clusters.Destination, clusters.Here, clusters.There
	asStork := destination.Config()
	asStork.UserAgent = "stork/v0.0.0 (linux/amd64) kubernetes/$Format"
	storkThere, err = localgodwit.Client(asStork)
	Expect(err).NotTo(HaveOccurred())
}, NodeTimeout(15*time.Minute))

func findHelm(ctx context.Context) (err error) {
	helmPath, err = localgodwit.HelmPath(ctx, root)
	return err
}

func buildPrograms(ctx context.Context) error {
	for program, pkg := range map[string]string{"godwit": "./cmd/godwit", "storkctl": "./cmd/storkctl"} {
		if err := localgodwit.Build(ctx, root, pkg, inWorkspace(program)); err != nil {
			return err
		}
	}
	// Its name is what it tells API servers, and so the manager of the fields that it writes.
	return localgodwit.Build(ctx, "storkclient", ".", inWorkspace("stork"))
}

func inWorkspace(name string) string { return filepath.Join(workspace, name) }

// helm runs Helm against the source.
func helm(ctx context.Context, args ...string) (string, error) {
	return localgodwit.Run(ctx, source, workspace, nil, helmPath, args...)
}

// install installs the chart over what is there.
func install(ctx context.Context) {
	GinkgoHelper()
	_, err := helm(ctx, "install", release, root+"/config/chart", "--namespace", namespace, "--take-ownership", "--force-conflicts",
		"--set", "clusterPair.allowedExecCommands={"+inWorkspace("credential")+"}")
	Expect(err).NotTo(HaveOccurred())
}

// startOperator runs the installed operator until the returned function is called.
func startOperator(ctx context.Context) (stop func() error) {
	GinkgoHelper()
	installed := localgodwit.Release{
		Cluster: source, Client: here, Name: client.ObjectKey{Namespace: namespace, Name: release},
		Binary: inWorkspace("godwit"), Folder: workspace,
	}
	manager, err := installed.Start(ctx, "godwit")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error {
		suite.ShowLog(manager)
		return manager.Stop()
	})
	return func() error {
		log, err := manager.Log()
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.ToLower(log)).NotTo(ContainSubstring("forbidden"))
		return manager.Stop()
	}
}

// stork does something as Stork's client does; storkclient stands in for that.
func stork(ctx context.Context, cluster *localcluster.Cluster, input string, args ...string) (string, error) {
	return localgodwit.Run(ctx, cluster, workspace, strings.NewReader(input), inWorkspace("stork"), append([]string{cluster.KubeconfigFile()}, args...)...)
}

// storkUpdates changes an object by a plain update of all that Stork's client knows of it.
func storkUpdates(ctx context.Context, plural, name, change string) {
	GinkgoHelper()
	Eventually(func() error { // The operator may have been faster.
		_, err := stork(ctx, source, "", "update", plural, name, change)
		return err
	}).Should(Succeed(), name)
}

// storkLists returns all objects of Stork's kinds at the source, with what Stork's client knows of them.
func storkLists(ctx context.Context) map[string]*unstructured.Unstructured {
	GinkgoHelper()
	output, err := stork(ctx, source, "", "list")
	Expect(err).NotTo(HaveOccurred())
	found := map[string]*unstructured.Unstructured{}
	for line := range strings.Lines(output) {
		object := &unstructured.Unstructured{}
		Expect(object.UnmarshalJSON([]byte(line))).To(Succeed())
		found[id(object)] = object
	}
	return found
}

// testdata returns a file with variables replaced.
func testdata(name string, oldnew ...string) string {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	Expect(err).NotTo(HaveOccurred())
	return strings.NewReplacer(oldnew...).Replace(string(content))
}
