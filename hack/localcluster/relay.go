package localcluster

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// relayDialTimeout bounds how long a client of a relay waits for a server that does not answer.
const relayDialTimeout = 10 * time.Second

// relay forwards the connections that an address of the loopback interface gets to a server in another network.
type relay struct {
	listener net.Listener
	dial     DialFunc
	target   string
	cancel   context.CancelFunc
	group    sync.WaitGroup
}

func newRelay(dial DialFunc, target string) (*relay, error) {
	var listener net.Listener
	err := onFreePorts(1, func(ports []int) (err error) {
		listener, err = net.Listen("tcp", address(ports[0]))
		return err
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &relay{listener: listener, dial: dial, target: target, cancel: cancel}
	r.group.Go(func() { r.serve(ctx) })
	return r, nil
}

func (r *relay) address() string { return r.listener.Addr().String() }

// close cuts the connections, and returns when nothing of the relay is left.
func (r *relay) close() {
	r.cancel()
	_ = r.listener.Close()
	r.group.Wait()
}

func (r *relay) serve(ctx context.Context) {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return // It was closed.
		}
		r.group.Go(func() { r.forward(ctx, client) })
	}
}

// forward ends when both directions do, because one may go on after the other, or with ctx.
func (r *relay) forward(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	dialCtx, cancel := context.WithTimeout(ctx, relayDialTimeout)
	server, err := r.dial(dialCtx, "tcp", r.target)
	cancel()
	if err != nil {
		return // The client sees its connection closed, as it would be refused by a server that is down.
	}
	defer func() { _ = server.Close() }()
	stop := context.AfterFunc(ctx, func() {
		_ = client.Close()
		_ = server.Close()
	})
	defer stop()
	var directions sync.WaitGroup
	directions.Go(func() { pass(server, client) })
	directions.Go(func() { pass(client, server) })
	directions.Wait()
}

// pass copies until the end of what from sends, and then tells to of it.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err == nil && ok && half.CloseWrite() == nil {
		return
	}
	_ = to.Close()
	_ = from.Close()
}
