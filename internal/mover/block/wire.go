package block

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"time"

	"k8s.io/utils/clock"
)

// Kinds of frames. The source sends the first six, the destination the others.
const (
	kindWant   byte = iota + 1 // chunk: hash it, and expect its contents in the order of the wants
	kindData                   // first block, count, contents: of the current chunk, the oldest that was wanted
	kindPacked                 // first block, count, length, packed contents
	kindZero                   // first block, count
	kindDone                   // digest of the current chunk, which ends it
	kindEnd                    // nothing follows
	kindReady                  // size of the destination: the hello is welcome
	kindSums                   // bitmap of blocks that are not zero, then their sums: of the next chunk wanted
	kindAck                    // chunks of this stream that are on the device and verified, after the end
	kindFail                   // why the destination gives up
)

// hello opens a stream. Its wire form has a fixed length.
type hello struct {
	layout
	key key
	// first is set in the stream that begins a transfer: others join what it began.
	first bool
}

const (
	magic           = "godwitblk"
	version    byte = 1
	prefixSize      = len(magic) + 1
	helloSize       = prefixSize + 8 + 4 + len(key{}) + 1
)

func (h hello) bytes() []byte {
	b := append(make([]byte, 0, helloSize), magic...)
	b = append(b, version)
	b = binary.BigEndian.AppendUint64(b, uint64(h.size))
	b = binary.BigEndian.AppendUint32(b, uint32(h.block))
	b = append(b, h.key[:]...)
	if h.first {
		return append(b, 1)
	}
	return append(b, 0)
}

// checkPrefix looks at what hellos of all versions begin with.
func checkPrefix(b []byte) error {
	if !bytes.HasPrefix(b, []byte(magic)) {
		return broken("it did not say hello")
	}
	if b[len(magic)] != version {
		return ErrVersion
	}
	return nil
}

func parseHello(b []byte) (h hello, err error) {
	b = b[prefixSize:]
	h.size = int64(binary.BigEndian.Uint64(b))
	h.block = int(binary.BigEndian.Uint32(b[8:]))
	copy(h.key[:], b[12:])
	h.first = b[len(b)-1] == 1
	if err := h.validate(); err != nil {
		return hello{}, broken("%v", err)
	}
	return h, nil
}

// wire reads and writes frames. One goroutine may read while one writes.
type wire struct {
	conn    net.Conn
	timeout time.Duration
	in      *bufio.Reader
	out     *bufio.Writer
	pace    pace     // of writes
	scratch [64]byte // of the reader
}

func newWire(conn net.Conn, timeout time.Duration) *wire {
	w := &wire{conn: conn, timeout: timeout, in: bufio.NewReaderSize(conn, 64<<10)}
	w.out = bufio.NewWriterSize(timed{w}, 64<<10)
	return w
}

// timed gives each write its deadline, and measures it.
type timed struct{ *wire }

func (t timed) Write(b []byte) (int, error) {
	if err := t.conn.SetWriteDeadline(t.deadline()); err != nil {
		return 0, err
	}
	start := clock.RealClock{}.Now()
	n, err := t.conn.Write(b)
	if n >= minBlock { // less takes a call's time, not the link's
		t.pace.took(clock.RealClock{}.Since(start), n)
	}
	return n, err
}

func (w *wire) deadline() time.Time { return clock.RealClock{}.Now().Add(w.timeout) }

// read fills b, with what is left of the time that the frame has.
func (w *wire) read(b []byte) error {
	if _, err := io.ReadFull(w.in, b); err != nil {
		return lost(err)
	}
	return nil
}

// take returns the next n bytes, n <= 64. They hold until the next call.
func (w *wire) take(n int) ([]byte, error) {
	return w.scratch[:n], w.read(w.scratch[:n])
}

// next begins a frame: all of it has to arrive within the timeout, so that a peer that trickles is cut off like one that is silent.
func (w *wire) next() (kind byte, err error) {
	if err := w.conn.SetReadDeadline(w.deadline()); err != nil {
		return 0, lost(err)
	}
	kind, err = w.in.ReadByte()
	if err != nil {
		return 0, lost(err)
	}
	return kind, nil
}

// write buffers b, or writes it when it is large.
func (w *wire) write(b []byte) error {
	if _, err := w.out.Write(b); err != nil {
		return lost(err)
	}
	return nil
}

func (w *wire) flush() error {
	if err := w.out.Flush(); err != nil {
		return lost(err)
	}
	return nil
}

// number writes a frame that has one number.
func (w *wire) number(kind byte, n int64) error {
	return w.write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(n)))
}

func (w *wire) readNumber() (int64, error) {
	b, err := w.take(8)
	return int64(binary.BigEndian.Uint64(b)), err
}

// run writes the head of a frame about count blocks from first on.
func (w *wire) run(kind byte, first, count int) error {
	b := binary.BigEndian.AppendUint16([]byte{kind}, uint16(first))
	return w.write(binary.BigEndian.AppendUint16(b, uint16(count)))
}

func (w *wire) readRun() (first, count int, err error) {
	b, err := w.take(4)
	return int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:])), err
}

// sumsFrame returns the frame with the sums of a chunk. Those of zeros cost a bit.
func sumsFrame(sums []sum) []byte {
	b := append(make([]byte, 0, 1+len(sums)/8+1+len(sums)*len(sum{})), kindSums)
	for i := range sums {
		if i%8 == 0 {
			b = append(b, 0)
		}
		if sums[i] != (sum{}) {
			b[len(b)-1] |= 1 << (i % 8)
		}
	}
	for i := range sums {
		if sums[i] != (sum{}) {
			b = append(b, sums[i][:]...)
		}
	}
	return b
}

func (w *wire) readSums(sums []sum) error {
	set, err := w.take((len(sums) + 7) / 8)
	if err != nil {
		return err
	}
	set = bytes.Clone(set)
	for i := range sums {
		if set[i/8]&(1<<(i%8)) == 0 {
			continue
		}
		if err := w.read(sums[i][:]); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) fail(f failure) error {
	b := binary.BigEndian.AppendUint64([]byte{kindFail, f.code}, uint64(f.offset))
	return w.write(binary.BigEndian.AppendUint32(b, f.errno))
}

func (w *wire) readFail() (f failure, err error) {
	b, err := w.take(13)
	return failure{code: b[0], offset: int64(binary.BigEndian.Uint64(b[1:])), errno: binary.BigEndian.Uint32(b[9:])}, err
}
