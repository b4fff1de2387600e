package block

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func TestContentsArriveAndOnlyWhatDiffersIsSent(t *testing.T) {
	const block, size = DefaultBlockSize, 3 << 20
	data := random(t, size, 1)
	sparse := make([]byte, size)
	copy(sparse[2<<20:], data[:40<<10])
	cases := map[string]struct {
		source, destination []byte
		want                Progress
	}{
		"random over zeros": {source: data, destination: make([]byte, size), want: Progress{BytesSent: size, BlocksSent: size / block}},
		"equal":             {source: data, destination: data, want: Progress{BlocksEqual: size / block}},
		"one byte changed":  {source: changed(data, 2<<20+17), destination: data, want: Progress{BytesSent: block, BlocksSent: 1, BlocksEqual: size/block - 1}},
		"last byte changed": {source: changed(data, size-1), destination: data, want: Progress{BytesSent: block, BlocksSent: 1, BlocksEqual: size/block - 1}},
		"sparse over zeros": {source: sparse, destination: make([]byte, size), want: Progress{BytesSent: 3 * block, BlocksSent: 3, BlocksEqual: size/block - 3}},
		"zeros over random": {source: make([]byte, size), destination: data, want: Progress{BlocksZero: size / block}},
		"sparse over random": {
			source: sparse, destination: data, want: Progress{BytesSent: 3 * block, BlocksSent: 3, BlocksZero: size/block - 3},
		},
		"odd size": {
			source: data[:size-block-1000], destination: make([]byte, size-block-1000),
			want: Progress{BytesSent: size - block - 1000, BlocksSent: size/block - 1},
		},
		"odd size, tail of zeros": {
			source: append(slices.Clone(data[:size/2]), 0, 0, 0), destination: append(slices.Clone(data[:size/2]), 1, 2, 3),
			want: Progress{BlocksEqual: size / 2 / block, BlocksZero: 1},
		},
		"less than a block":  {source: data[:1], destination: make([]byte, 1), want: Progress{BytesSent: 1, BlocksSent: 1}},
		"empty":              {},
		"empty onto a large": {destination: data},
		"larger destination": {source: data[:1<<20+5], destination: changed(data, 1<<20+4), want: Progress{BytesSent: 5, BlocksSent: 1, BlocksEqual: 1 << 20 / block}},
	}
	for name, c := range cases {
		for kind, connect := range map[string]func(testing.TB) (near, far net.Conn){"pipe": piped, "tcp": tcp} {
			t.Run(name+" over "+kind, func(t *testing.T) {
				device := newMemory(c.destination)
				s := serve(t, device.destination(patience))
				s.connect = connect
				watch := watchProgress(t)
				result, err := Send(t.Context(), s.dial, sourceOf(c.source), Options{Progress: watch})
				if err != nil {
					t.Fatal(err)
				}
				c.want.BytesTotal, c.want.BytesDone = int64(len(c.source)), int64(len(c.source))
				if want := (Result{Progress: c.want, DestinationSize: int64(len(c.destination))}); result != want {
					t.Errorf("result is\n%+v, want\n%+v", result, want)
				}
				wantCopied(t, s, device, c.source, c.destination)
			})
		}
	}
}

func changed(data []byte, at int) []byte {
	data = slices.Clone(data)
	data[at] ^= 1
	return data
}

// watchProgress returns a callback that fails the test when a count falls.
func watchProgress(t *testing.T) func(Progress) {
	t.Helper()
	var last Progress
	var calls atomic.Int32
	return func(p Progress) {
		if calls.Add(1) > 1 {
			defer calls.Add(-1)
			t.Error("two calls at a time")
		}
		defer calls.Add(-1)
		if p.BytesDone <= last.BytesDone || p.BytesSent < last.BytesSent || p.BlocksSent < last.BlocksSent ||
			p.BlocksEqual < last.BlocksEqual || p.BlocksZero < last.BlocksZero || p.BytesTotal < p.BytesDone {
			t.Errorf("%+v follows %+v", p, last)
		}
		last = p
	}
}

// wantCopied wants the source in front of what the destination had, on the device.
func wantCopied(t *testing.T, s *server, device *memory, source, destination []byte) {
	t.Helper()
	for _, err := range s.received() {
		if err != nil {
			t.Errorf("receiver: %v", err)
		}
	}
	if !s.destination.Complete() {
		t.Error("the destination is not complete")
	}
	got := device.contents()
	if !bytes.Equal(got[:len(source)], source) {
		t.Error("contents differ from the source")
	}
	if !bytes.Equal(got[len(source):], destination[len(source):]) {
		t.Error("what lies beyond the source was touched")
	}
}

func TestRandomEditsArrive(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 1))
			source := random(t, dice.IntN(4<<20), seed)
			destination := append(slices.Clone(source), random(t, dice.IntN(2)*dice.IntN(100_000), seed)...)
			for range dice.IntN(200) {
				edit(dice, source)
				edit(dice, destination[:len(source)])
			}
			device := newMemory(destination)
			s := serve(t, device.destination(patience))
			options := Options{BlockSize: minBlock << dice.IntN(5), Streams: 1 + dice.IntN(maxStreams), Progress: watchProgress(t)}
			result, err := Send(t.Context(), s.dial, sourceOf(source), options)
			if err != nil {
				t.Fatal(err)
			}
			blocks := int64((len(source) + options.BlockSize - 1) / options.BlockSize)
			if got := result.BlocksSent + result.BlocksEqual + result.BlocksZero; got != blocks {
				t.Errorf("%+v tells of %d blocks of %d", result, got, blocks)
			}
			wantCopied(t, s, device, source, destination)
		})
	}
}

// edit fills a range with random bytes or zeros.
func edit(dice *rand.Rand, data []byte) {
	if len(data) == 0 {
		return
	}
	at := dice.IntN(len(data))
	part := data[at:min(len(data), at+dice.IntN(1<<dice.IntN(18)))]
	clear(part)
	if dice.IntN(2) == 0 {
		fill(part, dice.Uint64())
	}
}

// moving is a source that is never the same twice. It remembers what it gave.
type moving struct {
	mu    sync.Mutex
	dice  *rand.ChaCha8
	given []byte
	reads map[int64]int
}

func (m *moving) ReadAt(p []byte, offset int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.dice.Read(p)
	m.reads[offset]++
	return copy(m.given[offset:], p), nil
}

func TestASourceThatChangesIsCopiedAsItWasRead(t *testing.T) {
	const size = 3<<20 + 1
	source := &moving{dice: rand.NewChaCha8([32]byte{}), given: make([]byte, size), reads: map[int64]int{}}
	device := newMemory(make([]byte, size))
	s := serve(t, device.destination(patience))
	if _, err := Send(t.Context(), s.dial, Source{ReaderAt: source, Size: size}, Options{}); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, s, device, source.given, device.contents())
	for offset, n := range source.reads {
		if n != 1 {
			t.Errorf("offset %d was read %d times", offset, n)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]Options{
		"block too small":    {BlockSize: 2 << 10},
		"block too large":    {BlockSize: 128 << 10},
		"block no power":     {BlockSize: 12 << 10},
		"too many streams":   {Streams: 17},
		"negative streams":   {Streams: -1},
		"negative blocksize": {BlockSize: -4096},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Send(t.Context(), nil, sourceOf(nil), o); err == nil {
				t.Error("there is no error")
			}
		})
	}
	if _, err := Send(t.Context(), nil, Source{Size: -1}, Options{}); err == nil {
		t.Error("a negative size is no error")
	}
}

func TestADestinationThatIsTooSmallIsLeftAlone(t *testing.T) {
	destination := random(t, 1<<20, 1)
	device := newMemory(destination)
	s := serve(t, device.destination(patience))
	_, err := Send(t.Context(), s.dial, sourceOf(random(t, 1<<20+1, 2)), Options{})
	want := SizeError{Source: 1<<20 + 1, Destination: 1 << 20}
	var got *SizeError
	if !errors.As(err, &got) || *got != want {
		t.Errorf("error is %v, want %v", err, &want)
	}
	if errs := s.received(); len(errs) != 1 || !errors.As(errs[0], &got) || *got != want {
		t.Errorf("receivers end with %v, want %v", errs, &want)
	}
	if device.writes+device.zeroed > 0 || s.destination.Complete() {
		t.Error("it was written to")
	}
}

func TestANewTransferEndsTheOneBefore(t *testing.T) {
	source := random(t, 4<<20, 1)
	device := newMemory(make([]byte, len(source)))
	s := serve(t, device.destination(patience))
	stalled, abandoned := net.Pipe()
	old := make(chan error, 1)
	go func() { old <- Receive(t.Context(), abandoned, s.destination) }()
	greetAs(t, stalled, hello{layout: layout{size: 1 << 20, block: minBlock}, first: true})

	if _, err := Send(t.Context(), s.dial, sourceOf(source), Options{}); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, s, device, source, source)
	if err := <-old; !errors.Is(err, ErrSuperseded) {
		t.Errorf("the old one ends with %v, want ErrSuperseded", err)
	}
}

func TestWhatAnEarlierAttemptLeftInTheCacheIsNotTaken(t *testing.T) {
	source := random(t, 1<<20, 1)
	device := newMemory(make([]byte, len(source)))
	copy(device.cached, source) // written, never synced
	s := serve(t, device.destination(patience))
	if _, err := Send(t.Context(), s.dial, sourceOf(source), Options{}); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, s, device, source, source)
}

func TestTwoSendersTakeTurns(t *testing.T) {
	a, b := random(t, 3<<20, 1), random(t, 3<<20, 2)
	device := newMemory(a)
	s := serve(t, device.destination(patience))
	for _, source := range [][]byte{b, a, a, b} {
		if _, err := Send(t.Context(), s.dial, sourceOf(source), Options{}); err != nil {
			t.Fatal(err)
		}
		wantCopied(t, s, device, source, source)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const size = 40 << 20
	device := newMemory(make([]byte, size))
	source := make([]byte, size)
	fill(source, 1)
	s := serve(t, device.destination(patience))
	s.connect = tcp
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak uint64
	_, err := Send(t.Context(), s.dial, sourceOf(source), Options{Progress: func(Progress) {
		runtime.ReadMemStats(&now)
		peak = max(peak, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("both sides take %d KiB", peak>>10)
	if peak > 32<<20 {
		t.Errorf("both sides take %d bytes, want at most 32 MiB", peak)
	}
}
