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
	"path/filepath"
	"strings"
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
	// workspace is the folder of the operator and of storkctl, and the home folder of programs.
	workspace string
	operator  *localgodwit.Manager
)

func TestBadInput(t *testing.T) { suite.Run(t, "Bad input", time.Minute) }

var _ = BeforeSuite(func(ctx SpecContext) {
	workspace = GinkgoT().TempDir()
	clusters := suite.StartClusters(ctx, localcluster.Options{ControllerManager: true}, localcluster.Options{ControllerManager: true}, buildPrograms)
	source, destination, here, there = clusters.Source, clusters.Destination, clusters.Here, clusters.There

	Expect(localgodwit.InstallCRDs(source.Config(), root)).To(Succeed())
	startOperator(ctx)
	findPlaceholders(ctx)
	createNamespace(ctx, shop, nil)
	for _, namespace := range []string{shop, adminNamespace} {
		Expect(localgodwit.Pair(ctx, here, namespace, remote, destination.Kubeconfig(), nil)).To(Succeed())
	}
})

func buildPrograms(ctx context.Context) error {
	return localgodwit.Build(ctx, root, "./cmd/...", workspace+"/")
}

func startOperator(ctx context.Context) {
	GinkgoHelper()
	serveWebhooks, err := localgodwit.InstallWebhooks(ctx, source.Config(), root)
	Expect(err).NotTo(HaveOccurred())
	operator, err = localgodwit.StartManager(ctx, filepath.Join(workspace, "godwit"), source.Kubeconfig(),
		filepath.Join(workspace, "godwit.log"), serveWebhooks)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return operator.Stop() })
}

var _ = AfterEach(func() { suite.ShowLog(operator) })

func createNamespace(ctx context.Context, name string, labels map[string]string) {
	GinkgoHelper()
	Expect(here.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})).To(Succeed())
}

// run returns what a program prints on stdout. Its error is what it prints on stderr.
func run(ctx context.Context, input, program string, args ...string) (string, error) {
	command := localgodwit.Command(ctx, source, workspace, program, args...)
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
	return run(ctx, "", filepath.Join(workspace, "storkctl"), args...)
}
