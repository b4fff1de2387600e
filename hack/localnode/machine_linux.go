package localnode

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// firstProcess has a command begin namespaces, in which no mount is passed on to this machine.
func firstProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setpgid: true,
		// The kernel kills all others in a namespace of processes together with the first.
		Pdeathsig:    syscall.SIGKILL,
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		Unshareflags: syscall.CLONE_NEWNS, // Here Go makes all mounts private, which with Cloneflags it would not.
	}
}

// namespace is one that a thread can enter.
type namespace struct {
	kind int
	file *os.File
}

// openNamespaces returns those of a process, the network first.
func openNamespaces(pid int) ([]namespace, error) {
	var opened []namespace
	var errs []error
	for _, n := range []struct {
		name string
		kind int
	}{{"net", unix.CLONE_NEWNET}, {"pid", unix.CLONE_NEWPID}, {"mnt", unix.CLONE_NEWNS}} {
		file, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, n.name))
		errs = append(errs, err)
		opened = append(opened, namespace{kind: n.kind, file: file})
	}
	return opened, errors.Join(errs...)
}

func (n namespace) enter() error {
	if n.kind == unix.CLONE_NEWNS {
		// Threads share their root and working directory, and none of those may enter.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return err
		}
	}
	return unix.Setns(int(n.file.Fd()), n.kind)
}

func isMainThread() bool { return unix.Gettid() == os.Getpid() }
