package localnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// machine is a set of namespaces, with a first process that keeps them.
type machine struct {
	name       string
	first      *exec.Cmd
	exited     chan struct{} // Closed when the first process has ended.
	namespaces []namespace
}

// startMachine starts a machine whose network is empty, and whose mounts are those of this one.
func startMachine(ctx context.Context, name, pause string) (*machine, error) {
	m := &machine{name: name, first: exec.Command(pause), exited: make(chan struct{})}
	m.first.SysProcAttr = firstProcess()
	started := make(chan error)
	go func() {
		// The kernel kills the first process when the thread that started it ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(m.exited)
		err := m.first.Start()
		started <- err
		if err == nil {
			_ = m.first.Wait() // It is killed.
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("making namespaces for %s (this needs root): %w", name, err)
	}
	var err error
	if m.namespaces, err = openNamespaces(m.pid()); err != nil {
		return nil, errors.Join(err, m.stop())
	}
	for _, command := range []string{
		"mount --make-rshared /", // As where systemd runs; a kubelet insists on it.
		"mount -t proc proc /proc",
		"ip link set lo up",
	} {
		if err := m.run(ctx, strings.Fields(command)...); err != nil {
			return nil, errors.Join(err, m.stop())
		}
	}
	return m, nil
}

// plug connects the machine, as eth0, to a bridge of another one, where the end of the cable has a name too.
func (m *machine) plug(ctx context.Context, other *machine, port, bridge string) error {
	// The other one sees neither processes nor files of this one, so it gets an open file for the network.
	network := []*os.File{m.namespaces[0].file}
	err := other.runWith(ctx, network, "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", "/proc/self/fd/3")
	if err != nil {
		return err
	}
	return other.run(ctx, "ip", "link", "set", port, "master", bridge, "up")
}

func (m *machine) pid() int { return m.first.Process.Pid }

// stop kills all processes of the machine, and returns when they are gone.
func (m *machine) stop() error {
	err := m.first.Process.Signal(syscall.SIGKILL)
	<-m.exited
	for _, n := range m.namespaces {
		err = errors.Join(err, n.file.Close())
	}
	m.namespaces = nil
	return err
}

// start starts a command on the machine, in a process group of its own.
func (m *machine) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return m.do(cmd.Start)
}

// run runs a command on the machine to its end.
func (m *machine) run(ctx context.Context, command ...string) error {
	return m.runWith(ctx, nil, command...)
}

// runWith runs a command that has files open, the first one as its file 3.
func (m *machine) runWith(ctx context.Context, files []*os.File, command ...string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.ExtraFiles = files
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := m.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w\n%s", m.name, strings.Join(command, " "), err, output.Bytes())
	}
	return nil
}

func (m *machine) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	// With a number for an address the dialer works on this thread.
	err = m.do(func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

func (m *machine) listen(ctx context.Context, address string) (listener net.Listener, err error) {
	err = m.do(func() (err error) {
		listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		return err
	})
	return listener, err
}

// do calls f on a thread that is on the machine.
func (m *machine) do(f func() error) error {
	return onOwnThread(func() error {
		for _, n := range m.namespaces {
			if err := n.enter(); err != nil {
				return fmt.Errorf("entering the namespaces of %s: %w", m.name, err)
			}
		}
		return f()
	})
}

// onOwnThread calls f on a thread that ends afterwards, so that f may change it.
func onOwnThread(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		if isMainThread() { // That one cannot end, and what it looks like counts for the process.
			result <- onOwnThread(f)
			runtime.UnlockOSThread()
			return
		}
		result <- f()
	}()
	return <-result
}
