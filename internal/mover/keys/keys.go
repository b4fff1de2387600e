// Package keys makes the identities of movers: an authority for one copy of a volume, and a certificate for either end of it. The
// key of the authority is forgotten at once, so that nobody can join later.
//
// It must not know who keeps them where.
package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/godwit-io/godwit/internal/mover/link"
)

// Identity is what one end is given, in PEM: the files that package link reads.
type Identity struct {
	Authority, Certificate, Key []byte
}

// Write makes a folder with the files that package link reads.
func (i Identity) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		link.AuthorityFile: i.Authority, link.CertificateFile: i.Certificate, link.KeyFile: i.Key,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// skew is by how much the clocks of the two clusters may differ.
const skew = time.Hour

// Mint makes the identities of a sender and a receiver that accept each other and nobody else, for the time from now on. The names are
// DNS names; the receiver's is also what a route with TLS passthrough is chosen by.
func Mint(now time.Time, validity time.Duration, senderName, receiverName string) (sender, receiver Identity, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return sender, receiver, err
	}
	authority := template(now, validity, "godwit mover")
	authority.IsCA, authority.BasicConstraintsValid, authority.MaxPathLenZero = true, true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	encoded, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	if err != nil {
		return sender, receiver, fmt.Errorf("making the authority of movers: %w", err)
	}
	issue := func(name string, usage x509.ExtKeyUsage) (Identity, error) {
		leaf := template(now, validity, name)
		leaf.DNSNames, leaf.KeyUsage, leaf.ExtKeyUsage = []string{name}, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{usage}
		return sign(leaf, authority, key, encoded)
	}
	if sender, err = issue(senderName, x509.ExtKeyUsageClientAuth); err != nil {
		return sender, receiver, err
	}
	receiver, err = issue(receiverName, x509.ExtKeyUsageServerAuth)
	return sender, receiver, err
}

func template(now time.Time, validity time.Duration, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(rand.Text()[:16])),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-skew),
		NotAfter:     now.Add(validity + skew),
	}
}

func sign(leaf, authority *x509.Certificate, by *ecdsa.PrivateKey, encodedAuthority []byte) (Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	certificate, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, by)
	if err != nil {
		return Identity{}, fmt.Errorf("making the certificate of %s: %w", leaf.Subject.CommonName, err)
	}
	encodedKey, err := x509.MarshalPKCS8PrivateKey(key)
	return Identity{
		Authority:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: encodedAuthority}),
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encodedKey}),
	}, err
}
