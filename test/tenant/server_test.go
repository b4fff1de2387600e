package tenant_test

import (
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// serve runs a TLS server and returns a kubeconfig with a token for it.
func serve(handler http.HandlerFunc, changes ...func(*tls.Config)) *kubeconfig {
	GinkgoHelper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10} // Old versions are what is tried here.
	for _, change := range changes {
		change(server.TLS)
	}
	// Some answers have no end but this.
	ctx, stop := context.WithCancel(context.Background())
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	server.StartTLS()
	DeferCleanup(func() {
		stop()
		server.CloseClientConnections()
		server.Close()
	})
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.TLS.Certificates[0].Certificate[0]})
	return &kubeconfig{
		cluster: clientcmdapi.Cluster{Server: server.URL, CertificateAuthorityData: authority},
		user:    clientcmdapi.AuthInfo{Token: planted("token of " + server.URL)},
	}
}

// inFrontOf is the destination with some answers changed: change returns true where it answered.
func inFrontOf(t *tenant, change func(http.ResponseWriter, *http.Request) bool) *kubeconfig {
	GinkgoHelper()
	config, err := destination.UserConfig(t.name)
	Expect(err).NotTo(HaveOccurred())
	transport, err := rest.TransportFor(config)
	Expect(err).NotTo(HaveOccurred())
	target, err := url.Parse(config.Host)
	Expect(err).NotTo(HaveOccurred())
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization")
			r.Out.Header.Del("Accept-Encoding")
		},
	}
	return serve(func(w http.ResponseWriter, r *http.Request) {
		if !change(w, r) {
			proxy.ServeHTTP(w, r)
		}
	})
}

// answer sends JSON with a status.
func answer(w http.ResponseWriter, status int, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, format, args...)
}

// endless sends the beginning of an answer and then the same for ever.
func endless(begin, again string) http.HandlerFunc {
	again = strings.Repeat(again, 1+(64<<10)/len(again))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, err := io.WriteString(w, begin)
		for err == nil {
			_, err = io.WriteString(w, again)
		}
	}
}

// bomb is like endless, but takes next to nothing on the wire.
func bomb(begin, again string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		endless(begin, again)(writer{w, packed}, r)
	}
}

type writer struct {
	http.ResponseWriter
	io.Writer
}

func (w writer) Write(content []byte) (int, error) { return w.Writer.Write(content) }

// drip sends a byte now and then, for ever.
func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for {
		if _, err := io.WriteString(w, " "); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// hang accepts a request and never answers.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// raw answers with bytes that no HTTP server would send.
func raw(write func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			write(connection)
			_ = connection.Close()
		}
	}
}

// endlessHeader never comes to the body.
func endlessHeader(connection net.Conn) {
	_, err := io.WriteString(connection, "HTTP/1.1 200 OK\r\n")
	for i := 0; err == nil; i++ {
		_, err = fmt.Fprintf(connection, "X-%d: %s\r\n", i, strings.Repeat("x", 4000))
	}
}

// endlessHints sends informational answers only.
func endlessHints(connection net.Conn) {
	for {
		if _, err := io.WriteString(connection, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"); err != nil {
			return
		}
	}
}

// expired has a server show a certificate that was valid until an hour ago.
func expired(config *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	certificate := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	}
	content, err := x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{content}, PrivateKey: key}}
}

func oldTLS(config *tls.Config) { config.MaxVersion = tls.VersionTLS11 }
