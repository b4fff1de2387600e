//go:build !linux

package localnode

import (
	"errors"
	"os"
	"syscall"
)

func firstProcess() *syscall.SysProcAttr { return nil }

type namespace struct {
	file *os.File
}

func openNamespaces(int) ([]namespace, error) { return nil, errors.ErrUnsupported }

func (namespace) enter() error { return errors.ErrUnsupported }

func isMainThread() bool { return false }
