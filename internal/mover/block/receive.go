package block

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// A batch is brought to the device and read back when it has so many bytes, or chunks.
	batchBytes  = 64 << 20
	batchChunks = 256
)

// Receive serves a stream of a Send at the other end, and closes conn. It returns nil when all that came on this stream is verified,
// on the device and acknowledged; see Complete for the whole. Errors are as those of Send.
func Receive(ctx context.Context, conn net.Conn, d *Destination) error {
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	w := newWire(conn, d.timeout)
	err := d.serve(ctx, cancel, w)
	if err != nil && !errors.Is(err, ErrConnection) {
		w.giveUp(err)
	}
	return because(ctx, err)
}

func (d *Destination) serve(ctx context.Context, stop context.CancelCauseFunc, w *wire) error {
	h, err := w.readHello()
	if err != nil {
		return err
	}
	a, err := d.join(h, stop)
	if err != nil {
		return err
	}
	defer a.streams.Done()
	if err := w.number(kindReady, d.size); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	return newReceiver(a, d.device, w).run(ctx)
}

func (w *wire) readHello() (hello, error) {
	if err := w.conn.SetReadDeadline(w.deadline()); err != nil {
		return hello{}, lost(err)
	}
	b := make([]byte, helloSize)
	if err := w.read(b[:prefixSize]); err != nil {
		return hello{}, err
	}
	if err := checkPrefix(b); err != nil { // another version may have a shorter hello
		return hello{}, err
	}
	if err := w.read(b[prefixSize:]); err != nil {
		return hello{}, err
	}
	return parseHello(b)
}

// giveUp tells the other end why. It then takes what is still on its way, since closing before would destroy what was told.
func (w *wire) giveUp(err error) {
	w.timeout = min(w.timeout, grace)
	if w.fail(failureOf(err)) != nil || w.flush() != nil || w.conn.SetReadDeadline(w.deadline()) != nil {
		return
	}
	_, _ = io.Copy(io.Discard, w.conn)
}

// incoming is a chunk on its way.
type incoming struct {
	number  int64
	offset  int64
	length  int
	sums    []sum  // of what the destination has
	written []bool // blocks
	next    int    // the lowest block that may still come
	bytes   int    // written
	digest  digest // of what the source has
}

// receiver is the destination's end of one connection: one goroutine reads and writes to the device what comes, one hashes and
// answers, one verifies.
type receiver struct {
	*attempt
	*wire
	device   device
	data     []byte
	packed   []byte
	unpacker *unpacker
	current  *incoming      // what contents belong to
	open     int            // chunks that are wanted and not done
	served   int64          // chunks that are done
	wants    chan *incoming // to be hashed
	answered chan *incoming // that the source may know the sums of
	batch    []*incoming    // done, written, not verified
	bytes    int            // of the batch
	batches  chan []*incoming
}

func newReceiver(a *attempt, d device, w *wire) *receiver {
	return &receiver{
		attempt: a, wire: w, device: d, data: make([]byte, chunkSize), packed: make([]byte, chunkSize), unpacker: newUnpacker(),
		wants: make(chan *incoming, window), answered: make(chan *incoming, window), batches: make(chan []*incoming),
	}
}

// run ends all three with the first failure, which must not wait for a frame. Writing goes on: the other end is told.
func (r *receiver) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var working sync.WaitGroup
	for _, work := range []func(context.Context) error{r.receive, r.answer, r.verify} {
		working.Go(func() {
			if err := work(ctx); err != nil {
				cancel(err)
				_ = r.conn.SetReadDeadline(time.Unix(1, 0))
			}
		})
	}
	working.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := r.number(kindAck, r.served); err != nil {
		return err
	}
	return r.flush()
}

// receive takes frames until the end.
func (r *receiver) receive(ctx context.Context) error {
	defer close(r.wants)
	defer close(r.batches)
	for {
		kind, err := r.next()
		if err := cmp.Or(ctx.Err(), err); err != nil { // in this order: the deadline may just have overruled that of run
			return err
		}
		switch kind {
		case kindWant:
			err = r.want()
		case kindData:
			err = r.takeData(r.read)
		case kindPacked:
			err = r.takeData(r.readPacked)
		case kindZero:
			err = r.takeZero()
		case kindDone:
			err = r.takeDone(ctx)
		case kindEnd:
			return r.end(ctx)
		default:
			err = broken("frame %d comes from the source", kind)
		}
		if err != nil {
			return err
		}
	}
}

func (r *receiver) want() error {
	chunk, err := r.readNumber()
	if err != nil {
		return err
	}
	if r.open == window {
		return broken("more than %d chunks are under way", window)
	}
	if err := r.claim(chunk); err != nil {
		return err
	}
	r.open++
	offset, length := r.span(chunk)
	n := r.blocks(length)
	r.wants <- &incoming{number: chunk, offset: offset, length: length, sums: make([]sum, n), written: make([]bool, n)}
	return nil
}

// chunk returns what contents belong to: the oldest chunk whose sums are being sent.
func (r *receiver) chunk() (*incoming, error) {
	if r.current != nil {
		return r.current, nil
	}
	select {
	case r.current = <-r.answered:
		return r.current, nil
	default:
		return nil, broken("contents come before their sums were sent")
	}
}

// place returns the range of the chunk that a frame is about. Blocks come in order, each at most once.
func (r *receiver) place() (c *incoming, from, to int, err error) {
	c, err = r.chunk()
	if err != nil {
		return nil, 0, 0, err
	}
	first, count, err := r.readRun()
	if err != nil {
		return nil, 0, 0, err
	}
	end := first + count
	if count == 0 || first < c.next || end > len(c.sums) {
		return nil, 0, 0, broken("blocks %d to %d of chunk %d are out of order", first, end, c.number)
	}
	for i := first; i < end; i++ {
		c.written[i] = true
	}
	c.next = end
	from, to = r.within(first, end, c.length)
	c.bytes += to - from
	return c, from, to, nil
}

// takeData writes contents that fill reads.
func (r *receiver) takeData(fill func([]byte) error) error {
	c, from, to, err := r.place()
	if err != nil {
		return err
	}
	data := r.data[:to-from]
	if err := fill(data); err != nil {
		return err
	}
	if n, err := r.device.WriteAt(data, c.offset+int64(from)); err != nil {
		return &DeviceError{Side: AtDestination, Op: "write", Offset: c.offset + int64(from+n), Err: err}
	}
	return nil
}

func (r *receiver) readPacked(data []byte) error {
	b, err := r.take(4)
	if err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(b)
	if int64(n) >= int64(len(data)) {
		return broken("%d bytes are packed into %d", len(data), n)
	}
	if err := r.read(r.packed[:n]); err != nil {
		return err
	}
	return r.unpacker.unpack(data, r.packed[:n])
}

func (r *receiver) takeZero() error {
	c, from, to, err := r.place()
	if err != nil {
		return err
	}
	if err := r.device.zero(c.offset+int64(from), to-from); err != nil {
		return &DeviceError{Side: AtDestination, Op: "write", Offset: c.offset + int64(from), Err: err}
	}
	return nil
}

func (r *receiver) takeDone(ctx context.Context) error {
	c, err := r.chunk()
	if err != nil {
		return err
	}
	if err := r.read(c.digest[:]); err != nil {
		return err
	}
	r.current = nil
	r.open--
	r.served++
	r.batch = append(r.batch, c)
	r.bytes += c.bytes
	if r.bytes < batchBytes && len(r.batch) < batchChunks {
		return nil
	}
	return r.pass(ctx)
}

// pass gives the batch to be verified, once the one before is.
func (r *receiver) pass(ctx context.Context) error {
	select {
	case r.batches <- r.batch:
		r.batch, r.bytes = nil, 0
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *receiver) end(ctx context.Context) error {
	if r.open > 0 {
		return broken("it ends with %d chunks under way", r.open)
	}
	return r.pass(ctx)
}
