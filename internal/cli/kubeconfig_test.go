package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

func TestLoadKubeconfig(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"ca": "CA", "cert": "CERT", "key": "KEY", "token": "TOKEN\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	extension := map[string]runtime.Object{"minikube": &runtime.Unknown{Raw: []byte(`{"a":1}`)}}
	base := func() *clientcmdapi.Config {
		return &clientcmdapi.Config{
			CurrentContext: "c",
			Contexts:       map[string]*clientcmdapi.Context{"c": {Cluster: "k", AuthInfo: "u", Namespace: "n", Extensions: extension}, "other": {Cluster: "k2", AuthInfo: "u2"}},
			Clusters:       map[string]*clientcmdapi.Cluster{"k": {Server: "https://k", Extensions: extension}, "k2": {Server: "https://k2"}},
			AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {Token: "t"}, "u2": {Token: "t2"}},
		}
	}
	tests := map[string]struct {
		change  func(*clientcmdapi.Config)
		want    *clientcmdapi.AuthInfo
		wantCA  string
		wantErr string
	}{
		"keeps the current context alone": {change: func(*clientcmdapi.Config) {}, want: &clientcmdapi.AuthInfo{Token: "t"}},
		"puts the content of files in place of relative names": {
			change: func(c *clientcmdapi.Config) {
				c.AuthInfos["u"] = &clientcmdapi.AuthInfo{ClientCertificate: "cert", ClientKey: "key"}
				c.Clusters["k"].CertificateAuthority = "ca"
			},
			want:   &clientcmdapi.AuthInfo{ClientCertificateData: []byte("CERT"), ClientKeyData: []byte("KEY")},
			wantCA: "CA",
		},
		"prefers the token file, as clients do": {
			change: func(c *clientcmdapi.Config) { c.AuthInfos["u"].TokenFile = filepath.Join(dir, "token") },
			want:   &clientcmdapi.AuthInfo{Token: "TOKEN"},
		},
		"prefers content to a file, as clients do": {
			change: func(c *clientcmdapi.Config) {
				c.AuthInfos["u"] = &clientcmdapi.AuthInfo{ClientCertificate: "/no", ClientCertificateData: []byte("C"), ClientKey: "/no", ClientKeyData: []byte("K")}
				c.Clusters["k"].CertificateAuthority, c.Clusters["k"].CertificateAuthorityData = "/no", []byte("CA2")
			},
			want:   &clientcmdapi.AuthInfo{ClientCertificateData: []byte("C"), ClientKeyData: []byte("K")},
			wantCA: "CA2",
		},
		"refuses a program": {
			change: func(c *clientcmdapi.Config) {
				c.AuthInfos["u"].Exec = &clientcmdapi.ExecConfig{Command: "aws", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: "Never"}
			},
			wantErr: `user "u" logs in by the program "aws"`,
		},
		"refuses an auth provider": {
			change: func(c *clientcmdapi.Config) {
				c.AuthInfos["u"].AuthProvider = &clientcmdapi.AuthProviderConfig{Name: "gcp"}
			},
			wantErr: `user "u" logs in by the auth provider "gcp"`,
		},
		"does not mind a program of another context": {
			change: func(c *clientcmdapi.Config) {
				c.AuthInfos["u2"].Exec = &clientcmdapi.ExecConfig{Command: "aws", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: "Never"}
			},
			want: &clientcmdapi.AuthInfo{Token: "t"},
		},
		"names a token file that is missing": {
			change:  func(c *clientcmdapi.Config) { c.AuthInfos["u"].TokenFile = "/no/such" },
			wantErr: `reading the token of user "u": open /no/such: `,
		},
		"names a context that is missing": {
			change:  func(c *clientcmdapi.Config) { c.CurrentContext = "no" },
			wantErr: "cannot locate context no",
		},
		"wants a current context": {
			change:  func(c *clientcmdapi.Config) { c.CurrentContext = "" },
			wantErr: "current-context must exist",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := base()
			test.change(config)
			file := filepath.Join(dir, "kubeconfig")
			if err := clientcmd.WriteToFile(*config, file); err != nil {
				t.Fatal(err)
			}
			got, err := loadKubeconfig(file)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) || !strings.Contains(err.Error(), file) {
					t.Fatalf("got error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkPortable(t, got, test.want, test.wantCA)
		})
	}
}

func checkPortable(t *testing.T, got *clientcmdapi.Config, wantUser *clientcmdapi.AuthInfo, wantCA string) {
	t.Helper()
	want := &clientcmdapi.Config{
		CurrentContext: "c",
		Contexts:       map[string]*clientcmdapi.Context{"c": {Cluster: "k", AuthInfo: "u", Namespace: "n"}},
		Clusters:       map[string]*clientcmdapi.Cluster{"k": {Server: "https://k", CertificateAuthorityData: []byte(wantCA)}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": wantUser},
	}
	// Written, since what is read knows where it came from.
	wantContent, err := clientcmd.Write(*want)
	if err != nil {
		t.Fatal(err)
	}
	gotContent, err := clientcmd.Write(*got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(wantContent), string(gotContent)); diff != "" {
		t.Errorf("(-want,+got)\n%s", diff)
	}
	if _, err := inlineKubeconfig(got); err != nil {
		t.Errorf("it cannot be put into a ClusterPair: %v", err)
	}
}
