package localnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/client-go/kubernetes"

	"github.com/godwit-io/godwit/hack/image"
	"github.com/godwit-io/godwit/hack/localcluster"
)

// The processes of a node, as Processes, StopProcess and StartProcess of a cluster name them beside those of the control plane.
const (
	Containerd = "containerd"
	Kubelet    = "kubelet"
	KubeProxy  = "kube-proxy"
	Scheduler  = "kube-scheduler"
)

// Cluster is a running cluster with a node that has the cluster's name. What package localcluster says of a cluster holds; its
// kubeconfigs are for processes of this machine, and InsideKubeconfig is for pods, of any of the clusters.
type Cluster struct {
	*localcluster.Cluster
	// IP is the node's address in the network, where NodePorts are.
	IP net.IP

	name       string
	podNetwork string
	cgroup     string
	dir        string // Everything of the cluster is below it.
	binaries   string
	machine    *machine
	client     kubernetes.Interface
	volumes    *provisioner
}

func newCluster(f *folder, index int, name, binaries string) *Cluster {
	return &Cluster{
		IP:         net.IPv4(172, 30, 0, byte(11+index)),
		name:       name,
		podNetwork: "10.32." + strconv.Itoa(index) + ".0/24",
		cgroup:     f.cgroup(name),
		dir:        filepath.Join(f.path, name),
		binaries:   binaries,
	}
}

// StartCommand starts a command on the node, whose network and mounts it has. It ends when the cluster does, at the latest.
func (c *Cluster) StartCommand(cmd *exec.Cmd) error { return c.machine.start(cmd) }

// Shell returns a command line that leads onto the node.
func (c *Cluster) Shell() string {
	return fmt.Sprintf("nsenter --target=%d --net --mount --pid", c.machine.pid())
}

// Import gives the node an image. A container gets it whose imagePullPolicy is not Always.
func (c *Cluster) Import(ctx context.Context, i *image.Image) error {
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := i.Write(writer)
		_ = writer.CloseWithError(err) // It always returns nil.
		written <- err
	}()
	command := exec.CommandContext(ctx, "ctr", "--namespace=k8s.io", "images", "import", "-")
	command.Stdin = reader
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	err := c.machine.start(command)
	if err == nil {
		err = command.Wait()
	}
	_ = reader.Close() // It always returns nil.
	if err := errors.Join(<-written, err); err != nil {
		return fmt.Errorf("importing image %s into cluster %s: %w\n%s", i.Name, c.name, err, output.String())
	}
	return nil
}

func (c *Cluster) start(ctx context.Context, hub *machine, pause string, options localcluster.Options) error {
	for _, dir := range []string{"config", "containerd", "cni", "cni-state", "kubelet", "log", "hostpath", "volumes"} {
		if err := os.MkdirAll(filepath.Join(c.dir, dir), 0o755); err != nil {
			return err
		}
	}
	if err := c.startMachine(ctx, hub, pause); err != nil {
		return err
	}
	options.Dir, options.ControllerManager = filepath.Join(c.dir, "control"), true
	options.Host = &localcluster.Host{IP: c.IP, Start: c.machine.start, Dial: c.machine.dial}
	var err error
	if c.Cluster, err = localcluster.Start(ctx, options); err != nil {
		return err
	}
	if c.client, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return err
	}
	if err := c.startNode(ctx, pause); err != nil {
		return err
	}
	c.volumes, err = startProvisioner(ctx, c)
	return err
}

// startMachine also connects the machine, and gives it folders of its own where programs insist on theirs.
func (c *Cluster) startMachine(ctx context.Context, hub *machine, pause string) (err error) {
	if c.machine, err = startMachine(ctx, "the machine of "+c.name, pause); err != nil {
		return err
	}
	if err := c.machine.plug(ctx, hub, fmt.Sprintf("port-%d", c.IP.To4()[3]), hubBridge); err != nil {
		return err
	}
	commands := []string{
		"ip address add " + c.IP.String() + "/24 dev eth0",
		"ip link set eth0 up",
		"ip route add default via " + HubIP,
		"mount -t tmpfs -o mode=755 tmpfs /run",
	}
	for source, target := range map[string]string{"log": "/var/log", "cni-state": "/var/lib/cni", "hostpath": "/tmp/hostpath_pv"} {
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		commands = append(commands, "mount --bind "+filepath.Join(c.dir, source)+" "+target)
	}
	for _, command := range commands {
		if err := c.machine.run(ctx, strings.Fields(command)...); err != nil {
			return err
		}
	}
	return c.machine.do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644) })
}

func (c *Cluster) shutDown() error {
	var err error
	if c.volumes != nil {
		err = c.volumes.stop()
	}
	if c.Cluster != nil {
		err = errors.Join(err, c.Stop())
	}
	if c.machine != nil {
		err = errors.Join(err, c.machine.stop())
	}
	return err
}
