package remote

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

// planted stands for a credential: it must turn up in no error.
const planted = "pLaNtEd-s3cr3t"

// good is a kubeconfig as Stork writes it, whose user has the planted token. Tests change what they are about.
func good() map[string]any {
	return map[string]any{
		"clusters":        map[string]any{"c": map[string]any{"server": "https://dst.example.com:6443", "LocationOfOrigin": ""}},
		"users":           map[string]any{"u": map[string]any{"token": planted, "LocationOfOrigin": "/home/x/.kube/config"}},
		"contexts":        map[string]any{"ctx": map[string]any{"cluster": "c", "user": "u", "LocationOfOrigin": ""}},
		"current-context": "ctx",
		"preferences":     map[string]any{},
	}
}

func with(change func(top, cluster, user map[string]any)) []byte {
	top := good()
	change(top, top["clusters"].(map[string]any)["c"].(map[string]any), top["users"].(map[string]any)["u"].(map[string]any))
	content, err := json.Marshal(top)
	if err != nil {
		panic(err)
	}
	return content
}

func withServer(server string) []byte {
	return with(func(_, cluster, _ map[string]any) { cluster["server"] = server })
}

func withProxy(proxy string) []byte {
	return with(func(_, cluster, _ map[string]any) { cluster["proxy-url"] = proxy })
}

func withUser(fields map[string]any) []byte {
	return with(func(_, _, user map[string]any) { maps.Copy(user, fields) })
}

func withTop(fields map[string]any) []byte {
	return with(func(top, _, _ map[string]any) { maps.Copy(top, fields) })
}

func exec(fields map[string]any) map[string]any {
	plugin := map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws", "args": []any{"--password", planted}, "env": nil,
		"Config": nil, "StdinUnavailable": false, "StdinUnavailableMessage": "", "provideClusterInfo": false,
	}
	maps.Copy(plugin, fields)
	return map[string]any{"exec": plugin, "token": ""}
}

func file(entries string) []byte {
	return []byte("apiVersion: v1\nkind: Config\ncurrent-context: ctx\n" + entries)
}

// fileEntries are those of good as in a file.
const fileEntries = `
clusters:
- name: c
  cluster: {server: "https://dst.example.com:6443", extensions: [{name: minikube, extension: {version: v1}}]}
users:
- name: u
  user: {token: ` + planted + `}
contexts:
- name: ctx
  context: {cluster: c, user: u, namespace: default}
`

func TestVetRefuses(t *testing.T) {
	pemOf := func(kind string) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(planted)}))
	}
	for name, tc := range map[string]struct {
		kubeconfig []byte
		// want is in the error, which names the entry and the problem.
		want string
	}{
		"nothing":                               {nil, "it has no clusters, users and contexts"},
		"white space":                           {[]byte(" \n"), "it has no clusters, users and contexts"},
		"null":                                  {[]byte("null"), "it has no clusters, users and contexts"},
		"neither YAML nor JSON":                 {[]byte("token: " + planted + "\n\t- {"), "neither valid YAML nor JSON"},
		"binary garbage":                        {[]byte("\x00\xff" + planted), "neither valid YAML nor JSON"},
		"a scalar":                              {[]byte(planted), "is not an object"},
		"a list":                                {[]byte(`["` + planted + `"]`), "is not an object"},
		"too many bytes":                        {bytes.Repeat([]byte(" "), MaxKubeconfigBytes+1), "more than the 1048576"},
		"a bomb of YAML aliases":                {yamlBomb(), "neither valid YAML nor JSON"},
		"deep nesting":                          {[]byte(strings.Repeat("[", 20000)), "neither valid YAML nor JSON"},
		"no current context":                    {withTop(map[string]any{"current-context": nil}), `set it to one of the contexts ("ctx")`},
		"an unknown context":                    {withTop(map[string]any{"current-context": "other"}), `context "other": there is no such entry: add it, or refer to one of those that are there ("ctx")`},
		"no contexts":                           {withTop(map[string]any{"contexts": nil}), "there are none"},
		"a null context":                        {withTop(map[string]any{"contexts": map[string]any{"ctx": nil}}), `context "ctx": there is no such entry`},
		"a context without a cluster":           {withTop(map[string]any{"contexts": map[string]any{"ctx": map[string]any{"user": "u"}}}), `cluster "": there is no such entry`},
		"no users":                              {withTop(map[string]any{"users": map[string]any{}}), `user "u": there is no such entry`},
		"users that are a string":               {withTop(map[string]any{"users": planted}), "users: they are neither a map nor a list"},
		"a user that is a string":               {withTop(map[string]any{"users": map[string]any{"u": planted}}), `user "u": it is not an object`},
		"a token that is a list":                {withUser(map[string]any{"token": []any{planted}}), `user "u": field token has the wrong type`},
		"a key that is not base64":              {withUser(map[string]any{"client-key-data": planted + "!"}), `user "u": one of its fields is not as it should be`},
		"a list of strings":                     {file("clusters: [" + planted + "]"), "clusters: they are not a list of objects"},
		"an entry without a name":               {file("users: [{user: {token: " + planted + "}}]"), "users: one has no name"},
		"an entry that is twice in a list":      {file("users: [{name: u, user: {token: " + planted + "}}, {name: u}]"), `user "u": it is there more than once`},
		"an exec plug-in":                       {withUser(exec(nil)), `user "u": it has an exec plug-in, which would run the command "aws"`},
		"an exec plug-in by another case":       {withUser(map[string]any{"Exec": exec(nil)["exec"]}), `user "u": it has an exec plug-in`},
		"an exec plug-in beside a token":        {withUser(map[string]any{"exec": exec(nil)["exec"]}), `user "u": it has an exec plug-in`},
		"a path to an allowed command":          {withUser(exec(map[string]any{"command": "/tmp/allowed"})), `run the command "/tmp/allowed"`},
		"another path to an allowed command":    {withUser(exec(map[string]any{"command": "./allowed"})), `run the command "./allowed"`},
		"an exec plug-in without a command":     {withUser(exec(map[string]any{"command": ""})), `run the command ""`},
		"a command with terminal codes":         {withUser(exec(map[string]any{"command": "\x1b[2Jaws"})), `run the command " [2Jaws"`},
		"an auth-provider":                      {withUser(map[string]any{"auth-provider": map[string]any{"name": "oidc", "config": map[string]any{"id-token": planted}}}), `user "u": it has the auth-provider "oidc"`},
		"a token file":                          {withUser(map[string]any{"tokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"}), `user "u": tokenFile names a file`},
		"a token file alone":                    {withUser(map[string]any{"token": "", "tokenFile": "/etc/passwd"}), `user "u": tokenFile names a file`},
		"a certificate file":                    {withUser(map[string]any{"client-certificate": "/x.crt"}), `user "u": client-certificate names a file`},
		"a key file":                            {withUser(map[string]any{"client-key": "/x.key"}), `user "u": client-key names a file`},
		"a certificate authority file":          {with(func(_, c, _ map[string]any) { c["certificate-authority"] = "/ca.crt" }), `cluster "c": certificate-authority names a file`},
		"a token with a line break":             {withUser(map[string]any{"token": planted + "\n"}), `user "u": the token has a line break`},
		"a user without a credential":           {withUser(map[string]any{"token": nil}), `user "u": it has no credential`},
		"a token beside a password":             {withUser(map[string]any{"username": "x", "password": planted}), "both a token and a user name or password: remove one of them"},
		"a certificate that is none":            {withUser(map[string]any{"client-certificate-data": pemOf("CERTIFICATE"), "client-key-data": pemOf("PRIVATE KEY")}), `user "u": client-certificate-data and client-key-data are not a certificate and its key`},
		"a certificate without a key":           {withUser(map[string]any{"client-certificate-data": pemOf("CERTIFICATE")}), `user "u": it has a client certificate without its key`},
		"groups to impersonate without a user":  {withUser(map[string]any{"act-as-groups": []any{"g"}}), "without impersonating a user"},
		"no server":                             {withServer(""), `cluster "c": server is not set`},
		"a server without a scheme":             {withServer("dst.example.com:6443"), `cluster "c": server`},
		"a server without a host":               {withServer("https://"), `cluster "c": server is not the address`},
		"a server that is a path":               {withServer("/var/run/x.sock"), `cluster "c": server is not the address`},
		"a server with a password":              {withServer("https://me:" + planted + "@dst.example.com"), `cluster "c": server has a user name or password in it`},
		"a server that is no URL":               {withServer("https://[::1/" + planted), `cluster "c": server is not the address`},
		"a server without TLS":                  {withServer("http://dst.example.com"), `cluster "c": server has "http" and not https`},
		"a server that is a file":               {withServer("file://localhost/etc/passwd"), `cluster "c": server has "file" and not https`},
		"a metadata address":                    {withServer("https://169.254.169.254/latest"), `cluster "c": server is the address`},
		"a metadata address in IPv6 notation":   {withServer("https://[::ffff:169.254.169.254]"), `cluster "c": server is the address`},
		"a link-local IPv6 address":             {withServer("https://[fe80::1%25eth0]:6443"), `cluster "c": server is the address`},
		"a metadata address of EC2 in IPv6":     {withServer("https://[fd00:ec2::254]"), `cluster "c": server is the address`},
		"a metadata address of EC2 with a zone": {withServer("https://[fd00:ec2::254%25eth0]"), `cluster "c": server is the address`},
		"a proxy of another scheme":             {withProxy("ftp://me:" + planted + "@proxy"), `cluster "c": proxy-url is not the address`},
		"a proxy that is no URL":                {withProxy("http://me:" + planted + "@%zz"), `cluster "c": proxy-url is not the address`},
		"a proxy without a host":                {withProxy("http:" + planted), `cluster "c": proxy-url is not the address`},
		"a proxy at a metadata address":         {withProxy("http://169.254.169.254"), `cluster "c": proxy-url is the address`},
		"an authority that is not verified": {with(func(_, c, _ map[string]any) {
			c["insecure-skip-tls-verify"] = true
			c["certificate-authority-data"] = pemOf("CERTIFICATE")
		}), "both insecure-skip-tls-verify and a certificate authority"},
		"a name that is longer than any message": {withTop(map[string]any{"current-context": strings.Repeat("x", 5000)}), "…"},
	} {
		t.Run(name, func(t *testing.T) {
			credential, err := Policy{AllowedExecCommands: []string{"allowed"}}.Vet(tc.kubeconfig)
			invalid, ok := errors.AsType[*InvalidError](err)
			if !ok || credential != nil {
				t.Fatalf("Vet = %v, %v, want an InvalidError", credential, err)
			}
			if !strings.Contains(invalid.Error(), tc.want) {
				t.Errorf("error %q does not contain %q", err, tc.want)
			}
			if strings.Contains(invalid.Error(), planted) || strings.ContainsRune(invalid.Error(), '\x1b') || len(invalid.Error()) > 2000 {
				t.Errorf("error %q has the credential, terminal codes or too many characters", err)
			}
		})
	}
}

func yamlBomb() []byte {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		last := "*" + string(c-1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat(last+",", 9), ",") + "]\n"
	}
	return []byte(bomb)
}

func TestVetAccepts(t *testing.T) {
	asYAML, err := yaml.JSONToYAML(withUser(nil))
	if err != nil {
		t.Fatal(err)
	}
	bearer := func(t *testing.T, config *rest.Config) {
		t.Helper()
		if config.BearerToken != planted || config.Host != "https://dst.example.com:6443" {
			t.Errorf("token %q for %q, want that of the kubeconfig", config.BearerToken, config.Host)
		}
	}
	mode := func(want clientcmdapi.ExecInteractiveMode) func(*testing.T, *rest.Config) {
		return func(t *testing.T, config *rest.Config) {
			t.Helper()
			if got := config.ExecProvider.InteractiveMode; got != want || !config.ExecProvider.StdinUnavailable {
				t.Errorf("interactive mode %q, stdin unavailable %v, want %q without stdin", got, config.ExecProvider.StdinUnavailable, want)
			}
		}
	}
	for name, tc := range map[string]struct {
		kubeconfig []byte
		check      func(*testing.T, *rest.Config)
	}{
		"maps in JSON":                  {withUser(nil), bearer},
		"maps in JSON with escapes":     {bytes.ReplaceAll(withTop(map[string]any{"x": "\U0001F426"}), []byte("/"), []byte(`\/`)), bearer},
		"maps in YAML":                  {asYAML, bearer},
		"lists in YAML":                 {file(fileEntries), bearer},
		"unknown keys and nulls":        {withTop(map[string]any{"extensions": nil, "new": 1, "preferences": nil}), bearer},
		"extensions of a cluster":       {with(func(_, c, _ map[string]any) { c["extensions"] = map[string]any{"x": map[string]any{"y": 1}} }), bearer},
		"hostile entries not in use":    {with(func(top, _, _ map[string]any) { top["users"].(map[string]any)["v"] = exec(nil) }), bearer},
		"a path behind the server":      {withServer("https://rancher.example.com/k8s/clusters/c-1"), nil},
		"a loopback address":            {withServer("https://127.0.0.1:6443"), nil},
		"an HTTP proxy":                 {withProxy("http://me:" + planted + "@proxy:3128"), nil},
		"a SOCKS proxy":                 {withProxy("socks5://proxy:1080"), nil},
		"an allowed command":            {withUser(exec(map[string]any{"interactiveMode": "Never"})), mode("Never")},
		"the old interactive mode":      {withUser(exec(map[string]any{"InteractiveMode": "Never"})), mode("Never")},
		"both interactive modes":        {withUser(exec(map[string]any{"InteractiveMode": "Never", "interactiveMode": "Never"})), mode("Never")},
		"the old mode beside an empty":  {withUser(exec(map[string]any{"InteractiveMode": "Never", "interactiveMode": ""})), mode("Never")},
		"the new mode beside the empty": {withUser(exec(map[string]any{"InteractiveMode": "", "interactiveMode": "Never"})), mode("Never")},
		"no interactive mode":           {withUser(exec(nil)), mode("IfAvailable")},
		"a user to impersonate, as in a file": {file(strings.Replace(fileEntries, "{token: "+planted+"}",
			"{token: "+planted+", as: x, as-uid: u, as-groups: [g], as-user-extra: {a: [b]}}", 1)), func(t *testing.T, config *rest.Config) {
			t.Helper()
			want := rest.ImpersonationConfig{UserName: "x", UID: "u", Groups: []string{"g"}, Extra: map[string][]string{"a": {"b"}}}
			if diff := cmp.Diff(want, config.Impersonate); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		}},
		"a user to impersonate": {withUser(map[string]any{"act-as": "x", "act-as-groups": []any{"g"}}), func(t *testing.T, config *rest.Config) {
			t.Helper()
			if config.Impersonate.UserName != "x" {
				t.Errorf("impersonates %q", config.Impersonate.UserName)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			credential, err := Policy{AllowedExecCommands: []string{"aws"}}.Vet(tc.kubeconfig)
			if err != nil {
				t.Fatal(err)
			}
			if len(credential.Notices) > 0 {
				t.Errorf("notices %q, want none", credential.Notices)
			}
			if tc.check != nil {
				tc.check(t, credential.config)
			}
		})
	}
}

func TestVetReadsWhatClientGoWrites(t *testing.T) {
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: "https://dst.example.com"}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {Token: planted}},
		Contexts:       map[string]*clientcmdapi.Context{"ctx": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "ctx",
	}
	asFile, err := clientcmd.Write(config)
	if err != nil {
		t.Fatal(err)
	}
	inline, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"a file": asFile, "its type in a ClusterPair": inline} {
		t.Run(name, func(t *testing.T) {
			credential, err := Policy{}.Vet(content)
			if err != nil || credential.config.BearerToken != planted {
				t.Errorf("Vet = %v, %v", credential, err)
			}
		})
	}
}

func TestVetWarnsOfAnUnverifiedServer(t *testing.T) {
	credential, err := Policy{}.Vet(with(func(_, cluster, _ map[string]any) { cluster["insecure-skip-tls-verify"] = true }))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(credential.Notices, func(n string) bool { return strings.Contains(n, "insecure-skip-tls-verify") }) {
		t.Errorf("notices %q do not name insecure-skip-tls-verify", credential.Notices)
	}
}

func TestVetAllowsFilesByPolicy(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	credential, err := Policy{AllowFiles: true}.Vet(withUser(map[string]any{"token": "", "tokenFile": token}))
	if err != nil || credential.config.BearerToken != planted {
		t.Errorf("Vet = %v, %v, want the token of the file", credential, err)
	}
	_, err = Policy{AllowFiles: true}.Vet(withUser(map[string]any{"token": "", "tokenFile": token + "-missing"}))
	if _, ok := errors.AsType[*InvalidError](err); !ok {
		t.Errorf("Vet with a missing file: %v, want an InvalidError", err)
	}
}

func FuzzVet(f *testing.F) {
	for _, seed := range [][]byte{
		withUser(nil), withUser(exec(nil)), withServer("https://[fe80::1]"), withProxy("http://x"), file(fileEntries), yamlBomb(),
		[]byte(`{"clusters":{"":{"server":"https://x"}},"users":{"":{"token":"t"}},"contexts":{"a":{}},"current-context":"a"}`),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, kubeconfig []byte) {
		credential, err := Policy{}.Vet(kubeconfig)
		if err != nil {
			if _, ok := errors.AsType[*InvalidError](err); !ok || credential != nil {
				t.Fatalf("Vet = %v, %v, want an InvalidError", credential, err)
			}
			return
		}
		c := credential.config
		if !strings.HasPrefix(strings.ToLower(c.Host), "https://") || credential.Server == "" {
			t.Errorf("accepted server %q", c.Host)
		}
		if c.ExecProvider != nil || c.AuthProvider != nil || c.BearerTokenFile != "" || c.CertFile != "" || c.KeyFile != "" || c.CAFile != "" {
			t.Error("accepted a plug-in or a file")
		}
		if _, err := Connect(credential, Options{}); err != nil {
			if _, ok := errors.AsType[*InvalidError](err); !ok {
				t.Errorf("Connect: %v, want an InvalidError", err)
			}
		}
	})
}

func TestForbiddenAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"169.254.169.254": true, "169.254.170.2": true, "::ffff:169.254.169.254": true, "fe80::1%eth0": true, "fd00:ec2::254%eth0": true,
		"fd00:ec2::23": true, "fd20:ce::254": true, "168.63.129.16": true, "100.100.100.200": true, "192.0.0.192": true,
		"64:ff9b::169.254.169.254": true, "64:ff9b::168.63.129.16": true, "::ffff:168.63.129.16": true,
		"127.0.0.1": false, "10.0.0.1": false, "fd00::1": false, "64:ff9b::8.8.8.8": false, "100.100.100.201": false, "2001:db8::1": false,
	} {
		if isForbidden(netip.MustParseAddr(address)) != want {
			t.Errorf("%s: forbidden is %v, want %v", address, !want, want)
		}
	}
}
