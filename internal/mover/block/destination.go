package block

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Destination is a device that transfers are written to, one at a time: one that begins ends the one before.
type Destination struct {
	device  device
	size    int64
	timeout time.Duration

	mu      sync.Mutex
	current *attempt
}

// NewDestination returns the destination for a block device or regular file that is open for reading and writing. Its size stays as
// it is. A timeout of 0 is DefaultTimeout. The caller closes the file, after every Receive has returned.
func NewDestination(file *os.File, timeout time.Duration) (*Destination, error) {
	size, err := sizeOf(file)
	if err != nil {
		return nil, err
	}
	return &Destination{device: &fileDevice{File: file}, size: size, timeout: orDefault(timeout, DefaultTimeout)}, nil
}

// Complete tells whether all of the transfer that was begun last is there, verified, and on the device. Let each Receive that runs
// return before leaving: the sender may not have its acknowledgement yet.
func (d *Destination) Complete() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current != nil && d.current.verified.Load() == d.current.chunks()
}

// attempt is one transfer: the streams that share its key.
type attempt struct {
	hello
	verified atomic.Int64 // chunks
	streams  sync.WaitGroup

	mu      sync.Mutex
	claimed []uint64 // a bit for each chunk that a stream has been asked for
	stops   []context.CancelCauseFunc
}

// join has a stream begin a transfer or join the current one. The caller must call Done on its streams.
func (d *Destination) join(h hello, stop context.CancelCauseFunc) (*attempt, error) {
	if h.size > d.size {
		return nil, &SizeError{Source: h.size, Destination: d.size}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if h.first {
		if err := d.begin(h); err != nil {
			return nil, err
		}
	}
	a := d.current
	if a == nil || a.key != h.key || a.layout != h.layout {
		return nil, ErrSuperseded
	}
	return a, a.add(stop)
}

// begin ends the streams of the transfer before. What it has written becomes part of what is compared, read from the device.
func (d *Destination) begin(h hello) error {
	if d.current != nil {
		d.current.stop()
	}
	d.current = nil
	if err := d.device.Sync(); err != nil {
		return &DeviceError{Side: AtDestination, Op: "sync", Err: err}
	}
	d.device.forget(0, 0)
	d.current = &attempt{hello: h, claimed: make([]uint64, (h.chunks()+63)/64)}
	return nil
}

func (a *attempt) add(stop context.CancelCauseFunc) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.stops) == maxStreams {
		return broken("more than %d streams", maxStreams)
	}
	a.stops = append(a.stops, stop)
	a.streams.Add(1)
	return nil
}

func (a *attempt) stop() {
	a.mu.Lock()
	for _, stop := range a.stops {
		stop(ErrSuperseded)
	}
	a.mu.Unlock()
	a.streams.Wait()
}

// claim gives a chunk to a stream, once.
func (a *attempt) claim(chunk int64) error {
	if chunk < 0 || chunk >= a.chunks() {
		return broken("chunk %d is outside the %d bytes of the transfer", chunk, a.size)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	bit := uint64(1) << (chunk % 64)
	if a.claimed[chunk/64]&bit != 0 {
		return broken("chunk %d comes twice", chunk)
	}
	a.claimed[chunk/64] |= bit
	return nil
}
