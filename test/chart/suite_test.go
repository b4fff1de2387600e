// Package chart_test renders, installs, upgrades and removes the Helm chart and config/default in real API servers, and runs the
// operator there as its pod would: with the rendered arguments and with no more rights than the rendered roles give.
package chart_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
)

const (
	root  = "../.."
	chart = root + "/config/chart"
	// release is the name of the Helm release and namespace is where it goes by default.
	release   = "godwit"
	namespace = "kube-system"
)

var (
	// workspace is a folder for files of the tests, and the home folder of programs.
	workspace string
	// helmPath and operatorPath are programs.
	helmPath, operatorPath string
	// source is where Godwit is installed, destination is where it brings objects. Nothing is ever installed there.
	source, destination *localcluster.Cluster
	// here and there are clients of both that may do everything.
	here, there client.WithWatch
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
	if workspace, err = os.MkdirTemp("", "godwit-chart-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(workspace)) }()
	if helmPath, err = localgodwit.HelmPath(context.Background(), root); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func TestInstallations(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	EnforceDefaultTimeoutsWhenUsingContexts()
	RunSpecs(t, "Installations")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(GinkgoLogr)
	options := []localcluster.Options{
		{Name: "source", ControllerManager: true, Progress: os.Stderr, APIServerArgs: sourceArgs()},
		{Name: "destination"},
	}
	var clusters []*localcluster.Cluster
	var group errgroup.Group
	group.Go(func() (err error) {
		clusters, err = localcluster.StartAll(ctx, options...)
		return err
	})
	operatorPath = filepath.Join(workspace, "godwit")
	group.Go(func() error { return localgodwit.Build(ctx, root, "./cmd/godwit", operatorPath) })
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
})

// sourceArgs have the API server write down what the operator asks for, and judge owner references as OpenShift does.
func sourceArgs() []string {
	policy := filepath.Join(workspace, "audit-policy.yaml")
	Expect(os.WriteFile(policy, []byte(auditPolicy), 0o600)).To(Succeed())
	return []string{
		"--audit-policy-file=" + policy, "--audit-log-path=" + auditLog(), "--audit-log-mode=blocking-strict",
		"--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
	}
}

// helm runs Helm; cluster may be nil where none is needed.
func helm(ctx context.Context, cluster *localcluster.Cluster, args ...string) (string, error) {
	return localgodwit.Run(ctx, cluster, workspace, nil, helmPath, args...)
}

func kubectl(ctx context.Context, cluster *localcluster.Cluster, input io.Reader, args ...string) (string, error) {
	return localgodwit.Run(ctx, cluster, workspace, input, cluster.KubectlPath(), args...)
}

// template renders the chart without a cluster.
func template(ctx context.Context, args ...string) (string, error) {
	return helm(ctx, nil, append([]string{"template", release, chart}, args...)...)
}

// decode reads the objects of a manifest.
func decode(manifest string) ([]*unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		switch {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case len(object.Object) > 0:
			objects = append(objects, object)
		}
	}
}
