// Package fault_test has the operator, as the process that it is, migrate between two real API servers while these, the network, the
// operator itself and others at the destination fail. What becomes of each object is compared with what was planned, and the report
// with what is there.
//
// The scenarios are data, in scenarios_test.go; scenario_test.go runs one and judge_test.go judges it. They run side by side, each in
// a namespace and behind a proxy of its own, which is why they are plain tests. What kills or stops a process has both clusters for
// itself: kill_test.go, outage_test.go and leader_test.go.
//
// GODWIT_FAULT=long adds what takes long. GODWIT_FAULT_SEED=n repeats one of the kills, GODWIT_FAULT_LOGS=1 shows what operators write.
package fault_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

// root is the checkout.
const root = "../.."

// patience is how long a migration may take, whatever happens to it: a loaded machine needs its time.
const patience = 4 * time.Minute

var (
	// long says that there is time.
	long = os.Getenv("GODWIT_FAULT") == "long"
	// workspace is a folder for files of the tests.
	workspace string
	// operatorPath is the operator's program.
	operatorPath string
	// source is where Godwit runs, destination is where it brings objects.
	source, destination *localcluster.Cluster
	// here and there are clients of both that may do everything, past any proxy.
	here, there client.WithWatch
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Scenarios wait most of the time.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctrl.SetLogger(logr.Discard())
	gomega.SetDefaultEventuallyTimeout(patience)
	gomega.SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	if workspace, err = os.MkdirTemp("", "godwit-fault-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(workspace)) }()
	stop, err := start(context.Background())
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// start starts the clusters and builds the operator meanwhile.
func start(ctx context.Context) (stop func() error, err error) {
	var group errgroup.Group
	var clusters []*localcluster.Cluster
	group.Go(func() (err error) {
		clusters, err = localcluster.StartAll(ctx,
			localcluster.Options{Name: "source", ControllerManager: true, Progress: os.Stderr},
			localcluster.Options{Name: "destination", ControllerManager: true})
		return err
	})
	group.Go(func() error { return buildOperator(ctx) })
	err = group.Wait()
	stop = func() error {
		var failures []error
		for _, cluster := range clusters {
			failures = append(failures, cluster.Stop())
		}
		return errors.Join(failures...)
	}
	if err != nil {
		return stop, err
	}
	source, destination = clusters[0], clusters[1]
	if here, err = localgodwit.Client(source.Config()); err != nil {
		return stop, err
	}
	if there, err = localgodwit.Client(destination.Config()); err != nil {
		return stop, err
	}
	return stop, localgodwit.InstallCRDs(source.Config(), root)
}

// buildOperator builds the operator as the test was built: with the race detector if that has one.
func buildOperator(ctx context.Context) error {
	operatorPath = filepath.Join(workspace, "godwit")
	args := append([]string{"build"}, raceFlags...)
	build := exec.CommandContext(ctx, "go", append(args, "-o", operatorPath, "./cmd/godwit")...)
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the operator: %w\n%s", err, output)
	}
	return nil
}
