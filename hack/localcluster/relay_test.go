package localcluster

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
)

// greeter answers each connection, once it has read all of what is sent, with a greeting and that.
func greeter(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			content, _ := io.ReadAll(conn)
			_, _ = conn.Write(append([]byte("got "), content...))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

func dialRelay(t *testing.T, r *relay) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", r.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

func TestRelayPassesBothDirectionsAndTheirEnds(t *testing.T) {
	r, err := newRelay((&net.Dialer{}).DialContext, greeter(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	conn := dialRelay(t, r)
	_, writeErr := conn.Write([]byte("hello"))
	if err := errors.Join(writeErr, conn.CloseWrite()); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || string(answer) != "got hello" {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestRelayCutsWhatIsOpenWhenItIsClosed(t *testing.T) {
	dialled := make(chan struct{})
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		defer close(dialled)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	r, err := newRelay(dial, greeter(t))
	if err != nil {
		t.Fatal(err)
	}
	conn := dialRelay(t, r)
	<-dialled
	r.close()
	if content, _ := io.ReadAll(conn); len(content) > 0 {
		t.Errorf("got %q after the end", content)
	}
	if _, err := net.Dial("tcp", r.address()); err == nil {
		t.Error("it still listens")
	}
}

func TestRelayHangsUpWhenTheServerIsDown(t *testing.T) {
	down := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("down") }
	r, err := newRelay(down, "192.0.2.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if content, _ := io.ReadAll(dialRelay(t, r)); len(content) > 0 {
		t.Errorf("got %q", content)
	}
}
