package rule

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/test/leak"
)

var (
	cluster *localcluster.Cluster
	client  kubernetes.Interface
	node    *kubelet
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) {
	leak.Main(m,
		// client-go notices with its next ping, after some seconds, that a connection is gone.
		goleak.IgnoreTopFunction("k8s.io/client-go/tools/remotecommand.(*heartbeat).start"),
		// The stand-in kubelet's end of a connection waits some minutes for the other end to close it too.
		goleak.IgnoreTopFunction("github.com/moby/spdystream.(*Connection).shutdown"),
	)
}

func TestRule(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	RunSpecs(t, "Rule")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	cluster, err = localcluster.Start(ctx, localcluster.Options{Name: "rule", Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(cluster.Stop)
	client, err = kubernetes.NewForConfig(cluster.Config())
	Expect(err).NotTo(HaveOccurred())
	node, err = startKubelet()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(node.stop)
	created, err := client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	created.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	created.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(node.port())
	_, err = client.CoreV1().Nodes().UpdateStatus(ctx, created, metav1.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
})

// fastOptions keep tests short.
func fastOptions() Options {
	return Options{Attempts: 3, RetryInterval: time.Millisecond, Grace: 5 * time.Second}
}

func newTestRunner(options Options) *Runner {
	GinkgoHelper()
	return newRunnerFor(cluster.Config(), options)
}

func newRunnerFor(config *rest.Config, options Options) *Runner {
	GinkgoHelper()
	runner, err := NewRunner(config, clock.RealClock{}, options)
	Expect(err).NotTo(HaveOccurred())
	return runner
}

func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace, err := client.CoreV1().Namespaces().Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "rule-"}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return namespace.Name
}

// newPod makes a pod of the node with label app=db in the phase Running, unless change says otherwise.
func newPod(ctx context.Context, namespace, name string, change ...func(*corev1.Pod)) *corev1.Pod {
	GinkgoHelper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": "db"}},
		Spec:       corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "main", Image: "i"}, {Name: "bash", Image: "i"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	for _, c := range change {
		c(pod)
	}
	status := pod.Status
	created, err := client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	created.Status = status
	created, err = client.CoreV1().Pods(namespace).UpdateStatus(ctx, created, metav1.UpdateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return created
}

// newRule makes a Rule of one item for app=db.
func newRule(namespace string, actions ...storkv1alpha1.RuleAction) *storkv1alpha1.Rule {
	return &storkv1alpha1.Rule{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "rule"},
		Rules:      []storkv1alpha1.RuleItem{{PodSelector: map[string]string{"app": "db"}, Actions: actions}},
	}
}

func foreground(value string) storkv1alpha1.RuleAction {
	return storkv1alpha1.RuleAction{Type: "command", Value: value}
}

func inBackground(value string) storkv1alpha1.RuleAction {
	return storkv1alpha1.RuleAction{Type: "command", Value: value, Background: true}
}

// read returns the content of a file that a command wrote; empty if there is none.
func read(namespace, pod, container, file string) string {
	content, _ := os.ReadFile(filepath.Join(node.dir(namespace+"/"+pod, container), file))
	return string(content)
}
