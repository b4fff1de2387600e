package localnode

import (
	"bytes"
	"context"
	"crypto/tls"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"text/template"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/godwit-io/godwit/hack/image"
	"github.com/godwit-io/godwit/hack/localcluster"
)

// PauseImage is what the sandboxes of pods are made of. Its container does nothing.
const PauseImage = "localhost/pause:local"

var (
	//go:embed containerd.toml
	containerdConfig string
	//go:embed ptp.conflist
	cniConfig string
	//go:embed kubelet.yaml
	kubeletConfig string
	//go:embed kube-proxy.yaml
	proxyConfig string
)

// startNode starts the programs one after the other, and returns when the node is Ready.
func (c *Cluster) startNode(ctx context.Context, pause string) error {
	if err := makeCgroup(c.cgroup); err != nil {
		return err
	}
	if err := c.writeConfigs(); err != nil {
		return err
	}
	if err := c.Run(ctx, localcluster.Program{
		Name: Containerd, Path: "/usr/bin/containerd", Args: []string{"--config=" + c.config("containerd.toml")},
		Ready: func(ctx context.Context) error { return c.machine.run(ctx, "ctr", "version") },
	}); err != nil {
		return err
	}
	if err := c.Import(ctx, &image.Image{
		Name: PauseImage, Files: []image.File{{Path: "/pause", Source: pause}}, Entrypoint: []string{"/pause"}, User: "65535:65535",
	}); err != nil {
		return err
	}
	for _, program := range []localcluster.Program{
		{Name: Scheduler, Args: []string{"--kubeconfig=" + c.config(Scheduler), "--leader-elect=false"}, Ready: c.healthy("https://127.0.0.1:10259/healthz")},
		{Name: Kubelet, Args: []string{
			"--config=" + c.config("kubelet.yaml"), "--kubeconfig=" + c.config(Kubelet), "--hostname-override=" + c.name,
			"--node-ip=" + c.IP.String(), "--root-dir=" + filepath.Join(c.dir, "kubelet"), "--cert-dir=" + filepath.Join(c.dir, "kubelet", "pki"),
		}, Ready: c.nodeReady},
		// Last, because it waits until the kubelet has made the node.
		{Name: KubeProxy, Args: []string{"--config=" + c.config("kube-proxy.yaml")}, Ready: c.healthy("http://127.0.0.1:10249/healthz")},
	} {
		program.Path = filepath.Join(c.binaries, program.Name)
		if err := c.Run(ctx, program); err != nil {
			return err
		}
	}
	return nil
}

// writeConfigs writes what the programs read, of which some have the name of the program: these are kubeconfigs.
func (c *Cluster) writeConfigs() error {
	values := map[string]string{
		"Dir": c.dir, "Name": c.name, "Cgroup": c.cgroup, "IP": c.IP.String(), "PodNetwork": c.podNetwork, "CA": c.CAFile(),
		"PauseImage": PauseImage, "Plugins": cniPlugins,
	}
	for file, text := range map[string]string{
		c.config("containerd.toml"): containerdConfig, filepath.Join(c.dir, "cni", "10-ptp.conflist"): cniConfig,
		c.config("kubelet.yaml"): kubeletConfig, c.config("kube-proxy.yaml"): proxyConfig,
	} {
		parsed, err := template.New(filepath.Base(file)).Option("missingkey=error").Parse(text)
		if err != nil {
			return err
		}
		var content bytes.Buffer
		if err := parsed.Execute(&content, values); err != nil {
			return err
		}
		if err := os.WriteFile(file, content.Bytes(), 0o644); err != nil {
			return err
		}
	}
	for program, user := range map[string][]string{
		Scheduler: {"system:kube-scheduler"}, KubeProxy: {"system:kube-proxy"}, Kubelet: {"system:node:" + c.name, "system:nodes"},
	} {
		kubeconfig, err := c.InsideKubeconfig(user[0], user[1:]...)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.config(program), kubeconfig, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) config(name string) string { return filepath.Join(c.dir, "config", name) }

func (c *Cluster) nodeReady(ctx context.Context) error {
	if err := c.healthy("http://127.0.0.1:10248/healthz")(ctx); err != nil {
		return err
	}
	node, err := c.client.CoreV1().Nodes().Get(ctx, c.name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
			return fmt.Errorf("node %s is not Ready: %s", c.name, condition.Message)
		}
	}
	if len(node.Spec.Taints) > 0 { // Of a node that was not Ready before, until a controller has seen that it is.
		return fmt.Errorf("node %s has taints %v", c.name, node.Spec.Taints)
	}
	return nil
}

// healthy returns what asks a URL on the cluster's machine, and is content with 200. The certificate there is one of a moment.
func (c *Cluster) healthy(url string) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{
		DialContext: c.machine.dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close() //nolint:errcheck // Nothing is read.
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}
