// Package localcluster runs real Kubernetes control planes (etcd, kube-apiserver and, if wanted,
// kube-controller-manager) as plain processes on the loopback interface: for tests, benchmarks and developers, on
// any Linux machine that has Go, without root, containers or ready-made binaries. There are no nodes, so a Pod is an
// object that nobody runs; package localnode adds them, for root.
//
// It must know nothing of Godwit: neither its API types and CRDs nor what the clusters are used for.
package localcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
)

// The processes of a cluster, as Processes, StopProcess and StartProcess name them.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
)

// Options say what cluster to start. The zero value is a bare API server.
type Options struct {
	// Name of the cluster in messages and of the context in its kubeconfig. Empty means "local".
	Name string
	// Dir keeps the data, certificates and logs; it must be new or empty. Empty means a temporary folder, which Stop
	// removes; a process that is killed leaves it behind.
	Dir string
	// ControllerManager adds kube-controller-manager: service accounts, namespace deletion, garbage collection, and
	// volumes for a StorageClass whose provisioner is kubernetes.io/host-path (folders below /tmp/hostpath_pv).
	// Without it, namespaces are never deleted for good, the ClusterRoles admin, edit and view are empty (a controller
	// fills them), and Pods need no service account, since nobody makes one.
	ControllerManager bool
	// Fsync has etcd write to the disk before it answers, as in production. Without it a test is several times faster
	// and the data still survive a process, though not a power cut.
	Fsync bool
	// Host is where the processes run; nil means directly on this machine, at its loopback interface.
	Host *Host
	// APIServerArgs and EtcdArgs are added to the flags of these processes, where the last one wins.
	APIServerArgs, EtcdArgs []string
	// Progress gets a few lines about what takes long; nil discards them.
	Progress io.Writer
}

// Cluster is a running control plane. Its methods may be called from several goroutines.
type Cluster struct {
	options        Options
	binaries       string // The folder of the programs.
	serviceNetwork string // In CIDR form.
	pki            *pki
	relay          *relay // Leads to the API server; nil without a Host.
	inside         string // The API server's URL for who runs where it runs.
	admin          *rest.Config
	kubeconfig     []byte
	temporary      bool // Whether Stop removes the folder.
	stop           func() error

	mu        sync.Mutex
	processes []*process // In the order in which they started.
}

// Start starts a cluster and returns when it serves: the API server is ready, the default namespace exists and, with
// a controller manager, its default service account as well. ctx bounds the start only; the cluster lives until Stop
// or, on Linux, until this process ends in whatever way.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if options.Name == "" {
		options.Name = "local"
	}
	dir, err := Binaries(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	c := &Cluster{options: options, binaries: dir}
	c.stop = sync.OnceValue(c.shutDown)
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting cluster %s: %w", options.Name, err), c.Stop())
	}
	report(options.Progress, "cluster %s is ready at %s after %s", options.Name, c.admin.Host, time.Since(began).Round(time.Millisecond))
	return c, nil
}

// StartAll starts several clusters in parallel, in the order of the options. When one fails to start, it stops the
// others and returns the first error.
func StartAll(ctx context.Context, options ...Options) ([]*Cluster, error) {
	clusters := make([]*Cluster, len(options))
	group, ctx := errgroup.WithContext(ctx)
	for i, o := range options {
		group.Go(func() (err error) {
			clusters[i], err = Start(ctx, o)
			return err
		})
	}
	err := group.Wait()
	if err == nil {
		return clusters, nil
	}
	for _, c := range clusters {
		if c != nil {
			err = errors.Join(err, c.Stop())
		}
	}
	return nil, err
}

// Stop ends the processes, removes a temporary folder, and returns when both are gone. Further calls do nothing and
// return the same.
func (c *Cluster) Stop() error {
	return c.stop()
}

// Processes returns the process ids of what runs, by name.
func (c *Cluster) Processes() map[string]int {
	pids := map[string]int{}
	for _, p := range c.all() {
		if pid := p.pid(); pid != 0 {
			pids[p.name] = pid
		}
	}
	return pids
}

// StopProcess ends one process as a clean shutdown does, within seconds. For a crash, kill the id from Processes. A
// process that does not run is no error.
func (c *Cluster) StopProcess(name string) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	return p.stop()
}

// StartProcess starts a process again that was stopped or killed, at the same port and with the same data, and
// returns when it serves.
func (c *Cluster) StartProcess(ctx context.Context, name string) error {
	p, err := c.process(name)
	if err != nil {
		return err
	}
	return p.launch(ctx)
}

func (c *Cluster) process(name string) (*process, error) {
	for _, p := range c.all() {
		if p.name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("cluster %s has no process %q", c.options.Name, name)
}

func (c *Cluster) start(ctx context.Context) error {
	if err := c.makeDir(); err != nil {
		return err
	}
	network := nextServiceNetwork()
	c.serviceNetwork = network.String()
	var err error
	ips := []net.IP{firstIP(network)}
	if host := c.options.Host; host != nil {
		ips = append(ips, host.IP)
	}
	if c.pki, err = newPKI(c.path("pki"), ips); err != nil {
		return fmt.Errorf("making its certificates: %w", err)
	}
	etcdPort, err := c.startEtcd(ctx)
	if err != nil {
		return err
	}
	if err := c.startAPIServer(ctx, etcdPort); err != nil {
		return err
	}
	if c.kubeconfig, err = c.writeKubeconfig(c.KubeconfigFile(), c.admin.Host, adminUser, c.pki.admin); err != nil {
		return err
	}
	if !c.options.ControllerManager {
		return nil
	}
	return c.startControllerManager(ctx)
}

// makeDir makes the cluster's folder. It refuses one with content: old data would not fit the new certificates.
func (c *Cluster) makeDir() error {
	if c.options.Dir == "" {
		dir, err := os.MkdirTemp("", "localcluster-"+c.options.Name+"-")
		if err != nil {
			return err
		}
		c.options.Dir, c.temporary = dir, true
	}
	dir, err := filepath.Abs(c.options.Dir)
	if err != nil {
		return err
	}
	c.options.Dir = dir
	if err := os.MkdirAll(c.path("log"), 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 1 {
		return fmt.Errorf("%s is not empty: remove it or choose another folder", dir)
	}
	return nil
}

func (c *Cluster) path(name string) string {
	return filepath.Join(c.options.Dir, name)
}

// shutDown ends etcd last, so that the others can finish what they do.
func (c *Cluster) shutDown() error {
	var err error
	if processes := c.all(); len(processes) > 0 {
		var group errgroup.Group
		for _, p := range processes[1:] {
			group.Go(p.stop)
		}
		err = errors.Join(group.Wait(), processes[0].stop())
	}
	if c.relay != nil {
		c.relay.close()
	}
	if c.temporary {
		err = errors.Join(err, os.RemoveAll(c.options.Dir))
	}
	return err
}
