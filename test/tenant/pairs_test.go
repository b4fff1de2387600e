package tenant_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// attack is a kubeconfig and what the pair with it must say.
type attack struct {
	kubeconfig      *kubeconfig
	reason, message string
}

func invalid(k *kubeconfig, message string) attack {
	return attack{k, storkv1alpha1.ReasonCredentialInvalid, message}
}

func unreachable(k *kubeconfig, message string) attack {
	return attack{k, storkv1alpha1.ReasonUnreachable, message}
}

var _ = Describe("A kubeconfig", Ordered, ContinueOnFailure, func() {
	var mallory *tenant

	BeforeAll(func(ctx SpecContext) { mallory = newTenant(ctx, "mallory-pairs") })

	// expectAll pairs with all at once, in both forms, and serves others meanwhile.
	expectAll := func(ctx context.Context, attacks map[string]attack) {
		GinkgoHelper()
		pairs := map[*storkv1alpha1.ClusterPair]attack{}
		for name, attack := range attacks {
			if attack.reason == storkv1alpha1.ReasonCredentialInvalid {
				mallory.expectRefusal(ctx, name+"-inline", attack.kubeconfig, attack.message)
			} else {
				pairs[mallory.pair(ctx, name+"-inline", attack.kubeconfig)] = attack
			}
			pairs[mallory.pairBySecret(ctx, name+"-secret", attack.kubeconfig)] = attack
		}
		expectService(ctx)
		for pair, attack := range pairs {
			expectPair(ctx, pair, attack.reason, attack.message)
		}
		expectService(ctx)
	}

	It("runs no program and reads no file in the operator, and sends nothing in clear", func(ctx SpecContext) {
		trace := filepath.Join(workspace, "trace")
		token := filepath.Join(workspace, "token")
		Expect(os.WriteFile(token, []byte(planted("token in a file")), 0o600)).To(Succeed())
		var reached atomic.Bool
		server := func() *kubeconfig {
			return serve(func(w http.ResponseWriter, _ *http.Request) { reached.Store(true); w.WriteHeader(http.StatusNotFound) })
		}
		change := func(change func(*kubeconfig)) *kubeconfig {
			k := server()
			change(k)
			return k
		}
		plain, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(plain.Close)
		go func() {
			if _, err := plain.Accept(); err == nil {
				reached.Store(true)
			}
		}()
		expectAll(ctx, map[string]attack{
			"exec": invalid(change(func(k *kubeconfig) {
				k.user = clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
					Command: "touch", Args: []string{trace}, APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: "Never",
				}}
			}), "exec plug-in"),
			"auth-provider": invalid(change(func(k *kubeconfig) {
				k.user = clientcmdapi.AuthInfo{AuthProvider: &clientcmdapi.AuthProviderConfig{Name: "oidc"}}
			}), "auth-provider"),
			"token-file": invalid(change(func(k *kubeconfig) { k.user = clientcmdapi.AuthInfo{TokenFile: token} }), "tokenFile names a file"),
			"authority-file": invalid(change(func(k *kubeconfig) {
				k.cluster.CertificateAuthorityData, k.cluster.CertificateAuthority = nil, token
			}), "certificate-authority names a file"),
			"in-clear": invalid(change(func(k *kubeconfig) { k.cluster.Server = "http://" + plain.Addr().String() }), "and not https"),
			"userinfo": invalid(change(func(k *kubeconfig) {
				k.cluster.Server = strings.Replace(k.cluster.Server, "https://", "https://me:"+planted("password in a URL")+"@", 1)
			}), "server has a user name or password in it"),
		})
		Expect(reached.Load()).To(BeFalse())
		Expect(trace).NotTo(BeAnExistingFile())
	})

	It("leads to no address where clouds serve credentials, whatever way it is written", func(ctx SpecContext) {
		attacks := map[string]attack{}
		for name, host := range map[string]string{
			"plain": "169.254.169.254", "mapped": "[::ffff:169.254.169.254]", "mapped-hex": "[::ffff:a9fe:a9fe]",
			"link-local": "[fe80::1%25lo]", "ec2": "[fd00:ec2::254]", "ec2-identity": "[fd00:ec2::23]", "gce": "[fd20:ce::254]",
			"azure": "168.63.129.16", "alibaba": "100.100.100.200", "oracle": "192.0.0.192", "translated": "[64:ff9b::a9fe:a9fe]",
		} {
			k := mallory.honest()
			k.cluster.Server = "https://" + host + "/latest/meta-data"
			attacks[name] = invalid(k, "where clouds serve credentials of their machines")
			proxied := mallory.honest()
			proxied.cluster.ProxyURL = "http://" + host
			attacks[name+"-proxy"] = invalid(proxied, "where clouds serve credentials of their machines")
		}
		// Resolvers read these as the address, or not at all: either way it is not connected to.
		for name, host := range map[string]string{"decimal": "2852039166", "hex": "0xa9fea9fe", "octal": "0251.0376.0251.0376", "short": "169.254.43518"} {
			k := mallory.honest()
			k.cluster.Server = "https://" + host
			attacks[name] = unreachable(k, "cannot be reached")
		}
		expectAll(ctx, attacks)
	})

	It("is not followed to another host, nor with its credential", func(ctx SpecContext) {
		var reached atomic.Bool
		elsewhere := serve(func(w http.ResponseWriter, _ *http.Request) {
			reached.Store(true)
			answer(w, 200, `{"gitVersion":"v1.36.3"}`)
		})
		attacks := map[string]attack{}
		for name, location := range map[string]string{
			"elsewhere": elsewhere.cluster.Server + "/version", "metadata": "http://169.254.169.254/latest/meta-data", "file": "file:///etc/passwd",
			"own-api": source.Config().Host + "/version", "nothing": "//", "scheme": "gopher://127.0.0.1:1/",
		} {
			for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
				attacks[fmt.Sprintf("%s-%d", name, status)] = unreachable(serve(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", location)
					w.WriteHeader(status)
				}), "cannot be reached")
			}
		}
		attacks["circle"] = unreachable(serve(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}), "stopped after 10 redirects")
		expectAll(ctx, attacks)
		Expect(reached.Load()).To(BeFalse())
	})

	It("leads to answers without an end, and they end", func(ctx SpecContext) {
		tooLarge := "its answer is larger than allowed"
		expectAll(ctx, map[string]attack{
			"version":       unreachable(serve(endless(`{"gitVersion":"v`, "1")), tooLarge),
			"white-space":   unreachable(serve(endless("", " ")), tooLarge),
			"nesting":       unreachable(serve(endless("", "[")), tooLarge),
			"nested-maps":   unreachable(serve(endless("", `{"a":`)), tooLarge),
			"bomb":          unreachable(serve(bomb(`{"gitVersion":"v`, "1")), tooLarge),
			"bomb-of-maps":  unreachable(serve(bomb(`{"x":[{}`, `,{"":0}`)), tooLarge),
			"header":        unreachable(serve(raw(endlessHeader)), "cannot be reached"),
			"hints":         unreachable(serve(raw(endlessHints)), "cannot be reached"),
			"drip":          unreachable(serve(drip), "it did not answer in time"),
			"hang":          unreachable(serve(hang), "it did not answer in time"),
			"error":         unreachable(serve(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); endless("{", " ")(w, r) }), tooLarge),
			"refused-bomb":  unreachable(serve(func(w http.ResponseWriter, r *http.Request) { bomb("{", " ")(w, r) }), tooLarge),
			"deep-but-ends": unreachable(serve(func(w http.ResponseWriter, r *http.Request) { answer(w, 200, "%s", strings.Repeat("[", 200000)) }), "cannot be reached"),
		})
	})

	It("leads to TLS that is not to be trusted", func(ctx SpecContext) {
		fine := func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `{"gitVersion":"v1.36.3"}`) }
		wrongName, unknownAuthority := serve(fine), serve(fine)
		wrongName.cluster.Server = strings.Replace(wrongName.cluster.Server, "127.0.0.1", "localhost", 1)
		unknownAuthority.cluster.CertificateAuthorityData = source.Config().CAData
		both := serve(fine)
		both.cluster.InsecureSkipTLSVerify = true
		expectAll(ctx, map[string]attack{
			"old":        unreachable(serve(fine, oldTLS), "protocol version"),
			"expired":    unreachable(serve(fine, expired), "certificate has expired"),
			"wrong-name": unreachable(wrongName, "not localhost"),
			"authority":  unreachable(unknownAuthority, "unknown authority"),
			"both":       invalid(both, "both insecure-skip-tls-verify and a certificate authority"),
		})
	})

	It("may impersonate only whom the other cluster lets it", func(ctx SpecContext) {
		k := mallory.honest()
		k.user.Impersonate, k.user.ImpersonateGroups = "admin", []string{"system:masters"}
		expectAll(ctx, map[string]attack{
			"masters": {k, storkv1alpha1.ReasonPermissionsMissing, "the credential lacks permissions"},
		})
	})

	It("leads to the operator's own cluster only as whom it names", func(ctx SpecContext) {
		k := mallory.honest()
		k.cluster.Server, k.cluster.CertificateAuthorityData = source.Config().Host, source.Config().CAData
		expectAll(ctx, map[string]attack{"own-cluster": {k, storkv1alpha1.ReasonUnauthorized, "does not accept the credential"}})
	})

	It("leads to a server that tells nonsense", func(ctx SpecContext) {
		no := "not with the version of a Kubernetes API server"
		expectAll(ctx, map[string]attack{
			"web-page": unreachable(serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = fmt.Fprint(w, "<html>"+strings.Repeat("\x1b[2J\n", 100))
			}), no),
			"secret-for-version": unreachable(serve(func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 200, `{"kind":"Secret","apiVersion":"v1","data":{"a":"b"}}`)
			}), no),
			"protobuf": unreachable(serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
				_, _ = w.Write([]byte("k8s\x00\xff\xff\xff\xff\x0f"))
			}), "cannot be reached"),
			"everything-refused": unreachable(serve(func(w http.ResponseWriter, _ *http.Request) { answer(w, 418, "{}") }), "HTTP status 418"),
		})
	})
})
