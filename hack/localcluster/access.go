package localcluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Config returns the configuration of a client that may do everything (group system:masters) and is not throttled on
// its side. The caller may change it.
func (c *Cluster) Config() *rest.Config {
	return rest.CopyConfig(c.admin)
}

// Kubeconfig returns what Config does as the content of a kubeconfig file, which refers to no other file.
func (c *Cluster) Kubeconfig() []byte {
	return bytes.Clone(c.kubeconfig)
}

// KubeconfigFile returns the path of a file with what Kubeconfig returns.
func (c *Cluster) KubeconfigFile() string {
	return c.path("kubeconfig")
}

// ServiceNetwork returns the network from which Services get their addresses, in CIDR form.
func (c *Cluster) ServiceNetwork() string {
	return c.serviceNetwork
}

// KubectlPath returns the path of a kubectl of the cluster's version.
func (c *Cluster) KubectlPath() string {
	return filepath.Join(c.binaries, "kubectl")
}

// UserConfig returns the configuration of a client that acts as a user of that name in those groups, by a
// certificate. Like Config it has no throttle; what it may do is up to RBAC, which grants a new user next to nothing.
func (c *Cluster) UserConfig(name string, groups ...string) (*rest.Config, error) {
	pair, err := c.pki.ca.client(name, groups...)
	if err != nil {
		return nil, fmt.Errorf("making a client for user %s of cluster %s: %w", name, c.options.Name, err)
	}
	return c.config(c.admin.Host, pair), nil
}

// UserKubeconfig returns what UserConfig does as the content of a kubeconfig file, which refers to no other file.
func (c *Cluster) UserKubeconfig(name string, groups ...string) ([]byte, error) {
	config, err := c.UserConfig(name, groups...)
	if err != nil {
		return nil, err
	}
	return c.kubeconfigOf(c.admin.Host, name, keyPair{cert: config.CertData, key: config.KeyData})
}

// InsideKubeconfig returns what UserKubeconfig does for a user who runs on the cluster's Host or reaches its network, as pods there
// do. Without a Host it is the same.
func (c *Cluster) InsideKubeconfig(name string, groups ...string) ([]byte, error) {
	config, err := c.UserConfig(name, groups...)
	if err != nil {
		return nil, err
	}
	return c.kubeconfigOf(c.inside, name, keyPair{cert: config.CertData, key: config.KeyData})
}

// CAFile returns the path of the certificate of the authority that signs the cluster's certificates.
func (c *Cluster) CAFile() string {
	return c.pki.cert("ca")
}

func (c *Cluster) kubeconfigOf(server, user string, pair keyPair) ([]byte, error) {
	name := c.options.Name
	// Kubeconfigs of several clusters can be merged, so the user's entry must not be the same in all of them.
	entry := name + "-" + user
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: c.pki.ca.cert}
	config.AuthInfos[entry] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.cert, ClientKeyData: pair.key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: entry}
	config.CurrentContext = name
	content, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("making the kubeconfig of %s for cluster %s: %w", user, name, err)
	}
	return content, nil
}

func (c *Cluster) writeKubeconfig(file, server, user string, pair keyPair) ([]byte, error) {
	content, err := c.kubeconfigOf(server, user, pair)
	if err != nil {
		return nil, err
	}
	return content, os.WriteFile(file, content, 0o600)
}
