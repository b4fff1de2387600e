package remote

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// serve starts a server that speaks TLS and returns a Cluster that reaches it with the planted token.
func serve(t *testing.T, options Options, handler http.HandlerFunc) *Cluster {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return connect(t, server, options)
}

func connect(t *testing.T, server *httptest.Server, options Options) *Cluster {
	t.Helper()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	credential, err := Policy{}.Vet(with(func(_, cluster, _ map[string]any) {
		cluster["server"] = server.URL
		cluster["certificate-authority-data"] = authority
	}))
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := Connect(credential, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.close)
	return cluster
}

// get returns the error of a GET and the number of bytes of the answer.
func get(t *testing.T, cluster *Cluster, path string) (int64, error) {
	t.Helper()
	client := &http.Client{Transport: cluster.Config.Transport}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, cluster.Config.Host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	return io.Copy(io.Discard, response.Body)
}

func TestRedirects(t *testing.T) {
	t.Run("are not followed to another host", func(t *testing.T) {
		var leaked []string
		other := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			leaked = append(leaked, r.Header.Get("Authorization"))
		}))
		defer other.Close()
		for _, status := range []int{301, 302, 303, 307, 308} {
			cluster := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL+"/version", status)
			})
			if _, err := get(t, cluster, "/version"); !errors.Is(err, errRedirected) {
				t.Errorf("status %d: %v, want the redirect refused", status, err)
			}
		}
		if len(leaked) > 0 {
			t.Errorf("the other host got requests with credentials %q", leaked)
		}
	})
	t.Run("are followed on the same host", func(t *testing.T) {
		cluster := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/old" {
				http.Redirect(w, r, "/new", http.StatusFound)
				return
			}
			_, _ = io.WriteString(w, r.URL.Path)
		})
		if n, err := get(t, cluster, "/old"); err != nil || n != int64(len("/new")) {
			t.Errorf("%d bytes, %v, want the answer of /new", n, err)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	const bytes = 1000
	const limit = bytes * weightByte
	for name, tc := range map[string]struct {
		bytes     int
		path      string
		gzip      bool
		wantError bool
	}{
		"below the limit":               {bytes: bytes - 1},
		"at the limit":                  {bytes: bytes},
		"above the limit":               {bytes: bytes + 1, wantError: true},
		"far above the limit":           {bytes: bytes * 1000, wantError: true},
		"above it after decompression":  {bytes: bytes * 1000, gzip: true, wantError: true},
		"a watch has no limit":          {bytes: bytes * 10, path: "?watch=true"},
		"a watch in its other spelling": {bytes: bytes * 10, path: "?watch=1"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := serve(t, Options{MaxResponseBytes: limit}, func(w http.ResponseWriter, _ *http.Request) {
				var out io.Writer = w
				if tc.gzip {
					w.Header().Set("Content-Encoding", "gzip")
					zip := gzip.NewWriter(w)
					defer func() { _ = zip.Close() }()
					out = zip
				}
				_, _ = io.WriteString(out, strings.Repeat("x", tc.bytes))
			})
			n, err := get(t, cluster, "/x"+tc.path)
			if apierrors.IsRequestEntityTooLargeError(err) != tc.wantError || !tc.wantError && n != int64(tc.bytes) {
				t.Errorf("%d bytes, %v, want an error: %v", n, err, tc.wantError)
			}
			if tc.wantError && n > bytes {
				t.Errorf("%d bytes were handed on, want at most %d", n, bytes)
			}
		})
	}
}

func TestRefusalsAndAnswersToProbesAreSmall(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		ctx    func(context.Context) context.Context
		want   bool
	}{
		"a list may be long":            {http.StatusOK, func(ctx context.Context) context.Context { return ctx }, true},
		"a refusal may not":             {http.StatusForbidden, func(ctx context.Context) context.Context { return ctx }, false},
		"nor may the answer to a probe": {http.StatusOK, expectSmallAnswers, false},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, strings.Repeat("x", smallBytes))
			})
			client, err := rest.HTTPClientFor(cluster.Config)
			if err != nil {
				t.Fatal(err)
			}
			request, err := http.NewRequestWithContext(tc.ctx(t.Context()), http.MethodGet, cluster.Config.Host+"/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err == nil {
				_, err = io.ReadAll(response.Body)
				_ = response.Body.Close()
			}
			if (err == nil) != tc.want {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestRequestsEnd(t *testing.T) {
	endless := func(headersFirst bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if headersFirst {
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		}
	}
	for name, headersFirst := range map[string]bool{"without headers": false, "without the end of the body": true} {
		t.Run(name, func(t *testing.T) {
			cluster := serve(t, Options{Timeout: 50 * time.Millisecond}, endless(headersFirst))
			_, err := get(t, cluster, "/x")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want the deadline exceeded", err)
			}
		})
	}
	t.Run("but not watches", func(t *testing.T) {
		const timeout = 50 * time.Millisecond
		cluster := serve(t, Options{Timeout: timeout}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("watch") == "true" {
				_ = http.NewResponseController(w).Flush()
				<-time.After(4 * timeout)
			}
			_, _ = io.WriteString(w, "event")
		})
		if n, err := get(t, cluster, "/x?watch=true"); err != nil || n != int64(len("event")) {
			t.Errorf("%d bytes, %v, want the late event", n, err)
		}
	})
}

func TestDialerRefusesForbiddenAddresses(t *testing.T) {
	for address, forbidden := range map[string]bool{
		"169.254.169.254:443":          true,
		"[::ffff:169.254.169.254]:443": true,
		"[fe80::1%eth0]:443":           true,
		"[fd00:ec2::254]:443":          true,
		"127.0.0.1:443":                false,
		"10.0.0.1:443":                 false,
		"[fd00::1]:443":                false,
	} {
		if err := newDialer().Control("tcp", address, nil); errors.Is(err, errForbidden) != forbidden {
			t.Errorf("%s: %v, want it forbidden: %v", address, err, forbidden)
		}
	}
	// The address is checked for every connection, whatever the kubeconfig calls it: here in place of a name that leads to it.
	cluster, err := Connect(&Credential{config: &rest.Config{Host: "https://169.254.169.254"}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, cluster, "/"); !errors.Is(err, errForbidden) {
		t.Errorf("GET: %v, want it refused", err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.StartTLS()
	defer server.Close()
	if _, err := get(t, connect(t, server, Options{}), "/x"); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("%v, want TLS 1.1 refused", err)
	}
}

func TestConfig(t *testing.T) {
	var headers http.Header
	cluster := serve(t, Options{UserAgent: "godwit/v1"}, func(w http.ResponseWriter, r *http.Request) {
		headers = r.Header
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{}`)
	})
	t.Run("holds no credential", func(t *testing.T) {
		config := rest.CopyConfig(cluster.Config)
		config.Transport, config.WarningHandler = nil, nil
		content, err := json.Marshal(map[string]any{"token": config.BearerToken, "tls": config.TLSClientConfig, "password": config.Password})
		if err != nil || strings.Contains(string(content), planted) {
			t.Errorf("Config holds %s (%v)", content, err)
		}
	})
	t.Run("makes clients that send the credential and are not throttled", func(t *testing.T) {
		if cluster.Config.QPS != -1 {
			t.Errorf("QPS = %v, want -1", cluster.Config.QPS)
		}
		client, err := dynamic.NewForConfig(cluster.Config)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.Resource(namespaces).List(t.Context(), listOptions)
		if headers.Get("Authorization") != "Bearer "+planted || headers.Get("User-Agent") != "godwit/v1" {
			t.Errorf("headers %v, want the token and the user agent", headers)
		}
	})
	t.Run("goes with clients that say who they are", func(t *testing.T) {
		_, _ = cluster.Dynamic.Resource(namespaces).List(t.Context(), listOptions)
		if got := headers.Get("User-Agent"); got != "godwit/v1" {
			t.Errorf("the dynamic client is %q", got)
		}
		_, _ = cluster.Discovery.ServerVersion()
		if got := headers.Get("User-Agent"); got != "godwit/v1" {
			t.Errorf("the discovery client is %q", got)
		}
	})
	t.Run("keeps a throttle that was asked for", func(t *testing.T) {
		throttled := serve(t, Options{QPS: 5, Burst: 10}, func(http.ResponseWriter, *http.Request) {})
		if throttled.Config.QPS != 5 || throttled.Config.Burst != 10 {
			t.Errorf("QPS %v, burst %v, want 5 and 10", throttled.Config.QPS, throttled.Config.Burst)
		}
	})
}
