//go:build !linux

package localcluster

import "syscall"

// ChildAttributes puts a child into a process group of its own, where a terminal's Ctrl-C does not reach it before
// its parent. Only Linux can also tie its life to its parent's: elsewhere the children of a parent that dies
// without Stop live on.
func ChildAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
