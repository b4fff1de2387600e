package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	// renewBefore is how long before its end a certificate is replaced. It is made for a year.
	renewBefore = 120 * 24 * time.Hour
	// checkInterval is how often each replica looks at it, and so how long nothing may be admitted after somebody has taken the
	// authority out of the configuration.
	checkInterval = 30 * time.Second
	// retryInterval is how soon after a failure.
	retryInterval = 2 * time.Second
)

// Certificate has the API server trust the webhooks: it keeps a self-signed certificate in a Secret, which all replicas share, and
// its authority in the webhook configuration. Nothing has to be mounted, and no other software is needed.
//
// A new authority is added to the configuration beside those that are still valid, so that replicas which serve the old
// certificate for a while are trusted as well.
type Certificate struct {
	// Client writes, and reads past the cache.
	Client client.Client
	// Configuration is the name of the ValidatingWebhookConfiguration and of the MutatingWebhookConfiguration. The certificate is made
	// for the hosts that they name.
	Configuration string
	// Secret is where the certificate is kept.
	Secret types.NamespacedName
	// Clock tells when to renew.
	Clock clock.Clock

	served atomic.Pointer[tls.Certificate]
}

// NeedLeaderElection is false because every replica serves webhooks.
func (c *Certificate) NeedLeaderElection() bool { return false }

// Start keeps the certificate valid until ctx ends.
func (c *Certificate) Start(ctx context.Context) error {
	for {
		next := checkInterval
		if err := c.ensure(ctx); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Preparing the certificate of the webhooks failed, trying again")
			next = retryInterval
		}
		timer := c.Clock.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C():
		}
	}
}

// Get returns the certificate to serve.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if served := c.served.Load(); served != nil {
		return served, nil
	}
	return nil, errNotReady
}

var errNotReady = errors.New("the certificate of the webhooks is not there yet: see the log for the reason")

// Ready is a readiness check: without a certificate the API server cannot call the webhooks.
func (c *Certificate) Ready(*http.Request) error {
	_, err := c.Get(nil)
	return err
}

// ensure brings Secret and configurations to what they should be, and serves the certificate.
func (c *Certificate) ensure(ctx context.Context) error {
	configurations, err := c.configurations(ctx)
	if err != nil {
		return err
	}
	hosts, err := hostsOf(configurations)
	if err != nil {
		return err
	}
	certificate, err := c.certificate(ctx, hosts)
	if err != nil {
		return err
	}
	for _, configuration := range configurations {
		if err := c.trust(ctx, configuration, certificate); err != nil {
			return err
		}
	}
	c.served.Store(certificate)
	return nil
}

// certificate returns the one of the Secret if it is good for a while, otherwise a new one, which it keeps there. A conflict with
// another replica is an error, and the next try finds what that one made.
func (c *Certificate) certificate(ctx context.Context, hosts []string) (*tls.Certificate, error) {
	secret := &corev1.Secret{}
	err := c.Client.Get(ctx, c.Secret, secret)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading the certificate of the webhooks: %w", err)
	}
	found, broken := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err == nil && broken == nil && c.good(&found, hosts) {
		return &found, nil
	}
	made, data, makeErr := newCertificate(hosts)
	if makeErr != nil {
		return nil, makeErr
	}
	if apierrors.IsNotFound(err) {
		err = c.Client.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: c.Secret.Namespace, Name: c.Secret.Name,
				// It is of no use in another cluster.
				Annotations: map[string]string{storkv1alpha1.AnnotationSkipResource: "true"},
			},
			Type: corev1.SecretTypeTLS, Data: data,
		})
	} else {
		secret.Data = data
		err = c.Client.Update(ctx, secret)
	}
	if err != nil {
		return nil, fmt.Errorf("keeping the certificate of the webhooks in Secret %s: %w", c.Secret, err)
	}
	return made, nil
}

// good tells whether a certificate is for all hosts, and for long enough.
func (c *Certificate) good(certificate *tls.Certificate, hosts []string) bool {
	lacks := func(host string) bool { return certificate.Leaf.VerifyHostname(host) != nil }
	return c.Clock.Now().Add(renewBefore).Before(certificate.Leaf.NotAfter) && !slices.ContainsFunc(hosts, lacks)
}

// newCertificate returns one for some hosts, followed by the authority that signed it, also as the data of a Secret.
func newCertificate(hosts []string) (*tls.Certificate, map[string][]byte, error) {
	var addresses []net.IP
	for _, host := range hosts {
		if address := net.ParseIP(host); address != nil {
			addresses = append(addresses, address)
		}
	}
	chain, key, err := certutil.GenerateSelfSignedCertKey(hosts[0], addresses, hosts)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate for the webhooks: %w", err)
	}
	made, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate for the webhooks: %w", err)
	}
	return &made, map[string][]byte{corev1.TLSCertKey: chain, corev1.TLSPrivateKeyKey: key}, nil
}

// authorities returns those of a bundle that have not expired.
func (c *Certificate) authorities(bundle []byte) [][]byte {
	var valid [][]byte
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if parsed, err := x509.ParseCertificate(block.Bytes); err == nil && c.Clock.Now().Before(parsed.NotAfter) {
			valid = append(valid, block.Bytes)
		}
	}
	return valid
}

func isCertificate(der []byte) func([]byte) bool {
	return func(other []byte) bool { return slices.Equal(der, other) }
}

func encode(certificates [][]byte) []byte {
	var bundle []byte
	for _, der := range certificates {
		bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: certutil.CertificateBlockType, Bytes: der})...)
	}
	return bundle
}
