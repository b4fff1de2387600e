// Package badinput_test applies what users get wrong to a real API server with the real operator, as they would, and holds where
// each mistake is refused and the message that they see. The table in README.md is made from it:
//
//	go test ./test/badinput -update
//
// It also takes what is merely odd, such as huge objects or names of the greatest length, through whole migrations.
package badinput_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

const (
	root = "../.."
	// shop is the namespace of the cases.
	shop = "shop"
	// adminNamespace is the operator's default.
	adminNamespace = "kube-system"
	// remote is a pair that is Ready, in shop and in the admin namespace.
	remote = "remote"
)

var (
	update = flag.Bool("update", false, "write the table into README.md")

	// source is where Godwit runs, destination is where it brings objects. Both collect garbage.
	source, destination *localcluster.Cluster
	// here and there are clients of both that may do everything.
	here, there client.WithWatch
	// programs is the folder of the operator and of storkctl.
	programs string
)

func TestBadInput(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	EnforceDefaultTimeoutsWhenUsingContexts()
	RunSpecs(t, "Bad input")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(GinkgoLogr)
	programs = GinkgoT().TempDir()
	var clusters []*localcluster.Cluster
	var group errgroup.Group
	group.Go(func() (err error) {
		clusters, err = localcluster.StartAll(ctx,
			localcluster.Options{Name: "source", ControllerManager: true, Progress: os.Stderr},
			localcluster.Options{Name: "destination", ControllerManager: true})
		return err
	})
	group.Go(func() error { return build(ctx) })
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
	startOperator(ctx)
	findPlaceholders(ctx)
	createNamespace(ctx, shop, nil)
	for _, namespace := range []string{shop, adminNamespace} {
		Expect(localgodwit.Pair(ctx, here, namespace, remote, destination.Kubeconfig(), nil)).To(Succeed())
	}
})

func build(ctx context.Context) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", programs+"/", "./cmd/...")
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w\n%s", err, output)
	}
	return nil
}

func startOperator(ctx context.Context) {
	GinkgoHelper()
	log := filepath.Join(programs, "godwit.log")
	serveWebhooks, err := localgodwit.InstallWebhooks(ctx, source.Config(), root)
	Expect(err).NotTo(HaveOccurred())
	manager, err := localgodwit.StartManager(ctx, filepath.Join(programs, "godwit"), source.Kubeconfig(), log, serveWebhooks)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(manager.Stop)
	DeferCleanup(func(ctx SpecContext) {
		if content, err := os.ReadFile(log); err == nil {
			GinkgoWriter.Printf("the operator wrote:\n%s\n", content)
		}
	})
}

func createNamespace(ctx context.Context, name string, labels map[string]string) {
	GinkgoHelper()
	Expect(here.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})).To(Succeed())
}

// run returns what a program prints on stdout. Its error is what it prints on stderr.
func run(ctx context.Context, input, program string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, program, append([]string{"--kubeconfig", source.KubeconfigFile()}, args...)...)
	command.Env = append(os.Environ(), "KUBECONFIG=", "HOME="+programs)
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", errors.New(strings.TrimSpace(stderr.String()))
	}
	return stdout.String() + stderr.String(), nil
}

// kubectl runs kubectl at the source.
func kubectl(ctx context.Context, input string, args ...string) (string, error) {
	return run(ctx, input, source.KubectlPath(), args...)
}

// storkctl runs storkctl at the source.
func storkctl(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "", filepath.Join(programs, "storkctl"), args...)
}
