package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// loadKubeconfig reads a kubeconfig file and makes it portable.
func loadKubeconfig(file string) (*clientcmdapi.Config, error) {
	config, err := clientcmd.LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig %s: %w", file, err)
	}
	if err := clientcmd.ResolveLocalPaths(config); err != nil {
		return nil, fmt.Errorf("reading kubeconfig %s: %w", file, err)
	}
	if err := makePortable(config); err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", file, err)
	}
	return config, nil
}

// makePortable leaves in config nothing but its current context, and puts the content of files in place of their names, so
// that the operator can use it. It refuses credentials that are got by running a program, since the operator does too.
func makePortable(config *clientcmdapi.Config) error {
	if err := clientcmdapi.MinifyConfig(config); err != nil {
		return err
	}
	for name, user := range config.AuthInfos {
		if err := refusePrograms(name, user); err != nil {
			return err
		}
		if err := inlineToken(name, user); err != nil {
			return err
		}
		// As in clients, content goes before the name of a file.
		dropFile(&user.ClientCertificate, user.ClientCertificateData)
		dropFile(&user.ClientKey, user.ClientKeyData)
		user.Extensions = nil
	}
	for _, cluster := range config.Clusters {
		dropFile(&cluster.CertificateAuthority, cluster.CertificateAuthorityData)
		cluster.Extensions = nil
	}
	for _, context := range config.Contexts {
		context.Extensions = nil
	}
	config.Extensions, config.Preferences = nil, clientcmdapi.Preferences{}
	return clientcmdapi.FlattenConfig(config)
}

func refusePrograms(name string, user *clientcmdapi.AuthInfo) error {
	const hint = "the operator refuses it: create a ServiceAccount with a token in that cluster and use a kubeconfig with this token"
	switch {
	case user.Exec != nil:
		return fmt.Errorf("user %q logs in by the program %q, and %s", name, user.Exec.Command, hint)
	case user.AuthProvider != nil:
		return fmt.Errorf("user %q logs in by the auth provider %q, and %s", name, user.AuthProvider.Name, hint)
	}
	return nil
}

// inlineToken reads the token file, which clients prefer to a token.
func inlineToken(name string, user *clientcmdapi.AuthInfo) error {
	if user.TokenFile == "" {
		return nil
	}
	token, err := os.ReadFile(user.TokenFile)
	if err != nil {
		return fmt.Errorf("reading the token of user %q: %w", name, err)
	}
	user.Token, user.TokenFile = strings.TrimSpace(string(token)), ""
	return nil
}

func dropFile(file *string, content []byte) {
	if len(content) > 0 {
		*file = ""
	}
}

// inlineKubeconfig returns config as ClusterPairs hold it: with maps in place of a kubeconfig file's lists.
func inlineKubeconfig(config *clientcmdapi.Config) (*runtime.RawExtension, error) {
	content, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("writing the kubeconfig into the ClusterPair: %w", err)
	}
	return &runtime.RawExtension{Raw: content}, nil
}
