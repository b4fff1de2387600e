package block

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"testing"
)

// hostileSize is what hostile sources say they have; their victims have a block more.
const hostileSize = 2<<20 + 100

var hostileHello = hello{layout: layout{size: hostileSize, block: minBlock}, key: key{1}, first: true}

func TestHostileSources(t *testing.T) {
	frame := func(kind byte, numbers ...uint16) []byte {
		b := []byte{kind}
		for _, n := range numbers {
			b = binary.BigEndian.AppendUint16(b, n)
		}
		return b
	}
	want := func(chunk uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kindWant}, chunk) }
	good := hello{layout: layout{size: hostileSize, block: minBlock}}.digestOf(t, make([]byte, 1<<20))
	cases := map[string]struct {
		asks  []int64 // answered before the frames are sent
		sends []byte
		fails error
	}{
		"chunk behind the end":          {sends: want(3)},
		"negative chunk":                {sends: want(math.MaxUint64)},
		"chunk whose offset overflows":  {sends: want(1 << 43)},
		"chunk twice":                   {asks: []int64{1}, sends: want(1)},
		"chunk again after it was done": {asks: []int64{0}, sends: append(append([]byte{kindDone}, good[:]...), want(0)...)},
		"contents before the hello":     {sends: frame(kindData, 0, 1)},
		"zeros of no chunk":             {sends: frame(kindZero, 0, 1)},
		"done with no chunk":            {sends: frame(kindDone)},
		"no blocks":                     {asks: []int64{0}, sends: frame(kindData, 0, 0)},
		"blocks beyond the chunk":       {asks: []int64{0}, sends: frame(kindData, 0, 257)},
		"first beyond the chunk":        {asks: []int64{0}, sends: frame(kindZero, 256, 1)},
		"largest numbers":               {asks: []int64{0}, sends: frame(kindZero, 65535, 65535)},
		"blocks beyond the short chunk": {asks: []int64{2}, sends: frame(kindZero, 1, 1)},
		"the same block twice":          {asks: []int64{0}, sends: append(frame(kindZero, 7, 1), frame(kindZero, 7, 1)...)},
		"blocks that overlap":           {asks: []int64{0}, sends: append(frame(kindZero, 7, 4), frame(kindZero, 10, 4)...)},
		"blocks backwards":              {asks: []int64{0}, sends: append(frame(kindZero, 7, 1), frame(kindZero, 6, 1)...)},
		"end with chunks under way":     {asks: []int64{0}, sends: frame(kindEnd)},
		"frame of no kind":              {sends: frame(0)},
		"frame of the other side":       {sends: frame(kindAck)},
		"digest of something else":      {asks: []int64{0}, sends: append(append([]byte{kindDone}, make([]byte, 32)...), kindEnd), fails: ErrVerify},
		"packed into more":              {asks: []int64{0}, sends: append(frame(kindPacked, 0, 1), 0, 0, 16, 0)},
		"packed into far more":          {asks: []int64{0}, sends: append(frame(kindPacked, 0, 1), 255, 255, 255, 255)},
		"packed into nothing":           {asks: []int64{0}, sends: append(frame(kindPacked, 0, 1), 0, 0, 0, 0)},
		"not packed":                    {asks: []int64{0}, sends: append(frame(kindPacked, 0, 1), 0, 0, 0, 3, 1, 2, 3)},
		"hangs up":                      {asks: []int64{0}, fails: ErrConnection},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, hostileSize+minBlock)
			w := greetAs(t, v.near, hostileHello)
			for _, chunk := range c.asks {
				_, length := hostileHello.span(chunk)
				ask(t, w, chunk, hostileHello.blocks(length))
			}
			go func() { _, _ = v.near.Write(c.sends) }()
			if c.fails == nil {
				c.fails = ErrProtocol
			}
			if errors.Is(c.fails, ErrConnection) {
				_ = v.near.Close()
			} else if err := complaint(w); !errors.Is(err, c.fails) {
				t.Errorf("it is told %v, want %v", err, c.fails)
			}
			_ = v.near.Close()
			if err := <-v.done; !errors.Is(err, c.fails) {
				t.Errorf("receiver ends with %v, want %v", err, c.fails)
			}
			v.wantUntouchedBeyond(t, hostileSize)
		})
	}
}

func TestASourceCannotHaveMoreUnderWayThanTheWindow(t *testing.T) {
	const size = (window + 1) << 20
	v := newVictim(t, size)
	w := greetAs(t, v.near, hello{layout: layout{size: size, block: maxBlock}, first: true})
	for chunk := range int64(window) {
		ask(t, w, chunk, chunkSize/maxBlock)
	}
	go func() { _ = errors.Join(w.number(kindWant, window), w.flush()) }()
	if kind, err := w.next(); err != nil || kind != kindFail {
		t.Errorf("frame %d answers one want too many (%v), want a failure", kind, err)
	}
	_ = v.near.Close()
	wantKind(t, <-v.done, ErrProtocol)
}

// digestOf returns the digest of chunk 0 with these contents under the key of hostile sources.
func (h hello) digestOf(tb testing.TB, data []byte) digest {
	tb.Helper()
	hasher := newHasher(h.layout, hostileHello.key)
	sums := make([]sum, h.blocks(len(data)))
	hasher.chunk(sums, data)
	return hasher.digest(0, sums)
}

// complaint reads until the destination says why it gives up.
func complaint(w *wire) error {
	for {
		kind, err := w.next()
		if err != nil {
			return err
		}
		switch kind {
		case kindFail:
			f, err := w.readFail()
			return errors.Join(err, f.err(hostileSize))
		case kindSums:
			if err := w.readSums(make([]sum, 256)); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func TestHostileHellos(t *testing.T) {
	edit := func(change func(h *hello)) []byte {
		h := hostileHello
		change(&h)
		return h.bytes()
	}
	cases := map[string]struct {
		hello []byte
		want  error
	}{
		"not ours":          {hello: bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 5), want: ErrProtocol},
		"another version":   {hello: append([]byte(magic), version+1), want: ErrVersion},
		"negative size":     {hello: edit(func(h *hello) { h.size = -1 }), want: ErrProtocol},
		"smallest size":     {hello: edit(func(h *hello) { h.size = math.MinInt64 }), want: ErrProtocol},
		"largest size":      {hello: edit(func(h *hello) { h.size = math.MaxInt64 }), want: &SizeError{}},
		"no block size":     {hello: edit(func(h *hello) { h.block = 0 }), want: ErrProtocol},
		"large block size":  {hello: edit(func(h *hello) { h.block = 1 << 31 }), want: ErrProtocol},
		"joins nothing":     {hello: edit(func(h *hello) { h.first = false }), want: ErrSuperseded},
		"breaks off":        {hello: hostileHello.bytes()[:20], want: ErrConnection},
		"breaks off sooner": {hello: []byte(magic), want: ErrConnection},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, hostileSize)
			told := make(chan error, 1)
			go func() { told <- complaint(newWire(v.near, patience)) }()
			_, _ = v.near.Write(c.hello)
			if errors.Is(c.want, ErrConnection) {
				_ = v.near.Close()
			}
			wantKind(t, <-told, c.want)
			_ = v.near.Close()
			wantKind(t, <-v.done, c.want)
			v.wantUntouchedBeyond(t, 0)
		})
	}
}

func wantKind(t *testing.T, err, want error) {
	t.Helper()
	var size *SizeError
	if errors.As(want, &size) && errors.As(err, &size) {
		return
	}
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

func TestStreamsOfAnotherTransferDoNotJoin(t *testing.T) {
	for name, change := range map[string]func(h *hello){
		"key":        func(h *hello) { h.key[5]++ },
		"size":       func(h *hello) { h.size-- },
		"block size": func(h *hello) { h.block *= 2 },
	} {
		t.Run(name, func(t *testing.T) {
			d := newMemory(make([]byte, hostileSize)).destination(patience)
			first := attack(t, d)
			greetAs(t, first.near, hostileHello)
			second := attack(t, d)
			h := hostileHello
			h.first = false
			change(&h)
			go func() { _, _ = second.near.Write(h.bytes()) }()
			if err := complaint(newWire(second.near, patience)); !errors.Is(err, ErrSuperseded) {
				t.Errorf("it is told %v, want ErrSuperseded", err)
			}
			_, _ = first.near.Close(), second.near.Close()
			t.Log(<-first.done, <-second.done)
		})
	}
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	d := newMemory(make([]byte, hostileSize)).destination(patience)
	h := hostileHello
	for range maxStreams {
		v := attack(t, d)
		greetAs(t, v.near, h)
		h.first = false
	}
	v := attack(t, d)
	go func() { _, _ = v.near.Write(h.bytes()) }()
	if err := complaint(newWire(v.near, patience)); !errors.Is(err, ErrProtocol) {
		t.Errorf("it is told %v, want ErrProtocol", err)
	}
}

// victim receives from a hostile source.
type victim struct {
	destination *Destination
	device      *memory
	before      []byte
	near        net.Conn
	done        chan error
}

func newVictim(tb testing.TB, size int) *victim {
	tb.Helper()
	before := bytes.Repeat([]byte{5}, size)
	device := newMemory(before)
	v := attack(tb, device.destination(patience))
	v.device, v.before = device, before
	return v
}

func attack(tb testing.TB, d *Destination) *victim {
	tb.Helper()
	near, far := net.Pipe()
	v := &victim{destination: d, near: near, done: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		v.done <- Receive(context.Background(), far, d)
	}()
	tb.Cleanup(func() { _ = near.Close(); <-ended })
	return v
}

func (v *victim) wantUntouchedBeyond(tb testing.TB, size int) {
	tb.Helper()
	v.device.mu.Lock()
	defer v.device.mu.Unlock()
	if !bytes.Equal(v.device.cached[size:], v.before[size:]) {
		tb.Errorf("what lies beyond byte %d was written", size)
	}
}

func TestHostileDestinations(t *testing.T) {
	number := func(kind byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kind}, n) }
	sums := func() []byte { return sumsFrame(make([]sum, 64)) }
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	ready := number(kindReady, 1<<30)
	cases := map[string]struct {
		says []byte
		want error
	}{
		"smaller, but ready":         {says: number(kindReady, 1<<20-1), want: &SizeError{}},
		"of negative size":           {says: number(kindReady, math.MaxUint64), want: &SizeError{}},
		"no answer to the hello":     {says: number(kindAck, 1), want: ErrProtocol},
		"acknowledges early":         {says: join(ready, number(kindAck, 1)), want: ErrProtocol},
		"acknowledges too little":    {says: join(ready, sums(), number(kindAck, 0)), want: ErrProtocol},
		"acknowledges too much":      {says: join(ready, sums(), number(kindAck, 2)), want: ErrProtocol},
		"acknowledges less than 0":   {says: join(ready, sums(), number(kindAck, math.MaxUint64)), want: ErrProtocol},
		"sums that nobody asked":     {says: join(ready, sums(), sums()), want: ErrProtocol},
		"frame of no kind":           {says: join(ready, []byte{0}), want: ErrProtocol},
		"frame of the other side":    {says: join(ready, []byte{kindWant}), want: ErrProtocol},
		"failure of no kind":         {says: join(ready, append([]byte{kindFail, 99}, make([]byte, 12)...)), want: ErrProtocol},
		"failure, then hangs up":     {says: join(ready, []byte{kindFail, failedVerify}, make([]byte, 12)), want: ErrVerify},
		"failure cut short":          {says: join(ready, []byte{kindFail, failedVerify}), want: ErrConnection},
		"hangs up":                   {says: ready, want: ErrConnection},
		"hangs up within the sums":   {says: join(ready, sums()[:5]), want: ErrConnection},
		"another version":            {says: append([]byte{kindFail, failedVersion}, make([]byte, 12)...), want: ErrVersion},
		"serves another":             {says: append([]byte{kindFail, failedSuperseded}, make([]byte, 12)...), want: ErrSuperseded},
		"failure at once, too short": {says: []byte{kindFail}, want: ErrConnection},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := sendTo(t.Context(), c.says)
			wantKind(t, err, c.want)
		})
	}
}

// sendTo sends 1 MiB to a destination that says this, all but the answer to the hello once it is asked for sums, and hangs up.
func sendTo(ctx context.Context, says []byte) (Result, error) {
	now := len(says)
	if bytes.HasPrefix(says, []byte{kindReady}) {
		now = min(now, 9)
	}
	dial := func(context.Context) (net.Conn, error) { return newScripted(says[:now], says[now:]), nil }
	return Send(ctx, dial, sourceOf(bytes.Repeat([]byte{7}, 1<<20)), Options{})
}

// TestNoRoundTripIsWaitedForAChunk has a destination that answers only once the window is full.
func TestNoRoundTripIsWaitedForAChunk(t *testing.T) {
	near, far := net.Pipe()
	const chunks = 3 * window
	layout := layout{size: chunks << 20, block: maxBlock}
	done := make(chan error, 1)
	go func() {
		defer func() { _ = far.Close() }()
		done <- answerInBulk(newWire(far, patience), layout)
	}()
	source := Source{ReaderAt: zeroReader{}, Size: layout.size}
	_, err := Send(t.Context(), func(context.Context) (net.Conn, error) { return near, nil }, source, Options{Streams: 1, BlockSize: layout.block})
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
}

type zeroReader struct{}

func (zeroReader) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

func answerInBulk(w *wire, l layout) error {
	if err := errors.Join(w.read(make([]byte, helloSize)), w.number(kindReady, l.size), w.flush()); err != nil {
		return err
	}
	waiting, done := int64(0), int64(0)
	for {
		kind, err := w.next()
		if err != nil {
			return err
		}
		switch kind {
		case kindWant:
			if _, err := w.readNumber(); err != nil {
				return err
			}
			if waiting++; waiting < min(window, l.chunks()-done) {
				continue
			}
		case kindDone:
			done++
			if _, err := w.take(len(digest{})); err != nil {
				return err
			}
			continue
		case kindEnd:
			return errors.Join(w.number(kindAck, done), w.flush())
		}
		for ; waiting > 0; waiting-- {
			if err := w.write(sumsFrame(make([]sum, l.blocks(chunkSize)))); err != nil {
				return err
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
}
