package block

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Dial connects to Receive at the other end, once for each stream.
type Dial func(ctx context.Context) (net.Conn, error)

const (
	// DefaultBlockSize is the best of those measured, see the comment of the package.
	DefaultBlockSize = 16 << 10
	// DefaultStreams is how many connections share the work.
	DefaultStreams = 4
	// DefaultTimeout is what a frame, of up to 1 MiB, has to pass, and what a device has to write 64 MiB.
	DefaultTimeout = 5 * time.Minute

	maxStreams = 16
)

// Options of a transfer. The zero value is good.
type Options struct {
	// BlockSize in bytes is what is compared and sent: a power of two from 4 KiB to 64 KiB, 0 for DefaultBlockSize.
	BlockSize int
	// Streams is from 1 to 16, 0 for DefaultStreams. Small sources take fewer.
	Streams int
	// Timeout ends a transfer that stands still; 0 for DefaultTimeout.
	Timeout time.Duration
	// Progress is called each MiB, one call at a time. It must not block. It may be nil.
	Progress func(Progress)
}

// Result of a transfer, as far as it came.
type Result struct {
	Progress
	// DestinationSize is in bytes. What it has beyond BytesTotal was left as it was.
	DestinationSize int64
}

// Send makes the first source.Size bytes at the other end equal to the source, and returns without error once they are verified
// there and on the device. Each byte of the source counts as it was when it was read, once; a source that changes meanwhile is
// copied as a mixture, as by any copier: give a snapshot, or send again after the application has stopped.
//
// Errors are or wrap ErrConnection (send again), *DeviceError, *SizeError, ErrProtocol, ErrVersion, ErrVerify, ErrSuperseded, or
// the cause of ctx.
func Send(ctx context.Context, dial Dial, source Source, options Options) (Result, error) {
	t, err := newTransfer(dial, source, options)
	if err != nil {
		return Result{}, err
	}
	err = because(ctx, t.run(ctx))
	return Result{Progress: t.meter.read(), DestinationSize: t.destination.Load()}, err
}

// transfer is what the streams of one Send share.
type transfer struct {
	hello
	dial        Dial
	source      Source
	streams     int64
	timeout     time.Duration
	meter       meter
	claimed     atomic.Int64 // chunks that a stream has taken on
	acked       atomic.Int64 // chunks that the destination has verified
	destination atomic.Int64 // size in bytes
}

func newTransfer(dial Dial, source Source, options Options) (*transfer, error) {
	t := &transfer{
		hello: hello{layout: layout{size: source.Size, block: orDefault(options.BlockSize, DefaultBlockSize)}},
		dial:  dial, source: source,
		timeout: orDefault(options.Timeout, DefaultTimeout),
		meter:   meter{now: Progress{BytesTotal: source.Size}, report: options.Progress},
	}
	if err := t.validate(); err != nil {
		return nil, err
	}
	streams := orDefault(options.Streams, DefaultStreams)
	if streams < 1 || streams > maxStreams {
		return nil, fmt.Errorf("%d streams are not from 1 to %d", streams, maxStreams)
	}
	t.streams = max(1, min(int64(streams), t.chunks()))
	_, err := rand.Read(t.key[:])
	return t, err
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// run has the first stream begin the transfer before others join, so that what makes it hopeless is found before anything is done.
func (t *transfer) run(ctx context.Context) error {
	first, err := t.open(ctx, true)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return first.run(ctx) })
	for range t.streams - 1 {
		group.Go(func() error {
			s, err := t.open(ctx, false)
			if err != nil {
				return err
			}
			return s.run(ctx)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if acked := t.acked.Load(); acked != t.chunks() {
		return broken("it acknowledged %d of %d chunks", acked, t.chunks())
	}
	return nil
}

// open connects and says hello.
func (t *transfer) open(ctx context.Context, first bool) (*sendStream, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, lost(err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	w := newWire(conn, t.timeout)
	if err := t.greet(w, first); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return newSendStream(t, w), nil
}

func (t *transfer) greet(w *wire, first bool) error {
	h := t.hello
	h.first = first
	if err := w.write(h.bytes()); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	kind, err := w.next()
	if err != nil {
		return err
	}
	switch kind {
	case kindReady:
		return t.welcome(w)
	case kindFail:
		return t.failure(w)
	}
	return broken("frame %d answers a hello", kind)
}

func (t *transfer) welcome(w *wire) error {
	size, err := w.readNumber()
	if err != nil {
		return err
	}
	if size < t.size {
		return &SizeError{Source: t.size, Destination: size}
	}
	t.destination.Store(size)
	return nil
}

func (t *transfer) failure(w *wire) error {
	f, err := w.readFail()
	if err != nil {
		return err
	}
	return f.err(t.size)
}
