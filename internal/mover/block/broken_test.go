package block

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

func TestAConnectionThatBreaksAnywhereIsCarriedOn(t *testing.T) {
	const size = 4<<20 + 12345
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 2))
			source := random(t, size, seed)
			clear(source[1<<20 : 2<<20])
			destination := random(t, size, 99)
			device := newMemory(destination)
			s := serve(t, device.destination(patience))
			s.connect = tcp
			broken, sent := 0, int64(0)
			for {
				budget := new(atomic.Int64)
				budget.Store(dice.Int64N(2 << 20))
				s.wrap = func(conn net.Conn) net.Conn { return &cut{Conn: conn, budget: budget} }
				result, err := Send(t.Context(), s.dial, sourceOf(source), Options{Timeout: patience})
				sent += result.BytesSent
				if err == nil {
					break
				}
				if !errors.Is(err, ErrConnection) {
					t.Fatalf("error is %v, want ErrConnection", err)
				}
				if broken++; broken > 500 {
					t.Fatal("it does not come closer to the end")
				}
			}
			t.Logf("broken %d times, %d of %d bytes sent", broken, sent, size)
			if broken == 0 {
				t.Error("nothing broke")
			}
			s.running.Wait()
			if !s.destination.Complete() || !bytes.Equal(device.contents(), source) {
				t.Error("contents differ from the source")
			}
		})
	}
}

// cut is a connection that breaks once so many bytes have passed on all that share the budget.
type cut struct {
	net.Conn
	budget *atomic.Int64
}

func (c *cut) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return c.spend(n, err)
}

func (c *cut) Write(p []byte) (int, error) {
	if left := c.budget.Load(); left < int64(len(p)) {
		_, _ = c.Conn.Write(p[:max(0, left)])
		_ = c.Close()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Write(p)
	return c.spend(n, err)
}

func (c *cut) spend(n int, err error) (int, error) {
	if c.budget.Add(-int64(n)) < 0 {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

func TestCancellationEndsBothSides(t *testing.T) {
	source := random(t, 4<<20, 1)
	for _, who := range []string{"sender", "receiver"} {
		t.Run(who, func(t *testing.T) {
			reason := errors.New("the pod is going away")
			sendCtx, stopSender := context.WithCancelCause(t.Context())
			receiveCtx, stopReceiver := context.WithCancelCause(t.Context())
			stops := map[string]context.CancelCauseFunc{"sender": stopSender, "receiver": stopReceiver}
			device := newMemory(make([]byte, len(source)))
			device.fail = func(op string, _ int64, _ int) error {
				if op == "write" {
					stops[who](reason)
				}
				return nil
			}
			destination := device.destination(patience)
			received := make(chan error, 1)
			dial := func(context.Context) (net.Conn, error) {
				near, far := net.Pipe()
				go func() { received <- Receive(receiveCtx, far, destination) }()
				return near, nil
			}
			_, sent := Send(sendCtx, dial, sourceOf(source), Options{Streams: 1})
			got := map[string]error{"sender": sent, "receiver": <-received}
			if !errors.Is(got[who], reason) {
				t.Errorf("%s ends with %v, want the cause of its context", who, got[who])
			}
			for side, err := range got {
				if side != who && !errors.Is(err, ErrConnection) {
					t.Errorf("%s ends with %v, want ErrConnection", side, err)
				}
			}
		})
	}
}

func TestDialFailuresCanBeRetried(t *testing.T) {
	refused := errors.New("refused")
	device := newMemory(make([]byte, 8<<20))
	s := serve(t, device.destination(patience))
	for name, good := range map[string]int32{"the first": 0, "a later one": 2} {
		t.Run(name, func(t *testing.T) {
			var dialled atomic.Int32
			_, err := Send(t.Context(), func(ctx context.Context) (net.Conn, error) {
				if dialled.Add(1) > good {
					return nil, refused
				}
				return s.dial(ctx)
			}, sourceOf(random(t, 8<<20, 1)), Options{})
			if !errors.Is(err, ErrConnection) || !errors.Is(err, refused) {
				t.Errorf("error is %v, want ErrConnection and the reason", err)
			}
		})
	}
}

func TestAPeerThatStallsIsLeft(t *testing.T) {
	const short = 50 * time.Millisecond
	t.Run("destination that says nothing", func(t *testing.T) {
		dial, far := silentPeer(t)
		_, err := Send(t.Context(), dial, sourceOf(random(t, 1, 1)), Options{Timeout: short})
		wantLost(t, err)
		_ = (<-far).Close()
	})
	t.Run("destination that does not answer", func(t *testing.T) {
		dial, far := silentPeer(t)
		go func() {
			conn := <-far
			w := newWire(conn, patience)
			_ = w.read(make([]byte, helloSize))
			_ = w.number(kindReady, 1<<30)
			_ = w.flush()
			far <- conn
		}()
		_, err := Send(t.Context(), dial, sourceOf(random(t, 1<<20, 1)), Options{Timeout: short})
		wantLost(t, err)
		_ = (<-far).Close()
	})
	t.Run("source that says nothing", func(t *testing.T) {
		near, far := net.Pipe()
		defer func() { _ = near.Close() }()
		wantLost(t, Receive(t.Context(), far, newMemory(nil).destination(short)))
	})
	t.Run("source that stops after its hello", func(t *testing.T) {
		near, far := net.Pipe()
		defer func() { _ = near.Close() }()
		done := make(chan error, 1)
		go func() { done <- Receive(t.Context(), far, newMemory(nil).destination(short)) }()
		greetAs(t, near, hello{layout: layout{block: minBlock}, first: true})
		wantLost(t, <-done)
	})
	t.Run("source that trickles", func(t *testing.T) {
		near, far := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- Receive(t.Context(), far, newMemory(make([]byte, 1<<20)).destination(short)) }()
		w := greetAs(t, near, hello{layout: layout{size: 1 << 20, block: minBlock}, first: true})
		ask(t, w, 0, 256)
		_ = w.run(kindData, 0, 256)
		_ = w.flush()
		for range 1 << 20 {
			if _, err := near.Write([]byte{0}); err != nil {
				break
			}
			time.Sleep(time.Millisecond) //nolint:forbidigo // this is what trickling is
		}
		wantLost(t, <-done)
	})
}

func wantLost(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrConnection) {
		t.Errorf("error is %v, want ErrConnection", err)
	}
}

// silentPeer gives connections to which nobody listens.
func silentPeer(*testing.T) (Dial, chan net.Conn) {
	conns := make(chan net.Conn, 1)
	return func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		conns <- far
		return near, nil
	}, conns
}

// greetAs says hello and reads the answer.
func greetAs(tb testing.TB, conn net.Conn, h hello) *wire {
	tb.Helper()
	w := newWire(conn, patience)
	if err := errors.Join(w.write(h.bytes()), w.flush()); err != nil {
		tb.Fatal(err)
	}
	kind, err := w.next()
	if err != nil || kind != kindReady {
		tb.Fatalf("the answer to a hello is frame %d, %v", kind, err)
	}
	if _, err := w.readNumber(); err != nil {
		tb.Fatal(err)
	}
	return w
}

// ask wants a chunk and returns the sums of its blocks.
func ask(tb testing.TB, w *wire, chunk int64, blocks int) []sum {
	tb.Helper()
	if err := errors.Join(w.number(kindWant, chunk), w.flush()); err != nil {
		tb.Fatal(err)
	}
	sums := make([]sum, blocks)
	if kind, err := w.next(); err != nil || kind != kindSums {
		tb.Fatalf("the answer to a want is frame %d, %v", kind, err)
	}
	if err := w.readSums(sums); err != nil {
		tb.Fatal(err)
	}
	return sums
}
