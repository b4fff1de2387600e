package remote

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// FuzzKubeconfigForms checks that a kubeconfig means the same as a file and in the form in which Stork and storkctl put it into a
// ClusterPair, and the same as it means to client-go.
func FuzzKubeconfigForms(f *testing.F) {
	f.Add("c", "https://dst.example.com:6443", "", []byte(nil), false, "u", planted, "", "", "", "ctx", "default")
	f.Add("a:b/c", "https://192.0.2.1/k8s/clusters/c-1", "dst", []byte("ca"), false, "u@é", "", "me", planted, "x", "", "")
	f.Add("null", "https://x", "", []byte(nil), true, "- u", planted, "", "", "boss", "3", "~")
	f.Fuzz(func(t *testing.T, cluster, server, serverName string, ca []byte, insecure bool,
		user, token, username, password, impersonate, context, namespace string,
	) {
		config := clientcmdapi.Config{
			Clusters: map[string]*clientcmdapi.Cluster{cluster: {
				Server: server, TLSServerName: serverName, CertificateAuthorityData: ca, InsecureSkipTLSVerify: insecure,
			}},
			AuthInfos:      map[string]*clientcmdapi.AuthInfo{user: {Token: token, Username: username, Password: password, Impersonate: impersonate}},
			Contexts:       map[string]*clientcmdapi.Context{context: {Cluster: cluster, AuthInfo: user, Namespace: namespace}},
			CurrentContext: context,
		}
		asFile, err := clientcmd.Write(config)
		if err != nil {
			return
		}
		// A file cannot say everything that the fuzzer can: what it says is what counts.
		read, err := clientcmd.Load(asFile)
		if err != nil {
			return
		}
		inline, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		fromFile, fileErr := Policy{}.Vet(asFile)
		fromPair, pairErr := Policy{}.Vet(inline)
		if (fileErr == nil) != (pairErr == nil) {
			t.Fatalf("of the file %v, of the pair %v", fileErr, pairErr)
		}
		if fileErr != nil {
			return
		}
		want, err := clientcmd.NewNonInteractiveClientConfig(*read, read.CurrentContext, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
		if err != nil {
			t.Fatalf("client-go does not accept it: %v", err)
		}
		for name, got := range map[string]*rest.Config{"the file": fromFile.config, "the pair": fromPair.config} {
			if diff := cmp.Diff(essence(want), essence(got)); diff != "" {
				t.Errorf("of %s (-client-go,+ours):\n%s", name, diff)
			}
		}
	})
}

// essence is what a kubeconfig decides of a client.
func essence(config *rest.Config) map[string]any {
	return map[string]any{
		"host": config.Host, "token": config.BearerToken, "username": config.Username, "password": config.Password, "as": config.Impersonate.UserName,
		"ca": string(config.CAData), "insecure": config.Insecure, "server name": config.ServerName,
	}
}
