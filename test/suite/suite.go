// Package suite has what test suites with two real clusters have in common.
//
// It must know nothing of what is tested.
package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// Main is for a TestMain: it calls run, which runs the tests, and ends the process with the code that run returns. The folder is for
// files of the tests, and is removed afterwards.
func Main(run func(folder string) (code int, err error)) {
	code, err := inFolder(run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func inFolder(run func(folder string) (code int, err error)) (code int, err error) {
	folder, err := os.MkdirTemp("", "godwit-test-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	return run(folder)
}

// Run runs the specs of a package. Patience is how long Eventually waits where nothing else is said.
func Run(t *testing.T, description string, patience time.Duration) {
	t.Helper()
	gomega.RegisterFailHandler(ginkgo.Fail)
	gomega.SetDefaultEventuallyTimeout(patience)
	gomega.SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	gomega.EnforceDefaultTimeoutsWhenUsingContexts()
	ctrl.SetLogger(ginkgo.GinkgoLogr)
	ginkgo.RunSpecs(t, description)
}

// StartClusters starts two clusters as localgodwit.StartClusters does, until the suite ends.
func StartClusters(
	ctx context.Context, source, destination localcluster.Options, meanwhile ...func(context.Context) error,
) *localgodwit.Clusters {
	ginkgo.GinkgoHelper()
	source.Progress = os.Stderr
	clusters, err := localgodwit.StartClusters(ctx, source, destination, meanwhile...)
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	ginkgo.DeferCleanup(clusters.Stop)
	return clusters
}

// logShown is how much of a log a reader gets to see, in bytes.
const logShown = 20000

// ShowLog shows how the operator's log ends if the spec that is ending failed.
func ShowLog(operator *localgodwit.Manager) {
	ginkgo.GinkgoHelper()
	if !ginkgo.CurrentSpecReport().Failed() {
		return
	}
	log, err := operator.Log()
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	ginkgo.GinkgoWriter.Printf("The operator's log ends with:\n%s\n", log[max(0, len(log)-logShown):])
}
