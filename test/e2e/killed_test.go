package e2e_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/image"
	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localgodwit"
	"github.com/godwit-io/godwit/hack/localnode"
)

var _ = Describe("Clusters whose process is killed", func() {
	It("leave no process, and nothing else once other clusters have started", func(ctx SpecContext) {
		kubeconfig, kill := startNode(ctx)
		runPod(ctx, kubeconfig)
		folder := filepath.Dir(filepath.Dir(filepath.Dir(kubeconfig)))
		Expect(filesThatName("/proc/[0-9]*/cgroup", filepath.Base(folder))).NotTo(BeEmpty(), "the pod is in a cgroup")
		kill()
		Eventually(func() ([]string, error) {
			return filesThatName("/proc/[0-9]*/c*", filepath.Base(folder)) // Its command line or cgroup.
		}).WithContext(ctx).Should(BeEmpty())

		next, err := localnode.Start(ctx, localnode.Options{})
		Expect(err).NotTo(HaveOccurred())
		Expect(next.Stop()).To(Succeed())
		expectNothingLeft(ctx, folder)
	}, SpecTimeout(15*time.Minute))
})

// startNode starts a program that runs a cluster with a node, and returns a kubeconfig's path and what kills the program.
func startNode(ctx context.Context) (kubeconfig string, kill func()) {
	GinkgoHelper()
	program := filepath.Join(GinkgoT().TempDir(), "clusters")
	Expect(image.Build(ctx, "../../hack/clusters", program)).To(Succeed())
	command := exec.Command(program, "nodes", "-n", "1")
	command.Stderr = GinkgoWriter
	command.SysProcAttr = localcluster.ChildAttributes()
	stdout, err := command.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The program dies with the thread that starts it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(ended)
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // Its error is that it was killed.
		}
	}()
	Expect(<-started).To(Succeed())
	kill = func() {
		_ = command.Process.Kill() // It may be dead.
		<-ended
	}
	DeferCleanup(kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	Expect(err).NotTo(HaveOccurred())
	line, found := strings.CutPrefix(line, "export KUBECONFIG=")
	Expect(found).To(BeTrue(), line)
	return strings.Fields(line)[0], kill
}

// runPod runs a pod of the only image that each node has, with a block device, which is what could survive most.
func runPod(ctx context.Context, kubeconfig string) {
	GinkgoHelper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	Expect(err).NotTo(HaveOccurred())
	c, err := localgodwit.Client(config)
	Expect(err).NotTo(HaveOccurred())
	claim := &onDevice(keeper("default", localnode.LocalClass)).Spec.VolumeClaimTemplates[0]
	claim.Namespace = "default"
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pause"},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name: "pause", Image: localnode.PauseImage, VolumeDevices: []corev1.VolumeDevice{{Name: "data", DevicePath: keeperDevice}},
			}},
			Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name},
			}}},
		},
	}
	Expect(c.Create(ctx, claim)).To(Succeed())
	Expect(c.Create(ctx, pod)).To(Succeed())
	Eventually(func() (corev1.PodPhase, error) {
		err := c.Get(ctx, client.ObjectKeyFromObject(pod), pod)
		return pod.Status.Phase, err
	}).WithContext(ctx).Should(Equal(corev1.PodRunning))
}

// expectNothingLeft looks for what clusters could have left on this machine, whose names have that of their folder.
func expectNothingLeft(ctx context.Context, folder string) {
	GinkgoHelper()
	Expect(folder).NotTo(BeAnExistingFile())
	name := filepath.Base(folder)
	for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/cgroup", "/proc/self/mounts"} {
		Expect(filesThatName(pattern, name)).To(BeEmpty())
	}
	for _, pattern := range []string{"/sys/fs/cgroup/*", "/sys/fs/cgroup/*/*"} {
		Expect(filepath.Glob(pattern)).NotTo(ContainElement(ContainSubstring(name)))
	}
	devices, err := exec.CommandContext(ctx, "losetup", "--all").CombinedOutput()
	Expect(err).NotTo(HaveOccurred())
	Expect(string(devices)).NotTo(ContainSubstring(name))
	for _, args := range [][]string{{"netns", "list"}, {"link"}, {"address"}} {
		output, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
		Expect(err).NotTo(HaveOccurred())
		Expect(string(output)).NotTo(Or(ContainSubstring("cni-"), ContainSubstring("port-"), ContainSubstring("172.30.0.")))
	}
}

// filesThatName returns the files of a pattern in which a name is. Of a process that ends meanwhile none can be read.
func filesThatName(pattern, name string) ([]string, error) {
	files, err := filepath.Glob(pattern)
	var found []string
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil && strings.Contains(string(content), name) {
			found = append(found, file)
		}
	}
	return found, err
}
