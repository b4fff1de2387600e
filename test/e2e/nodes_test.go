package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localnode"
)

// specTimeout is for a machine that does much else.
const specTimeout = SpecTimeout(5 * time.Minute)

var _ = Describe("Nodes", func() {
	It("are Ready, of the control plane's version, one in each cluster", func(ctx SpecContext) {
		for _, s := range []*side{source, destination} {
			nodes := &corev1.NodeList{}
			Expect(s.List(ctx, nodes)).To(Succeed())
			Expect(nodes.Items).To(HaveLen(1))
			Expect(nodes.Items[0].Status.NodeInfo.KubeletVersion).To(Equal(localcluster.Version))
			Expect(nodes.Items[0].Status.Conditions).To(ContainElement(And(
				HaveField("Type", corev1.NodeReady), HaveField("Status", corev1.ConditionTrue))))
		}
	}, specTimeout)

	DescribeTable("give a pod the volume that its predecessor had", func(ctx SpecContext, class string) {
		namespace := source.newNamespace(ctx, nil)
		Expect(source.Create(ctx, keeper(namespace, class))).To(Succeed())
		pod := types.NamespacedName{Namespace: namespace, Name: "keeper-0"}
		first := source.awaitReady(ctx, pod, "")
		source.keeper(ctx, pod, "write", "/data/note", "hello")

		Expect(source.Delete(ctx, object[corev1.Pod](pod), client.GracePeriodSeconds(1))).To(Succeed())
		source.awaitReady(ctx, pod, first)
		Expect(source.keeper(ctx, pod, "read", "/data/note")).To(Equal("hello"))
		Expect(strings.Count(source.keeper(ctx, pod, "read", "/data/starts"), "keeper-0 ")).To(Equal(2))
	},
		Entry("of the default class", specTimeout, localnode.LocalClass),
		Entry("of a class whose volumes are there before a pod needs them", specTimeout, localnode.HostPathClass),
	)

	It("give a pod the block device that its predecessor had", func(ctx SpecContext) {
		namespace := source.newNamespace(ctx, nil)
		Expect(source.Create(ctx, onDevice(keeper(namespace, localnode.LocalClass)))).To(Succeed())
		pod := types.NamespacedName{Namespace: namespace, Name: "keeper-0"}
		first := source.awaitReady(ctx, pod, "")
		source.keeper(ctx, pod, "write", keeperDevice, "hello")

		Expect(source.Delete(ctx, object[corev1.Pod](pod), client.GracePeriodSeconds(1))).To(Succeed())
		source.awaitReady(ctx, pod, first)
		Expect(source.keeper(ctx, pod, "read", keeperDevice, "5")).To(Equal("hello"))
	}, specTimeout)

	It("remove a volume with its claim, and let tests see what is in it until then", func(ctx SpecContext) {
		namespace := source.newNamespace(ctx, nil)
		Expect(source.Create(ctx, keeper(namespace, localnode.LocalClass))).To(Succeed())
		pod := types.NamespacedName{Namespace: namespace, Name: "keeper-0"}
		source.awaitReady(ctx, pod, "")
		claim := &corev1.PersistentVolumeClaim{}
		Expect(source.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "data-keeper-0"}, claim)).To(Succeed())
		folder := source.cluster.VolumeFolder(claim.Spec.VolumeName)
		Expect(os.ReadFile(filepath.Join(folder, "starts"))).To(ContainSubstring("keeper-0"))

		Expect(source.Delete(ctx, object[corev1.Namespace](types.NamespacedName{Name: namespace}))).To(Succeed())
		Eventually(func() error { _, err := os.Stat(folder); return err }).WithContext(ctx).Should(MatchError(os.ErrNotExist))
	}, specTimeout)

	It("lead from a NodePort and from a Service's address to pods, also for pods of the other cluster", func(ctx SpecContext) {
		namespace, elsewhere := source.newNamespace(ctx, nil), destination.newNamespace(ctx, nil)
		service := nodePort(namespace)
		Expect(source.Create(ctx, service)).To(Succeed())
		Expect(source.Create(ctx, keeper(namespace, localnode.LocalClass))).To(Succeed())
		Expect(destination.Create(ctx, keeper(elsewhere, localnode.LocalClass))).To(Succeed())
		here, there := types.NamespacedName{Namespace: namespace, Name: "keeper-0"}, types.NamespacedName{Namespace: elsewhere, Name: "keeper-0"}
		source.awaitReady(ctx, here, "")
		destination.awaitReady(ctx, there, "")
		source.keeper(ctx, here, "write", "/data/note", "hello from the source")

		byPort := fmt.Sprintf("http://%s:%d/note", source.cluster.IP, service.Spec.Ports[0].NodePort)
		byAddress := fmt.Sprintf("http://%s/note", service.Spec.ClusterIP)
		for _, url := range []string{byPort, byAddress} {
			Eventually(func() (string, error) {
				return destination.cluster.Exec(ctx, there, "", nil, "/keeper", "get", url)
			}).WithContext(ctx).Should(Equal("hello from the source"), url)
			Expect(source.keeper(ctx, here, "get", url)).To(Equal("hello from the source"), "a pod reaches itself at "+url)
		}
		test := &http.Client{Transport: &http.Transport{DialContext: network.Dial, DisableKeepAlives: true}}
		response, err := test.Get(byPort)
		Expect(err).NotTo(HaveOccurred())
		Expect(response.Body.Close()).To(Succeed())
		Expect(response).To(HaveHTTPStatus(http.StatusOK))
	}, specTimeout)

	It("lead from pods to what the test serves in the network", func(ctx SpecContext) {
		listener, err := network.Listen(ctx, localnode.HubIP+":9000")
		Expect(err).NotTo(HaveOccurred())
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("hello from the test"))
		})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		defer func() {
			Expect(server.Close()).To(Succeed())
			Expect(<-served).To(MatchError(http.ErrServerClosed))
		}()
		namespace := destination.newNamespace(ctx, nil)
		Expect(destination.Create(ctx, keeper(namespace, localnode.LocalClass))).To(Succeed())
		pod := types.NamespacedName{Namespace: namespace, Name: "keeper-0"}
		destination.awaitReady(ctx, pod, "")
		Expect(destination.keeper(ctx, pod, "get", "http://"+localnode.HubIP+":9000/")).To(Equal("hello from the test"))
	}, specTimeout)

	It("run a pod that is restricted, whose group may write to its volume", func(ctx SpecContext) {
		namespace := source.newNamespace(ctx, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
		Expect(source.Create(ctx, restricted(keeper(namespace, localnode.LocalClass), 1234, 1235, 5678))).To(Succeed())
		pod := types.NamespacedName{Namespace: namespace, Name: "keeper-0"}
		source.awaitReady(ctx, pod, "")
		Expect(source.keeper(ctx, pod, "id")).To(HavePrefix("1234 1235 [1235 5678]"))
		source.keeper(ctx, pod, "write", "/data/note", "hello")
		Expect(source.keeper(ctx, pod, "read", "/data/note")).To(Equal("hello"))
		_, err := source.cluster.Exec(ctx, pod, "", nil, "/keeper", "write", "/tmp/note", "hello")
		Expect(err).To(MatchError(ContainSubstring("read-only file system")))
	}, specTimeout)

	It("give commands their input, and logs", func(ctx SpecContext) {
		namespace := source.newNamespace(ctx, nil)
		Expect(source.Create(ctx, keeper(namespace, localnode.LocalClass))).To(Succeed())
		pod := types.NamespacedName{Namespace: namespace, Name: "keeper-0"}
		source.awaitReady(ctx, pod, "")
		input := strings.Repeat("from outside ", 100_000)
		Expect(source.cluster.Exec(ctx, pod, "", strings.NewReader(input), "/keeper", "read", "/dev/stdin")).To(Equal(input))
		Expect(source.cluster.Logs(ctx, pod, "")).To(ContainSubstring("keeper serves /data"))
	}, specTimeout)
})

// object returns what only says which object it is, to delete it.
func object[T any, P interface {
	*T
	client.Object
}](name types.NamespacedName) P {
	o := P(new(T))
	o.SetNamespace(name.Namespace)
	o.SetName(name.Name)
	return o
}
