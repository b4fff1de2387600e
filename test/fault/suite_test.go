// Package fault_test has the operator, as the process that it is, migrate between two real API servers while these, the network, the
// operator itself and others at the destination fail. What becomes of each object is compared with what was planned, and the report
// with what is there.
//
// The scenarios are data, in scenarios_test.go; scenario_test.go runs one and judge_test.go judges it. They run side by side, each in
// a namespace and behind a proxy of its own, which is why they are plain tests. What kills or stops a process has both clusters for
// itself: kill_test.go, outage_test.go and leader_test.go.
//
// GODWIT_FAULT=long adds what takes long; make test-fault sets it. GODWIT_FAULT_SEED=n repeats one of the kills, GODWIT_FAULT_LOGS=1
// shows what operators write.
package fault_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/onsi/gomega"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/suite"
)

// root is the checkout.
const root = "../.."

// patience is how long a migration may take, whatever happens to it: a loaded machine needs its time.
const patience = 4 * time.Minute

// inLongForm is why tests are left out unless long is true.
const inLongForm = "it takes long: make test-fault runs it"

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
	suite.Main(func(folder string) (int, error) { return run(m, folder) })
}

// run starts the clusters, builds the operator meanwhile, and runs the tests.
func run(m *testing.M, folder string) (code int, err error) {
	ctrl.SetLogger(logr.Discard())
	gomega.SetDefaultEventuallyTimeout(patience)
	gomega.SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	workspace, operatorPath = folder, filepath.Join(folder, "godwit")
	if err := os.Mkdir(auditFolder(), 0o700); err != nil {
		return 0, err
	}
	// The destination writes down what is changed there, and what comes with each change.
	audit, err := localcluster.AuditArgs(auditFolder(), `{level: Request, users: [kubernetes-admin], verbs: [create, update, patch, delete, deletecollection]}`)
	if err != nil {
		return 0, err
	}
	clusters, err := localgodwit.StartClusters(context.Background(),
		localcluster.Options{ControllerManager: true, Progress: os.Stderr},
		localcluster.Options{ControllerManager: true, APIServerArgs: audit}, buildOperator)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, clusters.Stop()) }()
	source, destination, here, there = clusters.Source, clusters.Destination, clusters.Here, clusters.There
	if err := localgodwit.InstallCRDs(source.Config(), root); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func auditFolder() string { return filepath.Join(workspace, "audit") }

func buildOperator(ctx context.Context) error {
	return localgodwit.Build(ctx, root, "./cmd/godwit", operatorPath)
}
