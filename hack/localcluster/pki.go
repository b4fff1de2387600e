package localcluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/keyutil"
)

// certificateLife outlasts any cluster of this package.
const certificateLife = 365 * 24 * time.Hour

// adminUser is who Config acts as.
const adminUser = "kubernetes-admin"

// keyPair is a certificate and its private key, as PEM.
type keyPair struct {
	cert, key []byte
}

// authority signs certificates.
type authority struct {
	keyPair
	parsed *x509.Certificate
	signer *ecdsa.PrivateKey
}

func newAuthority(name string) (*authority, error) {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificateTemplate(pkix.Name{CommonName: name})
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage |= x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	pair, der, err := sign(template, template, signer, signer)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{keyPair: pair, parsed: parsed, signer: signer}, nil
}

// client returns a certificate that authenticates a user of that name in those groups.
func (a *authority) client(name string, groups ...string) (keyPair, error) {
	template := certificateTemplate(pkix.Name{CommonName: name, Organization: groups})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(template)
}

// server returns a certificate for a server at the loopback address and the others given. It authenticates a client
// as well, because etcd connects to itself with it.
func (a *authority) server(name string, ips []net.IP, hosts ...string) (keyPair, error) {
	template := certificateTemplate(pkix.Name{CommonName: name})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.IPAddresses = append(ips, net.ParseIP(loopback))
	template.DNSNames = append(hosts, "localhost")
	return a.issue(template)
}

func (a *authority) issue(template *x509.Certificate) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	pair, _, err := sign(template, a.parsed, key, a.signer)
	return pair, err
}

// certificateTemplate begins in the past, for clients whose clock lags.
func certificateTemplate(subject pkix.Name) *x509.Certificate {
	return &x509.Certificate{
		Subject:   subject,
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(certificateLife),
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
}

// sign makes a certificate for key, signed by parent's key signer. The second result is its DER form.
func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (keyPair, []byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return keyPair{}, nil, fmt.Errorf("making the certificate of %s: %w", template.Subject, err)
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return keyPair{}, nil, err
	}
	return keyPair{cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key: keyPEM}, der, nil
}

// pki is what the processes of one cluster trust and show each other.
type pki struct {
	dir string
	// ca signs the API server and its clients. etcd has one of its own, else the cluster's users could read it.
	ca, etcdCA                 *authority
	admin, manager, etcdClient keyPair
}

// newPKI makes the authorities and certificates of a cluster and writes what its processes read into dir. The API server is at
// serverIPs beside the loopback address.
func newPKI(dir string, serverIPs []net.IP) (*pki, error) {
	ca, caErr := newAuthority("kubernetes-ca")
	etcdCA, etcdCAErr := newAuthority("etcd-ca")
	if err := errors.Join(caErr, etcdCAErr); err != nil {
		return nil, err
	}
	var errs []error
	made := func(pair keyPair, err error) keyPair {
		errs = append(errs, err)
		return pair
	}
	p := &pki{
		dir:        dir,
		ca:         ca,
		etcdCA:     etcdCA,
		admin:      made(ca.client(adminUser, "system:masters")),
		manager:    made(ca.client("system:" + ControllerManager)),
		etcdClient: made(etcdCA.client(APIServer)),
	}
	pairs := map[string]keyPair{
		"ca":      ca.keyPair,
		"etcd-ca": etcdCA.keyPair,
		"apiserver": made(ca.server(APIServer, serverIPs,
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")),
		"etcd":            made(etcdCA.server(Etcd, nil)),
		"etcd-client":     p.etcdClient,
		"kubelet-client":  made(ca.client("kube-apiserver-kubelet-client", "system:masters")),
		"service-account": made(newServiceAccountKeys()),
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, p.write(pairs)
}

func (p *pki) write(pairs map[string]keyPair) error {
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return err
	}
	for name, pair := range pairs {
		if err := errors.Join(
			os.WriteFile(p.cert(name), pair.cert, 0o600),
			os.WriteFile(p.key(name), pair.key, 0o600),
		); err != nil {
			return err
		}
	}
	return nil
}

func (p *pki) cert(name string) string { return filepath.Join(p.dir, name+".crt") }

func (p *pki) key(name string) string { return filepath.Join(p.dir, name+".key") }

// newServiceAccountKeys returns the keys that sign service-account tokens, with the public key for the certificate.
func newServiceAccountKeys() (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	private, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return keyPair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return keyPair{}, err
	}
	return keyPair{cert: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), key: private}, nil
}
