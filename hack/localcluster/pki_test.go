package localcluster

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func parseCertificate(t *testing.T, content []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatalf("no PEM in %q", content)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestPKI(t *testing.T) {
	made, err := newPKI(filepath.Join(t.TempDir(), "pki"), []net.IP{net.ParseIP("10.96.0.1"), net.ParseIP("172.30.0.11")})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(made.ca.parsed)

	t.Run("the API server's certificate is good for each of its names", func(t *testing.T) {
		content, err := os.ReadFile(made.cert("apiserver"))
		if err != nil {
			t.Fatal(err)
		}
		certificate := parseCertificate(t, content)
		for _, name := range []string{loopback, "localhost", "10.96.0.1", "172.30.0.11", "kubernetes.default.svc"} {
			if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})

	t.Run("a user's certificate says name and groups, and is no server's", func(t *testing.T) {
		pair, err := made.ca.client("jane", "a", "b")
		if err != nil {
			t.Fatal(err)
		}
		certificate := parseCertificate(t, pair.cert)
		if s := certificate.Subject; s.CommonName != "jane" || !slices.Equal(s.Organization, []string{"a", "b"}) {
			t.Errorf("got subject %s", s)
		}
		client := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		if _, err := certificate.Verify(client); err != nil {
			t.Error(err)
		}
		if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots}); err == nil {
			t.Error("it is good for a server as well")
		}
	})

	t.Run("private keys are for their owner only", func(t *testing.T) {
		info, err := os.Stat(made.key("ca"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v", info, err)
		}
	})
}
