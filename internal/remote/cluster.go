package remote

import (
	"cmp"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Defaults of Options.
const (
	// DefaultTimeout leaves an API server the minute that it takes at most for a LIST.
	DefaultTimeout = 60 * time.Second
	// DefaultMaxResponseBytes is above a page of a LIST of usual objects, and bounds what an endless answer costs.
	DefaultMaxResponseBytes = 64 << 20
)

// Options are how clients are made.
type Options struct {
	// Policy says which kubeconfigs are accepted.
	Policy
	// QPS and Burst bound the requests a second of each client for a group and version. Zero means no bound: API servers
	// have API priority and fairness.
	QPS   float32
	Burst int
	// Timeout of a request, watches excepted. Zero means DefaultTimeout.
	Timeout time.Duration
	// MaxResponseBytes is the memory that an answer may take, decoded as well, watches excepted. What takes more is refused with
	// an error that is a status of RequestEntityTooLarge: a LIST may be tried again with shorter pages. Zero means
	// DefaultMaxResponseBytes.
	MaxResponseBytes int64
	// SecretVersions tells the metadata of Secrets, from a cache: a Secret is read again when its resourceVersion is another one.
	// Nil has Secrets read each time.
	SecretVersions client.Reader
	// Clock tells how old the answer of a probe is. Nil means the real one.
	Clock clock.PassiveClock
	// UserAgent that clients send, for example "godwit/v1.2.3".
	UserAgent string
	// Connect makes the clients of a vetted credential. Nil means the function Connect; tests may set another one.
	Connect func(*Credential, Options) (*Cluster, error)
}

// Cluster reaches the API server of another cluster. All its clients share connections. It stays usable after the Pool has let
// go of it.
type Cluster struct {
	// Config makes further clients. It holds no credential, because its Transport adds it, and therefore cannot be used for
	// exec, attach and port-forward, which make connections of their own. To be copied before it is changed.
	Config *rest.Config
	// Dynamic is a client for objects of all kinds.
	Dynamic dynamic.Interface
	// Discovery asks the API server each time.
	Discovery discovery.DiscoveryInterface
	// ServerHost is the host and port, for messages.
	ServerHost string
	// Notices are doubts about the credential that the user should see.
	Notices []string

	clock clock.PassiveClock
	// server is shared with the clusters of other credentials that lead there.
	server *server
	known  atomic.Pointer[known]
}

// Connect makes the clients of a credential. It sends nothing yet.
func Connect(credential *Credential, options Options) (*Cluster, error) {
	cluster := &Cluster{
		ServerHost: credential.Server,
		Notices:    credential.Notices,
		clock:      cmp.Or[clock.PassiveClock](options.Clock, clock.RealClock{}),
		server:     &server{id: credential.server},
	}
	transport, err := newTransport(credential, options, cluster.Doubt)
	if err != nil {
		return nil, err
	}
	cluster.Config = &rest.Config{
		Host:           credential.config.Host,
		Transport:      transport,
		UserAgent:      options.UserAgent,
		QPS:            options.QPS,
		Burst:          options.Burst,
		WarningHandler: rest.NoWarnings{}, // The default one writes words of the other side into the log.
	}
	if cluster.Config.QPS == 0 {
		cluster.Config.QPS = -1
	}
	httpClient := &http.Client{Transport: transport}
	if cluster.Dynamic, err = NewDynamic(cluster.Config, httpClient); err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", credential.Server, err)
	}
	if cluster.Discovery, err = discovery.NewDiscoveryClientForConfigAndClient(cluster.Config, httpClient); err != nil {
		return nil, fmt.Errorf("making a discovery client for %s: %w", credential.Server, err)
	}
	return cluster, nil
}

// newTransport returns what sends requests with the credential and tells when one is refused. client-go asks for TLS 1.2 at least.
func newTransport(credential *Credential, options Options, refused func()) (http.RoundTripper, error) {
	g := guard{timeout: options.Timeout, maxBytes: options.MaxResponseBytes, refused: refused}
	if g.timeout == 0 {
		g.timeout = DefaultTimeout
	}
	if g.maxBytes == 0 {
		g.maxBytes = DefaultMaxResponseBytes
	}
	config := rest.CopyConfig(credential.config)
	config.Dial = newDialer().DialContext
	config.UserAgent = options.UserAgent
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &guard{next: next, timeout: g.timeout, maxBytes: g.maxBytes, refused: g.refused}
	})
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, &InvalidError{Problem: printable(err.Error(), 500), Remedy: "copy certificates and keys again"}
	}
	return transport, nil
}

// close closes the connections that nobody uses at the moment.
func (c *Cluster) close() {
	if c.Config != nil {
		utilnet.CloseIdleConnectionsFor(c.Config.Transport)
	}
}
