package volume

import (
	"errors"
	"fmt"
)

// What goes wrong with every kind of storage. Drivers wrap one of these, so that callers can tell them apart by errors.Is.
var (
	// ErrUnreachable means that the storage, or the other end of a copy, does not answer. It may later.
	ErrUnreachable = errors.New("not reachable")
	// ErrPermission means that a credential is refused, or lacks a right.
	ErrPermission = errors.New("not permitted")
	// ErrNotPaired means that the storage of the two clusters was not introduced, or is not any more.
	ErrNotPaired = errors.New("storage is not paired")
	// ErrNoSpace means that what is to be copied does not fit at the destination.
	ErrNoSpace = errors.New("not enough space")
)

// ErrNoPairer means that options ask for storage to be paired, and that no registered driver is able to.
var ErrNoPairer = errors.New("no storage driver is registered that can pair with these options: " +
	"remove the key token from options to migrate objects only")

// UnsupportedError means that a driver lacks an ability that is needed.
type UnsupportedError struct {
	// Driver is its name.
	Driver string
	// Ability is what it cannot do, for example "move volumes".
	Ability string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("storage driver %s cannot %s", e.Driver, e.Ability)
}
