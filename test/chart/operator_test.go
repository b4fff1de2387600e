package chart_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localgodwit"
)

// operator is a running process.
type operator struct {
	*localgodwit.Manager
	metricsURL, logFile string
}

// log returns what the operator has written so far.
func (o *operator) log() string {
	GinkgoHelper()
	content, err := os.ReadFile(o.logFile)
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}

// startOperator runs the operator as the pods of the installed Deployment would: with their arguments, environment and
// ServiceAccount. Only addresses are others, and what a pod finds in files is told by flags.
func startOperator(ctx context.Context, name string) *operator {
	GinkgoHelper()
	deployment := &appsv1.Deployment{}
	Expect(here.Get(ctx, client.ObjectKey{Namespace: namespace, Name: release}, deployment)).To(Succeed())
	pod := deployment.Spec.Template.Spec
	addresses, err := localgodwit.FreeAddresses(3)
	Expect(err).NotTo(HaveOccurred())
	routeWebhooks(ctx, addresses[2])

	const metricsFlag, webhookFlag = "--metrics-bind-address=", "--webhook-bind-address="
	var args []string
	for _, arg := range pod.Containers[0].Args {
		switch {
		case strings.HasPrefix(arg, metricsFlag):
			arg = metricsFlag + addresses[0]
		case strings.HasPrefix(arg, webhookFlag):
			arg = webhookFlag + addresses[2]
		}
		args = append(args, arg)
	}
	Expect(args).To(ContainElements(metricsFlag+addresses[0], webhookFlag+addresses[2], "--leader-elect=true"))
	args = append(args, "--health-probe-bind-address="+addresses[1], "--leader-election-namespace="+namespace,
		"--kubeconfig="+writeKubeconfig(token(ctx, namespace, pod.ServiceAccountName)))

	process := exec.Command(operatorPath, args...)
	process.Env = environment(pod.Containers[0].Env)
	logFile := filepath.Join(workspace, name+".log")
	manager, err := localgodwit.Start(ctx, process, logFile, "http://"+addresses[1]+"/readyz")
	Expect(err).NotTo(HaveOccurred())
	started := &operator{Manager: manager, metricsURL: "https://" + addresses[0] + "/metrics", logFile: logFile}
	DeferCleanup(func() error {
		if CurrentSpecReport().Failed() {
			GinkgoWriter.Printf("Operator %s wrote:\n%s\n", name, started.log())
		}
		return manager.Stop()
	})
	return started
}

// routeWebhooks leads the API server from the installed Service to an address of this machine, where it has no network of Services.
func routeWebhooks(ctx context.Context, address string) {
	GinkgoHelper()
	host, portText, err := net.SplitHostPort(address)
	Expect(err).NotTo(HaveOccurred())
	port, err := strconv.ParseInt(portText, 10, 32)
	Expect(err).NotTo(HaveOccurred())
	service := &corev1.Service{}
	Expect(here.Get(ctx, client.ObjectKey{Namespace: namespace, Name: release + "-webhook"}, service)).To(Succeed())
	service.Spec.Type, service.Spec.ExternalName, service.Spec.ClusterIP, service.Spec.ClusterIPs = corev1.ServiceTypeExternalName, host, "", nil
	Expect(here.Update(ctx, service)).To(Succeed())
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	Expect(here.Get(ctx, client.ObjectKey{Name: release}, configuration)).To(Succeed())
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].ClientConfig.Service.Port = new(int32(port))
	}
	Expect(here.Update(ctx, configuration)).To(Succeed())
}

// environment is what a container would get.
func environment(variables []corev1.EnvVar) []string {
	GinkgoHelper()
	var found []string
	for _, variable := range variables {
		switch from := variable.ValueFrom; {
		case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace":
			found = append(found, variable.Name+"="+namespace)
		case from.ResourceFieldRef != nil && from.ResourceFieldRef.Resource == "limits.memory":
			found = append(found, variable.Name+"=1073741824")
		default:
			Fail("variable " + variable.Name + " is unknown")
		}
	}
	return found
}

// token returns a token of a ServiceAccount as the kubelet would get one.
func token(ctx context.Context, namespace, name string) string {
	GinkgoHelper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	request := &authenticationv1.TokenRequest{}
	Expect(here.SubResource("token").Create(ctx, account, request)).To(Succeed())
	return request.Status.Token
}

// writeKubeconfig returns a file with which a token can be used at the source.
func writeKubeconfig(token string) string {
	GinkgoHelper()
	admin := source.Config()
	config := clientcmdapi.NewConfig()
	config.Clusters["source"] = &clientcmdapi.Cluster{Server: admin.Host, CertificateAuthorityData: admin.CAData}
	config.AuthInfos["operator"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["source"] = &clientcmdapi.Context{Cluster: "source", AuthInfo: "operator"}
	config.CurrentContext = "source"
	file := filepath.Join(workspace, "operator.kubeconfig")
	Expect(clientcmd.WriteToFile(*config, file)).To(Succeed())
	return file
}
