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
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
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

func TestTakeover(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(2 * time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	EnforceDefaultTimeoutsWhenUsingContexts()
	RunSpecs(t, "Takeover")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(GinkgoLogr)
	workspace = GinkgoT().TempDir()
	var group errgroup.Group
	var clusters []*localcluster.Cluster
	group.Go(func() (err error) {
		clusters, err = localcluster.StartAll(ctx,
			localcluster.Options{Name: "source", ControllerManager: true, Progress: os.Stderr},
			localcluster.Options{Name: "destination", ControllerManager: true, APIServerArgs: auditArgs()})
		return err
	})
	group.Go(func() (err error) {
		helmPath, err = localgodwit.HelmPath(ctx, root)
		return err
	})
	group.Go(func() error {
		for program, pkg := range map[string]string{"godwit": "./cmd/godwit", "storkctl": "./cmd/storkctl"} {
			if err := localgodwit.Build(ctx, root, pkg, inWorkspace(program)); err != nil {
				return err
			}
		}
		// Its name is what it tells API servers, and so the manager of the fields that it writes.
		return localgodwit.Build(ctx, "storkclient", ".", inWorkspace("stork"))
	})
	err := group.Wait()
	for _, cluster := range clusters {
		DeferCleanup(cluster.Stop)
	}
	Expect(err).NotTo(HaveOccurred())
	source, destination = clusters[0], clusters[1]
	here, there = newClient(source.Config()), newClient(destination.Config())
	asStork := destination.Config()
	asStork.UserAgent = "stork/v0.0.0 (linux/amd64) kubernetes/$Format"
	storkThere = newClient(asStork)
}, NodeTimeout(15*time.Minute))

func inWorkspace(name string) string { return filepath.Join(workspace, name) }

func newClient(config *rest.Config) client.WithWatch {
	GinkgoHelper()
	made, err := localgodwit.Client(config)
	Expect(err).NotTo(HaveOccurred())
	return made
}

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
		log, err := manager.Log()
		Expect(err).NotTo(HaveOccurred())
		if CurrentSpecReport().Failed() {
			GinkgoWriter.Println(log)
		}
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
