package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/test/leak"
)

// The clusters that commands run against: the first is the one of the kubeconfig, the second the one to pair with.
var (
	here, there             *localcluster.Cluster
	hereClient, thereClient client.WithWatch
)

// now is what the commands' clock shows.
var now = time.Date(2024, time.October, 24, 10, 0, 0, 0, time.UTC)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { leak.Main(m) }

func TestCommands(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "storkctl")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	clusters, err := localcluster.StartAll(ctx, localcluster.Options{Name: "here"}, localcluster.Options{Name: "there"})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return clusters[0].Stop() })
	DeferCleanup(func() error { return clusters[1].Stop() })
	here, there = clusters[0], clusters[1]
	for _, c := range clusters {
		_, err := envtest.InstallCRDs(c.Config(), envtest.CRDInstallOptions{
			Paths:              []string{filepath.Join("..", "..", "config", "crd", "bases"), filepath.Join("testdata", "crds")},
			ErrorIfPathMissing: true,
		})
		Expect(err).NotTo(HaveOccurred())
	}
	hereClient, err = newClient(here.Config())
	Expect(err).NotTo(HaveOccurred())
	thereClient, err = newClient(there.Config())
	Expect(err).NotTo(HaveOccurred())
}, NodeTimeout(10*time.Minute))

// result is what a command left behind.
type result struct {
	out, err string
	code     int
}

// storkctl runs a command against the first cluster to its end.
func storkctl(ctx context.Context, args ...string) result {
	GinkgoHelper()
	out, errOut := &buffer{}, &buffer{}
	code := Execute(ctx, newTestCommand(out, errOut, args...))
	return result{out: out.String(), err: errOut.String(), code: code}
}

func newTestCommand(out, errOut *buffer, args ...string) *cobra.Command {
	return newTestCommandAt(clocktesting.NewFakeClock(now), out, errOut, args...)
}

func newTestCommandAt(clock *clocktesting.FakeClock, out, errOut *buffer, args ...string) *cobra.Command {
	cmd := NewCommand(Options{
		IOStreams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: out, ErrOut: errOut},
		Version:   "v1.2.3",
		Clock:     clock,
		Location:  time.UTC,
	})
	cmd.SetArgs(append([]string{"--kubeconfig", here.KubeconfigFile()}, args...))
	return cmd
}

// succeeds is a command that printed out and nothing else.
func succeeds(out string) result { return result{out: out} }

// fails is a command that only printed an error.
func fails(err string) result { return result{err: err + "\n", code: 1} }

// background is a command that still runs.
type background struct {
	out, err *buffer
	code     chan int
	stop     context.CancelFunc
}

// start runs a command until the spec ends.
func start(ctx context.Context, clock *clocktesting.FakeClock, args ...string) *background {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(ctx)
	b := &background{out: &buffer{}, err: &buffer{}, code: make(chan int, 1), stop: cancel}
	done := make(chan struct{})
	cmd := newTestCommandAt(clock, b.out, b.err, args...)
	go func() {
		defer close(done)
		b.code <- Execute(ctx, cmd)
	}()
	DeferCleanup(func() {
		cancel()
		<-done
	})
	return b
}

// buffer may be written and read at the same time.
type buffer struct {
	mutex   sync.Mutex
	content bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.content.Write(p)
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.content.String()
}

// newNamespace returns a namespace of its own for a spec.
func newNamespace(ctx context.Context, c client.Client, labels map[string]string) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "spec-", Labels: labels}}
	Expect(c.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}

// ensureNamespace creates a namespace with a name that matters to a spec.
func ensureNamespace(ctx context.Context, c client.Client, name string) {
	GinkgoHelper()
	err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if !apierrors.IsAlreadyExists(err) {
		Expect(err).NotTo(HaveOccurred())
	}
}

// create creates an object along with its status.
func create(ctx context.Context, c client.Client, object client.Object) {
	GinkgoHelper()
	withStatus := object.DeepCopyObject().(client.Object)
	Expect(c.Create(ctx, object)).To(Succeed())
	withStatus.SetResourceVersion(object.GetResourceVersion())
	withStatus.SetUID(object.GetUID())
	if err := c.Status().Update(ctx, withStatus); !apierrors.IsNotFound(err) {
		Expect(err).NotTo(HaveOccurred())
	}
	Expect(c.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
}

// writeFile returns the path of a new file.
func writeFile(content []byte) string {
	GinkgoHelper()
	path := filepath.Join(GinkgoT().TempDir(), "file")
	Expect(os.WriteFile(path, content, 0o600)).To(Succeed())
	return path
}

// lines puts lines together as a command prints them.
func lines(all ...string) string {
	text := ""
	for _, line := range all {
		text += fmt.Sprintln(line)
	}
	return text
}

// publishAdminNamespace does what the operator does at its start, until the spec ends.
func publishAdminNamespace(ctx context.Context, name string) {
	GinkgoHelper()
	ensureNamespace(ctx, hereClient, "kube-system")
	config := &corev1.ConfigMap{Data: map[string]string{"admin-ns": name}}
	config.Namespace, config.Name = "kube-system", "stork-controller-config"
	Expect(hereClient.Create(ctx, config)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(hereClient.Delete(ctx, config)).To(Succeed()) })
}
