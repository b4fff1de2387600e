package block

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// scripted is a connection whose other end says what it says, hears nothing, and hangs up. It says then what follows in later once
// something was written twice.
type scripted struct {
	net.Conn
	mu     sync.Mutex
	now    []byte
	later  []byte
	writes int
	closed bool
	change *sync.Cond // of what is above
}

func newScripted(now, later []byte) *scripted {
	s := &scripted{now: now, later: later}
	s.change = sync.NewCond(&s.mu)
	return s
}

func (s *scripted) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.now) == 0 && len(s.later) > 0 && s.writes < 2 && !s.closed {
		s.change.Wait()
	}
	if len(s.now) == 0 {
		s.now, s.later = s.later, nil
	}
	if s.closed || len(s.now) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.now)
	s.now = s.now[n:]
	return n, nil
}

func (s *scripted) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.change.Broadcast()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func (s *scripted) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.change.Broadcast()
	return nil
}

func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }

// FuzzReceive has a source send anything.
func FuzzReceive(f *testing.F) {
	f.Add(hostileHello.bytes())
	f.Add(append(hostileHello.bytes(), kindEnd))
	f.Add(append(hostileHello.bytes(), kindWant, 0, 0, 0, 0, 0, 0, 0, 0, kindZero, 0, 0, 0, 1))
	f.Fuzz(func(t *testing.T, says []byte) {
		before := bytes.Repeat([]byte{5}, hostileSize+minBlock)
		device := newMemory(before)
		d := device.destination(time.Minute)
		_ = Receive(context.Background(), newScripted(says, nil), d)
		size := int64(0)
		if d.current != nil {
			size = d.current.size
		}
		if !bytes.Equal(device.cached[size:], before[size:]) {
			t.Error("it wrote beyond the size in the hello")
		}
	})
}

// FuzzFrames has a source that waits for sums as it should, and then sends any frames. A step is an operation and two arguments.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{opWant, 0, 0, opData, 0, 1, opZero, 1, 2, opDone, 0, 0, opEnd, 0, 0})
	f.Add([]byte{opWant, 2, 0, opData, 0, 1, opDone, 0, 0, opEnd, 0, 0})
	f.Add([]byte{opWant, 0, 0, opWant, 1, 0, opDone, 0, 0, opDone, 0, 0, opWant, 2, 0, opZero, 0, 1})
	f.Add([]byte{opWant, 0, 0, opZero, 255, 1, opZero, 255, 1})
	f.Add([]byte{opWant, 0, 0, opRaw, kindData, 255})
	f.Fuzz(func(t *testing.T, steps []byte) {
		v := newVictim(t, hostileSize+minBlock)
		w := greetAs(t, v.near, hostileHello)
		answers := make(chan struct{}, 256) // more than there can be
		go listen(v.near, answers)
		for len(steps) >= 3 && step(w, answers, steps[0], int(steps[1]), int(steps[2])) {
			steps = steps[3:]
		}
		_ = v.near.Close()
		t.Log(<-v.done)
		if v.destination.Complete() {
			t.Error("it is complete, though no digest was right")
		}
		v.wantUntouchedBeyond(t, hostileSize)
	})
}

// listen tells of each answer, until there are no more.
func listen(conn net.Conn, answers chan<- struct{}) {
	defer close(answers)
	for buffer := make([]byte, 64<<10); ; {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		answers <- struct{}{}
	}
}

// Operations of FuzzFrames.
const (
	opWant = iota
	opData
	opZero
	opDone
	opEnd
	opRaw
	ops
)

// step sends a frame, and returns whether there can be more.
func step(w *wire, answers <-chan struct{}, op byte, a, b int) bool {
	var err error
	switch op % ops {
	case opWant:
		if errors.Join(w.number(kindWant, int64(a)), w.flush()) != nil {
			return false
		}
		_, ok := <-answers
		return ok
	case opData:
		err = errors.Join(w.run(kindData, a, b), w.write(make([]byte, b*minBlock)))
	case opZero:
		err = w.run(kindZero, a, b)
	case opDone:
		err = w.write(append([]byte{kindDone}, make([]byte, len(digest{}))...))
	case opEnd:
		err = w.write([]byte{kindEnd})
	case opRaw:
		err = w.write([]byte{byte(a), byte(b)})
	}
	return errors.Join(err, w.flush()) == nil
}

// FuzzSend has a destination say anything.
func FuzzSend(f *testing.F) {
	ready := []byte{kindReady, 0, 0, 0, 0, 1, 0, 0, 0}
	f.Add(ready)
	f.Add([]byte{kindFail, failedSize, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(append(bytes.Clone(ready), append(sumsFrame(make([]sum, 64)), kindAck, 0, 0, 0, 0, 0, 0, 0, 1)...))
	f.Add(append(bytes.Clone(ready), append(sumsFrame(make([]sum, 64)), kindFail, failedVerify)...))
	f.Fuzz(func(t *testing.T, says []byte) {
		if result, err := sendTo(t.Context(), says); err == nil && result.BlocksSent+result.BlocksEqual != 64 {
			t.Errorf("it ended well with %+v", result)
		}
	})
}
