package standin

import (
	"fmt"
	"net"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"k8s.io/utils/clock"

	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

// Network is what storage clusters reach each other through. The zero value is empty.
type Network struct {
	mu       sync.Mutex // Of all that the clusters know.
	clusters map[string]*Cluster
}

// Cluster is one storage cluster.
type Cluster struct {
	// ID and Name are told to those who pair with it.
	ID, Name string
	// Clock judges tokens; nil does where nobody is trusted.
	Clock clock.PassiveClock

	network     *Network
	pairToken   string
	pairs       map[string]*openstorage.ClusterPairInfo
	volumes     map[string]string
	tasks       []*task
	failures    map[string]string
	objectStore int
	cancelsLate bool
	issuers     map[string]string
	calls       []string
	fault       func(method string, request any) error
	observer    func(method string, roles []string)
}

// Add makes a cluster that others pair with at an endpoint (address:port), by its pair token. Its object store has room for a gibibyte.
func (n *Network) Add(id, endpoint, pairToken string) *Cluster {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.clusters == nil {
		n.clusters = map[string]*Cluster{}
	}
	cluster := &Cluster{
		ID: id, Name: "px-" + id, network: n, pairToken: pairToken,
		pairs: map[string]*openstorage.ClusterPairInfo{}, volumes: map[string]string{}, failures: map[string]string{},
		objectStore: 1 << 30, issuers: map[string]string{},
	}
	n.clusters[endpoint] = cluster
	return cluster
}

// byID returns a cluster of the network. The caller holds its lock.
func (n *Network) byID(id string) (*Cluster, error) {
	for _, cluster := range n.clusters {
		if cluster.ID == id {
			return cluster, nil
		}
	}
	return nil, fmt.Errorf("cluster %s cannot be reached", id)
}

func (c *Cluster) lock() func() {
	c.network.mu.Lock()
	return c.network.mu.Unlock
}

// SetVolume gives the cluster a volume, or an existing one another content.
func (c *Cluster) SetVolume(name, content string) {
	defer c.lock()()
	c.volumes[name] = content
}

// Volume returns the content of a volume, false if there is none of that name.
func (c *Cluster) Volume(name string) (string, bool) {
	defer c.lock()()
	content, found := c.volumes[name]
	return content, found
}

// LimitObjectStore sets how many bytes fit into the object store that copies to this cluster pass through.
func (c *Cluster) LimitObjectStore(bytes int) {
	defer c.lock()()
	c.objectStore = bytes
}

// FailVolume makes copies of a volume fail for a reason.
func (c *Cluster) FailVolume(name, reason string) {
	defer c.lock()()
	c.failures[name] = reason
}

// CancelLate has copies that are canceled stop with the next call of Advance, not at once.
func (c *Cluster) CancelLate() {
	defer c.lock()()
	c.cancelsLate = true
}

// Trust turns authentication on, and lets tokens of an issuer in that are signed with its secret.
func (c *Cluster) Trust(issuer, secret string) {
	defer c.lock()()
	c.issuers[issuer] = secret
}

// Fault has calls fail for which it returns an error; nil ends that. It is asked with the name of a method, for example
// OpenStorageMigrate/Start.
func (c *Cluster) Fault(fault func(method string, request any) error) {
	defer c.lock()()
	c.fault = fault
}

// Observe has an observer told of each call with a token, and which roles that gives.
func (c *Cluster) Observe(observer func(method string, roles []string)) {
	defer c.lock()()
	c.observer = observer
}

// Calls returns the methods that were called, in order.
func (c *Cluster) Calls() []string {
	defer c.lock()()
	return slices.Clone(c.calls)
}

// Pair returns what is known of the pair with a cluster, false if there is none.
func (c *Cluster) Pair(id string) (*openstorage.ClusterPairInfo, bool) {
	defer c.lock()()
	info, found := c.pairs[id]
	return info, found
}

// ForgetPairs drops all pairs, as a cluster does that is set up anew.
func (c *Cluster) ForgetPairs() {
	defer c.lock()()
	clear(c.pairs)
}

// ForgetTasks drops all copies.
func (c *Cluster) ForgetTasks() {
	defer c.lock()()
	c.tasks = nil
}

// Serve answers on the listener until stop is called, which breaks off what is under way, as a crash would.
func (c *Cluster) Serve(listener net.Listener, options ...grpc.ServerOption) (stop func()) {
	server := grpc.NewServer(append(options, grpc.UnaryInterceptor(c.intercept))...)
	openstorage.RegisterOpenStorageClusterPairServer(server, &pairServer{cluster: c})
	openstorage.RegisterOpenStorageMigrateServer(server, &migrateServer{cluster: c})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // It always ends with an error: that it was stopped.
	}()
	return func() {
		server.Stop()
		<-done
	}
}
