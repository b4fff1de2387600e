package localcluster

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
)

// DialFunc connects to an address, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Host is where the processes of a cluster run instead of directly on this machine, such as in namespaces of their own.
type Host struct {
	// IP is its address, where the API server serves whoever reaches its network. This process and others of this machine get there
	// too, by an address of the loopback interface from which this process forwards connections.
	IP net.IP
	// Start starts a command there. The command must end when this process does, however that happens.
	Start func(*exec.Cmd) error
	// Dial connects to an address that is meant as a process there would mean it.
	Dial DialFunc
}

// Program is something else that runs as a process of a cluster, such as a kubelet.
type Program struct {
	// Name is what it is called in StopProcess, StartProcess and Processes, and its log file. It must not be in use.
	Name string
	// Path of the executable file, and its arguments without the name.
	Path string
	Args []string
	// Ready returns nil when the program does what it is for. It is called again and again until then.
	Ready func(context.Context) error
}

// Run starts a program and returns when it is ready. It ends when the cluster does.
func (c *Cluster) Run(ctx context.Context, program Program) error {
	return c.launch(ctx, &process{name: program.Name, path: program.Path, args: program.Args, ready: program.Ready})
}

// run starts a program of the control plane.
func (c *Cluster) run(ctx context.Context, name string, args []string, ready func(context.Context) error) error {
	return c.launch(ctx, &process{name: name, path: filepath.Join(c.binaries, name), args: args, ready: ready})
}

// launch starts a process of the cluster and keeps it in place of an earlier attempt.
func (c *Cluster) launch(ctx context.Context, p *process) error {
	p.logFile, p.host = c.path(filepath.Join("log", p.name+".log")), c.options.Host
	c.mu.Lock()
	c.processes = append(slices.DeleteFunc(c.processes, func(old *process) bool { return old.name == p.name }), p)
	c.mu.Unlock()
	return p.launch(ctx)
}

func (c *Cluster) all() []*process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.processes)
}

// dial returns nil when the processes run on this machine.
func (c *Cluster) dial() DialFunc {
	if c.options.Host == nil {
		return nil
	}
	return c.options.Host.Dial
}
