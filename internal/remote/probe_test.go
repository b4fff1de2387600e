package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/godwit-io/godwit/hack/localcluster"
)

var (
	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	listOptions = metav1.ListOptions{}
)

// wanted are permissions of each scope.
var wanted = []Permission{
	{Verb: "create", Resource: "namespaces"},
	{Verb: "list", Resource: "namespaces"},
	{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "web"},
	{Verb: "delete", Resource: "secrets", Namespace: "web"},
	{Verb: "delete", Resource: "secrets", Namespace: "other"},
}

func clusterOf(t *testing.T, kubeconfig []byte) *Cluster {
	t.Helper()
	credential, err := Policy{}.Vet(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := Connect(credential, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.close)
	return cluster
}

// withToken replaces the credential of a kubeconfig.
func withToken(t *testing.T, kubeconfig []byte, token string) []byte {
	t.Helper()
	config, err := clientcmd.Load(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.ClientCertificateData, user.ClientKeyData, user.Token = nil, nil, token
	}
	content, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestProbeOfACluster(t *testing.T) {
	destination, err := localcluster.Start(t.Context(), localcluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := destination.Stop(); err != nil {
			t.Error(err)
		}
	})
	admin := kubernetes.NewForConfigOrDie(destination.Config())
	t.Run("tells the version and misses nothing for an administrator", func(t *testing.T) {
		probe, err := clusterOf(t, destination.Kubeconfig()).Probe(t.Context(), wanted)
		if err != nil || probe.ServerVersion != localcluster.Version || len(probe.Missing) > 0 {
			t.Errorf("Probe = %+v, %v", probe, err)
		}
	})
	t.Run("names what a user lacks, in the order of the question", func(t *testing.T) {
		grant(t, admin, "limited", rbacv1.PolicyRule{Verbs: []string{"list"}, APIGroups: []string{""}, Resources: []string{"namespaces"}},
			rbacv1.PolicyRule{Verbs: []string{"patch"}, APIGroups: []string{"apps"}, Resources: []string{"deployments"}})
		grantIn(t, admin, "web", "limited", rbacv1.PolicyRule{Verbs: []string{"delete"}, APIGroups: []string{""}, Resources: []string{"secrets"}})
		kubeconfig, err := destination.UserKubeconfig("limited")
		if err != nil {
			t.Fatal(err)
		}
		probe, err := clusterOf(t, kubeconfig).Probe(t.Context(), wanted)
		if err != nil {
			t.Fatal(err)
		}
		var missing []string
		for _, permission := range probe.Missing {
			missing = append(missing, permission.String())
		}
		if want := []string{"create namespaces", "delete secrets in namespace other"}; !slices.Equal(missing, want) {
			t.Errorf("missing %q, want %q", missing, want)
		}
	})
	t.Run("does not take what is granted in a namespace for what is granted everywhere", func(t *testing.T) {
		everything := rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}
		grantIn(t, admin, "other", "of-namespace", everything)
		kubeconfig, err := destination.UserKubeconfig("of-namespace")
		if err != nil {
			t.Fatal(err)
		}
		probe, err := clusterOf(t, kubeconfig).Probe(t.Context(), wanted)
		if err != nil || !slices.Equal(probe.Missing, wanted[:4]) {
			t.Errorf("missing %v, %v, want %v", probe.Missing, err, wanted[:4])
		}
	})
	t.Run("says that the credential is not accepted", func(t *testing.T) {
		_, err := clusterOf(t, withToken(t, destination.Kubeconfig(), planted)).Probe(t.Context(), wanted)
		if _, ok := errors.AsType[*UnauthorizedError](err); !ok || strings.Contains(err.Error(), planted) {
			t.Errorf("err = %v, want an UnauthorizedError", err)
		}
	})
	t.Run("ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := clusterOf(t, destination.Kubeconfig()).Probe(ctx, wanted); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
	})
}

func grant(t *testing.T, admin kubernetes.Interface, user string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	name := metav1.ObjectMeta{Name: user}
	if _, err := admin.RbacV1().ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: name, Rules: rules}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: name,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}
	if _, err := admin.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// grantIn gives a user permissions in one namespace, which it makes.
func grantIn(t *testing.T, admin kubernetes.Interface, namespace, user string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	_, err := admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules}
	if _, err := admin.RbacV1().Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}
	if _, err := admin.RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestProbeOfSomethingElse(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			// Hostile: it sends the credential back.
			_, _ = io.WriteString(w, strings.ReplaceAll(body, "TOKEN", r.Header.Get("Authorization")))
		}
	}
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"a web server":           {answer(200, "<html>TOKEN"), "not with the version of a Kubernetes API server"},
		"another JSON":           {answer(200, `{"hello":"TOKEN"}`), "not with the version of a Kubernetes API server"},
		"a page that is missing": {answer(404, "TOKEN"), "HTTP status 404 Not Found"},
		"a server that fails":    {answer(500, `{"kind":"Status","apiVersion":"v1","message":"TOKEN","reason":"TOKEN","code":500}`), "HTTP status 500 Internal Server Error"},
		"no HTTP": {func(w http.ResponseWriter, r *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(connection, r.Header.Get("Authorization")+"\r\n\r\n")
				_ = connection.Close()
			}
		}, "not with the version of a Kubernetes API server"},
		"a redirect elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.com/?"+r.Header.Get("Authorization"), http.StatusFound)
		}, "it redirects to another host"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := serve(t, Options{}, tc.handler)
			_, err := cluster.Probe(t.Context(), wanted)
			unreachable, ok := errors.AsType[*UnreachableError](err)
			if !ok || !strings.Contains(unreachable.Problem, tc.want) || strings.Contains(err.Error(), planted) {
				t.Errorf("err = %v, want an UnreachableError with %q", err, tc.want)
			}
		})
	}

	t.Run("a very long version", func(t *testing.T) {
		cluster := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/version" {
				_, _ = io.WriteString(w, `{"gitVersion":"`+strings.Repeat("v", 100000)+`\u001b"}`)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`)
		})
		probe, err := cluster.Probe(t.Context(), wanted)
		if err != nil || len([]rune(probe.ServerVersion)) > maxVersionLength+1 {
			t.Errorf("version of %d characters, %v", len([]rune(probe.ServerVersion)), err)
		}
	})
	t.Run("an API server that tells the credential nothing", func(t *testing.T) {
		cluster := serve(t, Options{}, answer(http.StatusForbidden, "TOKEN"))
		probe, err := cluster.Probe(t.Context(), wanted)
		want := []Permission{
			{Verb: "get", Resource: "/version"},
			{Verb: "create", Group: "authorization.k8s.io", Resource: "selfsubjectaccessreviews"},
		}
		if err != nil || !slices.Equal(probe.Missing, want) {
			t.Errorf("Probe = %+v, %v, want missing %v", probe, err, want)
		}
	})
}

func TestProblemOfIsTheSameEachTime(t *testing.T) {
	address := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 6443}
	operation := func(port int) error {
		return &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: port}, Addr: address, Err: errors.New("connection reset by peer")}
	}
	for name, tc := range map[string]struct {
		first, second error
		want          string
	}{
		"from two ports": {operation(40001), operation(40002), "read 192.0.2.1:6443: connection reset by peer"},
		"by two name servers": {
			&net.DNSError{Err: "read udp 10.0.0.2:40001->10.0.0.10:53: i/o timeout", Name: "x"},
			&net.DNSError{Err: "read udp 10.0.0.2:40002->10.0.0.11:53: i/o timeout", Name: "x"},
			"its name could not be resolved",
		},
		"after a timeout": {context.DeadlineExceeded, fmt.Errorf("reading: %w", context.DeadlineExceeded), "it did not answer in time"},
		"without an address": {
			&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")},
			"remote error: tls: bad certificate",
		},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := problemOf(fmt.Errorf("wrapped: %w", tc.first)), problemOf(tc.second)
			if first != tc.want || second != tc.want {
				t.Errorf("%q and %q, want %q", first, second, tc.want)
			}
		})
	}
}
