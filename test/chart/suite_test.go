// Package chart_test renders, installs, upgrades and removes the Helm chart and config/default in real API servers, and runs the
// operator there as its pod would: with the rendered arguments and with no more rights than the rendered roles give.
package chart_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/test/suite"
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
	suite.Main(func(folder string) (code int, err error) {
		workspace, operatorPath = folder, filepath.Join(folder, "godwit")
		if helmPath, err = localgodwit.HelmPath(context.Background(), root); err != nil {
			return 0, err
		}
		return m.Run(), nil
	})
}

func TestInstallations(t *testing.T) { suite.Run(t, "Installations", time.Minute) }

var _ = BeforeSuite(func(ctx SpecContext) {
	// The source writes down what the operator asks for, and judges owner references as OpenShift does.
	args, err := localcluster.AuditArgs(workspace, `{level: Metadata, users: ["`+operatorUser+`"]}`)
	Expect(err).NotTo(HaveOccurred())
	args = append(args, "--enable-admission-plugins=OwnerReferencesPermissionEnforcement")
	clusters := suite.StartClusters(ctx, localcluster.Options{ControllerManager: true, APIServerArgs: args}, localcluster.Options{}, buildOperator)
	source, destination, here, there = clusters.Source, clusters.Destination, clusters.Here, clusters.There
})

func buildOperator(ctx context.Context) error {
	return localgodwit.Build(ctx, root, "./cmd/godwit", operatorPath)
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
