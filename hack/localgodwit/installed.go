package localgodwit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localcluster"
)

// HelmPath builds the Helm that the checkout at root pins, if need be, and returns its path: running that is quicker than having
// the go command find it each time.
func HelmPath(ctx context.Context, root string) (string, error) {
	find := exec.CommandContext(ctx, "go", "tool", "-modfile=hack/tools/go.mod", "-n", "helm")
	find.Dir = root
	found, err := find.Output()
	if err != nil {
		return "", fmt.Errorf("building helm: %w", err)
	}
	return strings.TrimSpace(string(found)), nil
}

// Build builds the program of a package, such as ./cmd/godwit, of the module in the folder dir, as the caller was built: with the race
// detector if that has one.
func Build(ctx context.Context, dir, pkg, program string) error {
	build := exec.CommandContext(ctx, "go", slices.Concat([]string{"build", "-o", program}, raceFlags, []string{pkg})...)
	build.Dir = dir
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, output)
	}
	return nil
}

// Command returns a program, to be run, that takes the kubeconfig of a cluster, which may be nil, and whose home is a folder.
func Command(ctx context.Context, cluster *localcluster.Cluster, home, program string, args ...string) *exec.Cmd {
	process := exec.CommandContext(ctx, program, args...)
	process.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME=", "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "KUBECONFIG=")
	if cluster != nil {
		process.Env = append(process.Env, "KUBECONFIG="+cluster.KubeconfigFile())
	}
	return process
}

// Run runs a Command. It returns what the program writes to stdout; an error has what it writes to stderr.
func Run(ctx context.Context, cluster *localcluster.Cluster, home string, input io.Reader, program string, args ...string) (string, error) {
	process := Command(ctx, cluster, home, program, args...)
	var stdout, stderr bytes.Buffer
	process.Stdin, process.Stdout, process.Stderr = input, &stdout, &stderr
	if err := process.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// Release is an installed Helm release of Godwit whose Deployment nobody runs, for there are no nodes.
type Release struct {
	Cluster *localcluster.Cluster
	// Client may do everything in the cluster.
	Client client.Client
	// Name of the Deployment, and of the webhook configuration.
	Name client.ObjectKey
	// Binary is the operator's.
	Binary string
	// Folder is where logs and a kubeconfig go.
	Folder string
}

// Start runs the operator as the pods of the Deployment would: with their arguments, environment and ServiceAccount. Only addresses
// are others, and what a pod finds in files is told by flags. Its log is named in the folder after the given name.
func (r *Release) Start(ctx context.Context, name string) (*Manager, error) {
	deployment := &appsv1.Deployment{}
	if err := r.Client.Get(ctx, r.Name, deployment); err != nil {
		return nil, err
	}
	pod := deployment.Spec.Template.Spec
	token, err := Token(ctx, r.Client, client.ObjectKey{Namespace: r.Name.Namespace, Name: pod.ServiceAccountName})
	if err != nil {
		return nil, err
	}
	kubeconfig, err := r.writeKubeconfig(token)
	if err != nil {
		return nil, err
	}
	addresses, err := FreeAddresses(3)
	if err != nil {
		return nil, err
	}
	if err := r.routeWebhooks(ctx, addresses[2]); err != nil {
		return nil, err
	}
	// The last one of several equal flags counts.
	args := append(pod.Containers[0].Args, "--metrics-bind-address="+addresses[0], "--health-probe-bind-address="+addresses[1],
		"--webhook-bind-address="+addresses[2], "--leader-election-namespace="+r.Name.Namespace, "--kubeconfig="+kubeconfig)
	process := exec.Command(r.Binary, args...)
	if process.Env, err = r.environment(pod.Containers[0].Env); err != nil {
		return nil, err
	}
	manager, err := Start(ctx, process, filepath.Join(r.Folder, name+".log"), "http://"+addresses[1]+"/readyz")
	if err != nil {
		return nil, err
	}
	manager.MetricsURL = "https://" + addresses[0] + "/metrics"
	return manager, nil
}

// routeWebhooks leads the API server from the installed Service to an address of this machine, where it has no network of Services.
func (r *Release) routeWebhooks(ctx context.Context, address string) error {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.ParseInt(portText, 10, 32)
	if err != nil {
		return err
	}
	service := &corev1.Service{}
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: r.Name.Namespace, Name: r.Name.Name + "-webhook"}, service); err != nil {
		return err
	}
	service.Spec.Type, service.Spec.ExternalName, service.Spec.ClusterIP, service.Spec.ClusterIPs = corev1.ServiceTypeExternalName, host, "", nil
	if err := r.Client.Update(ctx, service); err != nil {
		return err
	}
	validating, mutating := &admissionregistrationv1.ValidatingWebhookConfiguration{}, &admissionregistrationv1.MutatingWebhookConfiguration{}
	for _, configuration := range []client.Object{validating, mutating} {
		if err := r.Client.Get(ctx, client.ObjectKey{Name: r.Name.Name}, configuration); err != nil {
			return err
		}
	}
	for i := range validating.Webhooks {
		validating.Webhooks[i].ClientConfig.Service.Port = new(int32(port))
	}
	for i := range mutating.Webhooks {
		mutating.Webhooks[i].ClientConfig.Service.Port = new(int32(port))
	}
	return errors.Join(r.Client.Update(ctx, validating), r.Client.Update(ctx, mutating))
}

// environment is what a container would get.
func (r *Release) environment(variables []corev1.EnvVar) ([]string, error) {
	var found []string
	for _, variable := range variables {
		switch from := variable.ValueFrom; {
		case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace":
			found = append(found, variable.Name+"="+r.Name.Namespace)
		case from.ResourceFieldRef != nil && from.ResourceFieldRef.Resource == "limits.memory":
			found = append(found, variable.Name+"=1073741824")
		default:
			return nil, fmt.Errorf("where variable %s comes from is unknown", variable.Name)
		}
	}
	return found, nil
}

// writeKubeconfig returns a file with which a token can be used at the cluster.
func (r *Release) writeKubeconfig(token string) (string, error) {
	admin := r.Cluster.Config()
	config := clientcmdapi.NewConfig()
	config.Clusters["source"] = &clientcmdapi.Cluster{Server: admin.Host, CertificateAuthorityData: admin.CAData}
	config.AuthInfos["operator"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["source"] = &clientcmdapi.Context{Cluster: "source", AuthInfo: "operator"}
	config.CurrentContext = "source"
	file := filepath.Join(r.Folder, "operator.kubeconfig")
	return file, clientcmd.WriteToFile(*config, file)
}

// Token returns a token of a ServiceAccount as the kubelet would get one.
func Token(ctx context.Context, c client.Client, name client.ObjectKey) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	request := &authenticationv1.TokenRequest{}
	err := c.SubResource("token").Create(ctx, account, request)
	return request.Status.Token, err
}
