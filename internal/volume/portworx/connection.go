package portworx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/internal/volume"
)

// servicePort is the name of the SDK's port in Portworx's Service.
const servicePort = "px-sdk"

// clusterAuthorities has the authorities of this cluster, which may have signed Portworx's certificate.
const clusterAuthorities = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

// maxAnswerBytes bounds one answer. The state of a copy takes about 300 bytes, and Portworx remembers many.
const maxAnswerBytes = 64 << 20

// maxRedialDelay bounds the time between two attempts to dial: a node that restarts is not missed for long.
const maxRedialDelay = 10 * time.Second

// errNotInstalled means that Portworx's Service does not exist.
var errNotInstalled = errors.New("there is no Portworx")

// connection is the one to Portworx. It is made when it is first needed, and made anew where it fails and Portworx has moved meanwhile.
type connection struct {
	config Config
	reader client.Reader
	// dial replaces how addresses are dialled; nil dials them.
	dial func(ctx context.Context, address string) (net.Conn, error)

	mu     sync.Mutex
	closed bool
	conn   *grpc.ClientConn
	target target // Where conn leads to.
	// doubted has it looked up once more where Portworx is.
	doubted bool
}

// target is an address and the certificates, in PEM, that Portworx is trusted by there.
type target struct{ address, authorities string }

// get returns the connection. It fails where it cannot be found out where Portworx is; whether it answers is seen in calls.
func (c *connection) get(ctx context.Context) (*grpc.ClientConn, error) {
	if conn := c.trusted(); conn != nil {
		return conn, nil
	}
	found, err := c.find(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, fmt.Errorf("the operator stops: %w", context.Canceled)
	case c.conn != nil && c.target == found:
		c.doubted = false
		return c.conn, nil // It goes on trying by itself.
	}
	conn, err := c.open(found)
	if err != nil {
		return nil, err
	}
	if c.conn != nil {
		_ = c.conn.Close() // It failed already.
	}
	c.conn, c.target, c.doubted = conn, found, false
	return conn, nil
}

// trusted returns the connection, nil if there is none or it may lead to where Portworx is not any more.
func (c *connection) trusted() *grpc.ClientConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.doubted {
		return nil
	}
	return c.conn
}

// doubt has the next call look up where Portworx is, and go on over the same connection if that is where it was.
func (c *connection) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubted = true
}

// drop has the next call dial anew: a connection over which answers stay away may lead to a node that is gone.
func (c *connection) drop(conn *grpc.ClientConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == conn {
		c.conn = nil
		_ = conn.Close() // Nothing is lost with it.
	}
}

func (c *connection) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.conn == nil {
		return nil
	}
	conn := c.conn
	c.conn = nil
	return conn.Close()
}

// open prepares a connection; it is dialled by the first call.
func (c *connection) open(to target) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if c.config.TLS {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // There is no pool in the image.
		}
		if to.authorities != "" && !pool.AppendCertsFromPEM([]byte(to.authorities)) {
			return nil, fmt.Errorf("trusting Portworx: Secret %s/%s has no certificate in PEM under key %s", c.config.Service.Namespace, c.config.CASecret, c.config.CASecretKey)
		}
		if own, err := os.ReadFile(clusterAuthorities); err == nil {
			pool.AppendCertsFromPEM(own)
		}
		transport = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool})
	}
	redial := backoff.DefaultConfig
	redial.MaxDelay = maxRedialDelay
	options := []grpc.DialOption{
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: redial, MinConnectTimeout: maxRedialDelay}),
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("godwit"),
		grpc.WithNoProxy(), // It is in this cluster, or near.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes)),
	}
	if c.dial != nil {
		options = append(options, grpc.WithContextDialer(c.dial))
	}
	conn, err := grpc.NewClient("passthrough:///"+to.address, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to Portworx at %s: %w", to.address, err)
	}
	return conn, nil
}

// find looks up where Portworx is.
func (c *connection) find(ctx context.Context) (target, error) {
	found := target{address: c.config.Endpoint}
	var err error
	if found.address == "" {
		if found.address, err = c.serviceAddress(ctx); err != nil {
			return target{}, err
		}
	}
	if c.config.TLS && c.config.CASecret != "" {
		found.authorities, err = c.secretAuthorities(ctx)
	}
	return found, err
}

func (c *connection) serviceAddress(ctx context.Context) (string, error) {
	service := &corev1.Service{}
	err := c.reader.Get(ctx, c.config.Service, service)
	switch {
	case apierrors.IsNotFound(err):
		return "", fmt.Errorf("%w that storage driver %s could use: Service %s does not exist: set PX_NAMESPACE and PX_SERVICE_NAME in the "+
			"environment of the operator to Portworx's own, or remove the key token from options of the ClusterPair to migrate objects only",
			errNotInstalled, name, c.config.Service)
	case err != nil:
		return "", fmt.Errorf("looking for Portworx: reading Service %s: %w: %w", c.config.Service, volume.ErrUnreachable, err)
	}
	for _, port := range service.Spec.Ports {
		if port.Name == servicePort {
			return net.JoinHostPort(service.Name+"."+service.Namespace, strconv.Itoa(int(port.Port))), nil
		}
	}
	return "", fmt.Errorf("looking for Portworx: Service %s has no port %s: Portworx is too old, or PX_SERVICE_NAME names another Service", c.config.Service, servicePort)
}

func (c *connection) secretAuthorities(ctx context.Context) (string, error) {
	key := types.NamespacedName{Namespace: c.config.Service.Namespace, Name: c.config.CASecret}
	secret := &corev1.Secret{}
	if err := c.reader.Get(ctx, key, secret); err != nil {
		return "", fmt.Errorf("reading the authority of Portworx's certificate (PX_CA_CERT_SECRET) from Secret %s: %w", key, err)
	}
	authorities := secret.Data[c.config.CASecretKey]
	if len(authorities) == 0 {
		return "", fmt.Errorf("trusting Portworx: Secret %s has nothing under key %s (PX_CA_CERT_SECRET_KEY)", key, c.config.CASecretKey)
	}
	return string(authorities), nil
}
