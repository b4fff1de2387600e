package localcluster

import "syscall"

// ChildAttributes puts a child into a process group of its own, where a terminal's Ctrl-C does not reach it before
// its parent, and has the kernel kill it when its parent dies, however that happens.
func ChildAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
