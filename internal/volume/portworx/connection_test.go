package portworx

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/godwit-io/godwit/internal/volume"
)

func service(port int32, name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "portworx-service"},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
			{Name: "px-api", Port: 9001}, {Name: name, Port: port},
		}},
	}
}

func byService(config *Config) { config.Endpoint = "" }

// dialed has a driver reach the source under any address, and returns where the addresses it dials are kept.
func (b *bench) dialed() *[]string {
	var addresses []string
	b.driver.connection.dial = func(ctx context.Context, address string) (net.Conn, error) {
		addresses = append(addresses, address)
		return (&net.Dialer{}).DialContext(ctx, "tcp", b.address)
	}
	return &addresses
}

func TestPortworxIsFoundByItsService(t *testing.T) {
	b := newBench(t, byService, service(9020, "px-sdk"))
	addresses := b.dialed()
	run := b.run(b.paired(), "orders")
	b.start(run)
	b.want(b.finish(run), successful)
	if len(*addresses) != 1 || (*addresses)[0] != "portworx-service.kube-system:9020" {
		t.Errorf("dialed %v, want the Service once", *addresses)
	}
}

func TestPortworxThatMovedIsFoundAgain(t *testing.T) {
	b := newBench(t, byService, service(9020, "px-sdk"))
	addresses := b.dialed()
	pair := b.paired()
	b.stop()
	_, err := b.driver.Pair(t.Context(), pair)
	if !errors.Is(err, volume.ErrUnreachable) {
		t.Fatalf("err = %v, want ErrUnreachable", err)
	}
	mention(t, err.Error(), "Service kube-system/portworx-service")
	b.serve("127.0.0.1:0")
	moved := service(19020, "px-sdk")
	b.driver.connection.reader = newReader(t, moved)
	if _, err := b.driver.Pair(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	if last := (*addresses)[len(*addresses)-1]; last != "portworx-service.kube-system:19020" {
		t.Errorf("dialed %s in the end", last)
	}
}

func TestPortworxThatCannotBeFound(t *testing.T) {
	for name, tc := range map[string]struct {
		configure func(*Config)
		objects   []client.Object
		words     []string
	}{
		"no Service":                 {byService, nil, []string{"driver portworx", "kube-system/portworx-service", "PX_NAMESPACE", "remove the key token"}},
		"a Service without the port": {byService, []client.Object{service(9020, "other")}, []string{"px-sdk"}},
		"no Secret of the authority": {withAuthority, nil, []string{"kube-system/px-ca", "PX_CA_CERT_SECRET"}},
		"a Secret without the key":   {withAuthority, []client.Object{authoritySecret("other", nil)}, []string{"kube-system/px-ca", "ca.pem", "PX_CA_CERT_SECRET_KEY"}},
		"a Secret without PEM":       {withAuthority, []client.Object{authoritySecret("ca.pem", []byte("hello"))}, []string{"kube-system/px-ca", "ca.pem", "PEM"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tc.configure, tc.objects...)
			_, err := b.driver.Pair(t.Context(), newPair(nil))
			if err == nil {
				t.Fatal("no error")
			}
			mention(t, err.Error(), tc.words...)
		})
	}
	t.Run("an API server that does not answer", func(t *testing.T) {
		b := newBench(t, byService)
		b.driver.connection.reader = interceptor.NewClient(newReader(t).(client.WithWatch), interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return errors.New("connection refused")
			},
		})
		if _, err := b.driver.Pair(t.Context(), newPair(nil)); !errors.Is(err, volume.ErrUnreachable) {
			t.Errorf("err = %v, want ErrUnreachable", err)
		}
	})
}

func TestNothingIsDialedBeforeItIsNeeded(t *testing.T) {
	b := newBench(t, byService)
	addresses := b.dialed()
	if err := b.driver.Close(); err != nil || len(*addresses) > 0 {
		t.Errorf("err = %v after dialing %v", err, *addresses)
	}
}

func TestClosedDriverFails(t *testing.T) {
	b := newBench(t, nil)
	pair := b.paired()
	for range 2 {
		if err := b.driver.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := b.driver.Unpair(t.Context(), pair); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

func TestConnectionThatDoesNotAnswerIsReplaced(t *testing.T) {
	b := newBench(t, nil)
	b.paired()
	silent := b.driver.connection.conn
	b.driver.connection.drop(silent)
	b.driver.connection.drop(silent) // Another call over it noticed, too.
	b.paired()
	if b.driver.connection.conn == silent {
		t.Error("it is still in use")
	}
}

func withAuthority(config *Config) {
	config.TLS, config.CASecret, config.CASecretKey = true, "px-ca", "ca.pem"
}

func authoritySecret(key string, content []byte) client.Object {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "px-ca"}, Data: map[string][]byte{key: content},
	}
}

// newCertificate returns one for 127.0.0.1 that is its own authority, and that in PEM.
func newCertificate(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "portworx"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// serveTLS has the source answer with TLS, at another address than before.
func (b *bench) serveTLS(certificate tls.Certificate) {
	b.Helper()
	b.stop()
	b.serve("127.0.0.1:0", grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate},
	})))
}

func TestTLS(t *testing.T) {
	certificate, authority := newCertificate(t)
	_, stranger := newCertificate(t)
	for name, tc := range map[string]struct {
		configure func(*Config)
		authority []byte
		words     []string
	}{
		"is spoken where the authority is trusted":   {configure: withAuthority, authority: authority},
		"is refused where another one is trusted":    {withAuthority, stranger, []string{"with TLS", "certificate"}},
		"is refused where the system trusts nothing": {func(config *Config) { config.TLS = true }, authority, []string{"with TLS", "certificate"}},
		"is needed where Portworx has it":            {nil, authority, []string{"without TLS"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.serveTLS(certificate)
			b.driver = b.newDriver(tc.configure, authoritySecret("ca.pem", tc.authority))
			_, err := b.driver.Pair(t.Context(), newPair(nil))
			if tc.words == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, volume.ErrUnreachable) {
				t.Fatalf("err = %v, want ErrUnreachable", err)
			}
			mention(t, err.Error(), tc.words...)
		})
	}
}
