package link

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
)

// Names of the files of an identity, as in a Secret of type kubernetes.io/tls.
const (
	AuthorityFile   = "ca.crt"
	CertificateFile = "tls.crt"
	KeyFile         = "tls.key"
)

// ErrIdentity is in the chain of errors that say that one end does not take the other for what it should be, or has no usable
// identity itself. Trying again does not help.
var ErrIdentity = errors.New("identity refused")

// alpn keeps other clients and servers of the same authority out.
const alpn = "godwit-mover/1"

// loadTLS reads the identity in a folder. What is common to both ends is set.
func loadTLS(folder string) (*tls.Config, *x509.CertPool, error) {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, CertificateFile), filepath.Join(folder, KeyFile))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: reading the certificate and key in %s: %w", ErrIdentity, folder, err)
	}
	authority, err := os.ReadFile(filepath.Join(folder, AuthorityFile)) //nolint:gosec // The folder is the operator's choice.
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, nil, fmt.Errorf("%w: %s in %s has no certificate", ErrIdentity, AuthorityFile, folder)
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{certificate},
		NextProtos:             []string{alpn},
		SessionTicketsDisabled: true, // A ticket would outlive what it was checked by.
	}, pool, nil
}

func serverTLS(folder, peer string) (*tls.Config, error) {
	config, pool, err := loadTLS(folder)
	if err != nil {
		return nil, err
	}
	config.ClientCAs = pool
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if state.NegotiatedProtocol != alpn {
			return errors.New("it does not speak the protocol of movers")
		}
		return state.PeerCertificates[0].VerifyHostname(peer)
	}
	return config, nil
}

func clientTLS(folder, peer string) (*tls.Config, error) {
	config, pool, err := loadTLS(folder)
	if err != nil {
		return nil, err
	}
	config.RootCAs = pool
	config.ServerName = peer
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if state.NegotiatedProtocol != alpn {
			return fmt.Errorf("%s does not speak the protocol of movers", peer)
		}
		return nil
	}
	return config, nil
}

// refusals are what a server's alerts read like, by which it says that it does not accept a certificate.
var refusals = []string{
	"tls: bad certificate", "tls: unsupported certificate", "tls: revoked certificate", "tls: expired certificate", "tls: unknown certificate",
	"tls: unknown certificate authority", "tls: access denied", "tls: certificate required",
}

// asIdentity marks errors of TLS that are about who the ends are.
func asIdentity(err error) error {
	var verification *tls.CertificateVerificationError
	var remote *net.OpError
	if errors.As(err, &verification) ||
		(errors.As(err, &remote) && remote.Op == "remote error" && slices.Contains(refusals, remote.Err.Error())) {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return err
}
