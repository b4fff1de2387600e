package block

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"time"
)

// grace is what the other end has to say why it closed a connection.
const grace = 5 * time.Second

// errSilent says that no answers follow; the listener knows why.
var errSilent = errors.New("no answers follow")

// sendStream is the source's end of one connection. One goroutine talks, one listens; neither waits for the other but for answers.
type sendStream struct {
	*transfer
	*wire
	hasher  *hasher
	packer  *packer
	data    []byte     // of the chunk that is compared
	ours    []sum      // of its blocks
	wanted  []int64    // chunks under way, oldest first
	asked   chan int64 // the same, for the listener
	answers chan []sum // in the order in which chunks were asked for
}

func newSendStream(t *transfer, w *wire) *sendStream {
	return &sendStream{
		transfer: t, wire: w, hasher: newHasher(t.layout, t.key), packer: newPacker(), data: make([]byte, chunkSize), ours: make([]sum, t.blocks(chunkSize)),
		asked: make(chan int64, window), answers: make(chan []sum, window),
	}
}

// run returns nil when the destination has acknowledged every chunk of the stream.
func (s *sendStream) run(ctx context.Context) error {
	defer func() { _ = s.conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = s.conn.Close() })()
	heard := make(chan error, 1)
	go func() { heard <- s.listen() }()

	said := s.talk()
	if said == nil {
		return <-heard
	}
	if !errors.Is(said, ErrConnection) && !errors.Is(said, errSilent) { // our own failure
		_ = s.conn.Close()
		return cmp.Or(said, <-heard)
	}
	// What the other end says of it tells more than that the connection is gone.
	hurry := time.AfterFunc(grace, func() { _ = s.conn.Close() })
	defer hurry.Stop()
	if err := <-heard; err != nil {
		return err
	}
	return broken("it acknowledged before the end")
}

// talk asks for chunks, compares and sends what differs.
func (s *sendStream) talk() error {
	for {
		if err := s.ask(); err != nil {
			return err
		}
		if len(s.wanted) == 0 {
			break
		}
		theirs, err := s.answer()
		if err != nil {
			return err
		}
		if err := s.settle(s.wanted[0], theirs); err != nil {
			return err
		}
		s.wanted = s.wanted[1:]
	}
	if err := s.write([]byte{kindEnd}); err != nil {
		return err
	}
	return s.flush()
}

// ask keeps the window full.
func (s *sendStream) ask() error {
	for len(s.wanted) < window {
		chunk := s.claimed.Add(1) - 1
		if chunk >= s.chunks() {
			return nil
		}
		s.asked <- chunk
		s.wanted = append(s.wanted, chunk)
		if err := s.number(kindWant, chunk); err != nil {
			return err
		}
	}
	return nil
}

// answer returns the sums of the oldest chunk under way. The buffer is flushed before waiting.
func (s *sendStream) answer() ([]sum, error) {
	select {
	case theirs, ok := <-s.answers:
		return theirs, silent(ok)
	default:
	}
	if err := s.flush(); err != nil {
		return nil, err
	}
	theirs, ok := <-s.answers
	return theirs, silent(ok)
}

func silent(ok bool) error {
	if !ok {
		return errSilent
	}
	return nil
}

// settle sends what of a chunk the destination lacks.
func (s *sendStream) settle(chunk int64, theirs []sum) error {
	data, ours, err := s.load(chunk)
	if err != nil {
		return err
	}
	delta := Progress{BytesDone: int64(len(data))}
	for first := 0; first < len(ours); {
		kind, end := nextRun(ours, theirs, first)
		if err := s.send(kind, first, end, data, &delta); err != nil {
			return err
		}
		first = end
	}
	sealed := s.hasher.digest(chunk, ours)
	if err := s.write(append([]byte{kindDone}, sealed[:]...)); err != nil {
		return err
	}
	s.meter.add(delta)
	return nil
}

// load reads a chunk and its sums. They hold until the next call.
func (s *sendStream) load(chunk int64) ([]byte, []sum, error) {
	offset, length := s.span(chunk)
	data, ours := s.data[:length], s.ours[:s.blocks(length)]
	if s.source.hole(offset, length) {
		clear(ours)
		return data, ours, nil
	}
	if n, err := s.source.ReadAt(data, offset); n < length {
		return nil, nil, &DeviceError{Side: AtSource, Op: "read", Offset: offset + int64(n), Err: err}
	}
	s.hasher.chunk(ours, data)
	return data, ours, nil
}

// equal stands for blocks about which nothing is sent.
const equal byte = 0

// nextRun returns how the blocks from first to end (exclusive) are sent.
func nextRun(ours, theirs []sum, first int) (kind byte, end int) {
	kind = kindOf(ours[first], theirs[first])
	end = first + 1
	for end < len(ours) && kindOf(ours[end], theirs[end]) == kind {
		end++
	}
	return kind, end
}

func kindOf(ours, theirs sum) byte {
	switch ours {
	case theirs:
		return equal
	case sum{}:
		return kindZero
	}
	return kindData
}

func (s *sendStream) send(kind byte, first, end int, data []byte, delta *Progress) error {
	count := int64(end - first)
	switch kind {
	case kindZero:
		delta.BlocksZero += count
		return s.wire.run(kindZero, first, end-first)
	case kindData:
		delta.BlocksSent += count
		from, to := s.within(first, end, len(data))
		n, err := s.contents(first, end-first, data[from:to])
		delta.BytesSent += int64(n)
		return err
	}
	delta.BlocksEqual += count
	return nil
}

// contents sends a run, and returns how many bytes that took.
func (s *sendStream) contents(first, count int, data []byte) (int, error) {
	packed := s.packer.pack(data, s.pace)
	if packed == nil {
		return len(data), cmp.Or(s.wire.run(kindData, first, count), s.write(data))
	}
	err := s.wire.run(kindPacked, first, count)
	return len(packed), cmp.Or(err, s.write(binary.BigEndian.AppendUint32(nil, uint32(len(packed)))), s.write(packed))
}

// listen passes on answers until the acknowledgement. It closes a connection that has no more to say, to stop talk.
func (s *sendStream) listen() error {
	defer close(s.answers)
	for {
		done, err := s.hear()
		if err != nil {
			_ = s.conn.Close()
		}
		if done || err != nil {
			return err
		}
	}
}

func (s *sendStream) hear() (done bool, err error) {
	kind, err := s.next()
	if err != nil {
		return false, err
	}
	switch kind {
	case kindSums:
		return false, s.hearSums()
	case kindAck:
		chunks, err := s.readNumber()
		s.acked.Add(chunks)
		return true, err
	case kindFail:
		return true, s.failure(s.wire)
	}
	return true, broken("frame %d comes from the destination", kind)
}

func (s *sendStream) hearSums() error {
	select {
	case chunk := <-s.asked:
		_, length := s.span(chunk)
		sums := make([]sum, s.blocks(length))
		if err := s.readSums(sums); err != nil {
			return err
		}
		s.answers <- sums // has room for all that was asked for
		return nil
	default:
		return broken("sums come that nobody asked for")
	}
}
