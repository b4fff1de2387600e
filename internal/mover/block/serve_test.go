package block

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

const patience = time.Minute

// server receives on connections that its dial makes.
type server struct {
	destination *Destination
	connect     func(tb testing.TB) (near, far net.Conn)
	// wrap, if any, changes the source's end of a connection.
	wrap func(net.Conn) net.Conn

	tb      testing.TB
	running sync.WaitGroup
	mu      sync.Mutex
	errs    []error
}

func serve(tb testing.TB, d *Destination) *server {
	tb.Helper()
	s := &server{destination: d, connect: piped, tb: tb}
	tb.Cleanup(s.running.Wait)
	return s
}

func (s *server) dial(ctx context.Context) (net.Conn, error) {
	near, far := s.connect(s.tb)
	s.running.Go(func() {
		err := Receive(context.WithoutCancel(ctx), far, s.destination)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.errs = append(s.errs, err)
	})
	if s.wrap != nil {
		near = s.wrap(near)
	}
	return near, nil
}

// received returns what each Receive returned, once all have.
func (s *server) received() []error {
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errs
}

func piped(testing.TB) (near, far net.Conn) { return net.Pipe() }

func tcp(tb testing.TB) (near, far net.Conn) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	near, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	far, err = listener.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	return near, far
}

func sourceOf(contents []byte) Source {
	return Source{ReaderAt: bytes.NewReader(contents), Size: int64(len(contents))}
}
