package block

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

var (
	// ErrConnection says that the other end could not be reached, went away or stalled. Sending again carries on: blocks that
	// have arrived are found equal.
	ErrConnection = errors.New("connection to the mover at the other end failed")
	// ErrProtocol says that the other end sent what the protocol does not allow. Sending again does not help.
	ErrProtocol = errors.New("the mover at the other end broke the protocol")
	// ErrVersion says that the other end speaks another version of the protocol: both clusters need the same release.
	ErrVersion = errors.New("the mover at the other end is of another version")
	// ErrVerify says that the destination read back something else than was sent, or another writer is at work there.
	ErrVerify = errors.New("contents read back differ from those that were sent")
	// ErrSuperseded says that the destination has begun another transfer since.
	ErrSuperseded = errors.New("the destination serves another transfer")
)

// SizeError says that the source does not fit. Nothing was written.
type SizeError struct {
	// Source and Destination are in bytes.
	Source, Destination int64
}

// Error says how large the destination must be.
func (e *SizeError) Error() string {
	return fmt.Sprintf("destination has %d bytes, source has %d: make the volume at the destination at least as large", e.Destination, e.Source)
}

// Side is an end of the transfer.
type Side string

// The two ends.
const (
	AtSource      Side = "source"
	AtDestination Side = "destination"
)

// DeviceError is a failure of a device or file, wherever it is.
type DeviceError struct {
	Side Side
	// Op is read, write, sync or verify.
	Op string
	// Offset is in bytes, that of the range that was worked at; 0 for sync.
	Offset int64
	// Err is the reason, a syscall.Errno where it is known, or ErrVerify.
	Err error
}

// Error names the side, the operation and the offset.
func (e *DeviceError) Error() string {
	return fmt.Sprintf("%s of the %s at byte %d: %v", e.Op, e.Side, e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *DeviceError) Unwrap() error { return e.Err }

func lost(err error) error { return fmt.Errorf("%w: %w", ErrConnection, err) }

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// because returns the reason why ctx ended, if it did, for errors that only follow from it.
func because(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("block copy was stopped: %w", context.Cause(ctx))
}

// Codes of a failure that the destination tells of.
const (
	failedRead = iota + 1
	failedWrite
	failedSync
	failedVerify
	failedSize
	failedProtocol
	failedVersion
	failedSuperseded
)

var failedOps = map[byte]string{failedRead: "read", failedWrite: "write", failedSync: "sync", failedVerify: "verify"}

// failure is an error as it crosses the wire: no words of the other end reach a log or a status.
type failure struct {
	code   byte
	offset int64
	errno  uint32
}

func failureOf(err error) failure {
	var device *DeviceError
	var size *SizeError
	switch {
	case errors.As(err, &device):
		return deviceFailure(device)
	case errors.As(err, &size):
		return failure{code: failedSize, offset: size.Destination}
	case errors.Is(err, ErrVersion):
		return failure{code: failedVersion}
	case errors.Is(err, ErrSuperseded):
		return failure{code: failedSuperseded}
	}
	return failure{code: failedProtocol}
}

func deviceFailure(device *DeviceError) failure {
	f := failure{offset: device.Offset}
	for code, op := range failedOps {
		if op == device.Op {
			f.code = code
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](device.Err); ok {
		f.errno = uint32(errno)
	}
	return f
}

// err is what the failure says to the sender of a source of that size.
func (f failure) err(source int64) error {
	switch f.code {
	case failedRead, failedWrite, failedSync:
		return &DeviceError{Side: AtDestination, Op: failedOps[f.code], Offset: f.offset, Err: f.reason()}
	case failedVerify:
		return &DeviceError{Side: AtDestination, Op: failedOps[f.code], Offset: f.offset, Err: ErrVerify}
	case failedSize:
		return &SizeError{Source: source, Destination: f.offset}
	case failedProtocol:
		return broken("it refused what was sent")
	case failedVersion:
		return ErrVersion
	case failedSuperseded:
		return ErrSuperseded
	}
	return broken("failure %d is unknown", f.code)
}

func (f failure) reason() error {
	if f.errno == 0 {
		return errors.New("it gave no reason, see the log of the mover there")
	}
	return syscall.Errno(f.errno)
}
