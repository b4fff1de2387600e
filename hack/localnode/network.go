package localnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/godwit-io/godwit/hack/image"
	"github.com/godwit-io/godwit/hack/localcluster"
)

// HubIP is the address of the machine to which the clusters' machines are connected.
const HubIP = "172.30.0.1"

const hubBridge = "hub"

// maxClusters is how many addresses there are.
const maxClusters = 100

// Options say what clusters to start.
type Options struct {
	// Clusters has one for each cluster, with a name that is different for each, and can be a node's. Host, Dir, Progress and
	// ControllerManager are set for all of them.
	Clusters []localcluster.Options
	// Progress gets a few lines about what takes long; nil discards them.
	Progress io.Writer
}

// Network is a network of clusters with one node each. Its methods may be called from several goroutines.
type Network struct {
	// Clusters are in the order of the options.
	Clusters []*Cluster

	folder *folder
	hub    *machine
	stop   func() error
}

// Start starts clusters in parallel, and returns when their nodes are Ready. It installs and builds what they need, which takes
// minutes the first time. ctx bounds the start only; the clusters live until Stop, or until this process ends in whatever way.
func Start(ctx context.Context, options Options) (*Network, error) {
	if len(options.Clusters) > maxClusters {
		return nil, fmt.Errorf("%d clusters are more than %d", len(options.Clusters), maxClusters)
	}
	if err := installPackages(ctx, options.Progress); err != nil {
		return nil, err
	}
	binaries, err := localcluster.NodeBinaries(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	n := &Network{}
	n.stop = sync.OnceValue(n.shutDown)
	if err := n.start(ctx, binaries, options); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return n, nil
}

// Stop ends all that runs there, removes what it wrote, and returns when everything is gone. Further calls do nothing and return the
// same.
func (n *Network) Stop() error { return n.stop() }

// StartCommand starts a command in the network, at HubIP, where it is reached from all clusters: an object store, for example. It ends
// when the network does, at the latest.
func (n *Network) StartCommand(cmd *exec.Cmd) error { return n.hub.start(cmd) }

// Listen returns a listener of this process in the network. The address has a number for a host, such as HubIP.
func (n *Network) Listen(ctx context.Context, address string) (net.Listener, error) {
	return n.hub.listen(ctx, address)
}

// Dial connects this process to an address in the network, which has a number for a host: to a NodePort, for example.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return n.hub.dial(ctx, network, address)
}

// Folder returns the path of the folder with all that the clusters write to a disk.
func (n *Network) Folder() string { return n.folder.path }

func (n *Network) start(ctx context.Context, binaries string, options Options) error {
	began := time.Now()
	var err error
	//nolint:contextcheck // What the dead left is removed to the end.
	if n.folder, err = newFolder(); err != nil {
		return err
	}
	pause := filepath.Join(n.folder.path, "pause")
	if err := image.Build(ctx, "github.com/godwit-io/godwit/hack/localnode/pause", pause); err != nil {
		return err
	}
	if err := n.startHub(ctx, pause); err != nil {
		return err
	}
	n.Clusters = make([]*Cluster, len(options.Clusters))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, o := range options.Clusters {
		o.Progress = options.Progress
		c := newCluster(n.folder, i, o.Name, binaries)
		n.Clusters[i] = c
		group.Go(func() error {
			if err := c.start(groupCtx, n.hub, pause, o); err != nil {
				return fmt.Errorf("starting cluster %s with a node: %w", o.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := n.connect(ctx); err != nil {
		return err
	}
	say(options.Progress, "%d clusters with nodes are ready after %s", len(n.Clusters), time.Since(began).Round(100*time.Millisecond))
	return nil
}

func (n *Network) startHub(ctx context.Context, pause string) (err error) {
	if n.hub, err = startMachine(ctx, "the hub", pause); err != nil {
		return err
	}
	for _, command := range []string{
		"ip link add " + hubBridge + " type bridge",
		"ip address add " + HubIP + "/24 dev " + hubBridge,
		"ip link set " + hubBridge + " up",
	} {
		if err := n.hub.run(ctx, strings.Fields(command)...); err != nil {
			return err
		}
	}
	return nil
}

// connect leads from each cluster to the pods and Services of the others, as in a flat network.
func (n *Network) connect(ctx context.Context) error {
	for _, from := range n.Clusters {
		for _, to := range n.Clusters {
			if from == to {
				continue
			}
			for _, network := range []string{to.podNetwork, to.ServiceNetwork()} {
				if err := from.machine.run(ctx, "ip", "route", "add", network, "via", to.IP.String()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (n *Network) shutDown() error {
	var group errgroup.Group
	for _, c := range n.Clusters {
		group.Go(c.shutDown)
	}
	err := group.Wait()
	if n.hub != nil {
		err = errors.Join(err, n.hub.stop())
	}
	if n.folder != nil {
		err = errors.Join(err, n.folder.remove())
	}
	return err
}
