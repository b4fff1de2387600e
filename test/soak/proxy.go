package main

import (
	"errors"
	"io"
	"net"
	"sync"

	"k8s.io/client-go/tools/clientcmd"
)

// proxy passes TCP connections on to an API server, so that they can be cut while both sides live.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns map[*net.TCPConn]struct{}
	group sync.WaitGroup
}

// newProxy serves until close.
func newProxy(target string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, target: target, conns: map[*net.TCPConn]struct{}{}}
	p.group.Go(p.serve)
	return p, nil
}

func (p *proxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.group.Go(func() { p.pass(conn.(*net.TCPConn)) })
	}
}

// pass copies both ways until either side ends.
func (p *proxy) pass(near *net.TCPConn) {
	defer near.Close() //nolint:errcheck // It may have been cut.
	conn, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = near.SetLinger(0) // Refuse, as the target does.
		return
	}
	far := conn.(*net.TCPConn)
	defer far.Close() //nolint:errcheck // It may have been cut.
	p.keep(near, far)
	defer p.drop(near, far)
	done := make(chan struct{}, 2)
	for _, way := range [][2]*net.TCPConn{{near, far}, {far, near}} {
		p.group.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			done <- struct{}{}
		})
	}
	<-done
}

func (p *proxy) keep(conns ...*net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.conns[conn] = struct{}{}
	}
}

func (p *proxy) drop(conns ...*net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}

// cut resets all connections; new ones are passed on.
func (p *proxy) cut() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failures []error
	for conn := range p.conns {
		failures = append(failures, conn.SetLinger(0), conn.Close())
		delete(p.conns, conn)
	}
	return errors.Join(failures...)
}

func (p *proxy) close() error {
	err := errors.Join(p.listener.Close(), p.cut())
	p.group.Wait()
	return err
}

// through returns a kubeconfig that leads through the proxy.
func (p *proxy) through(kubeconfig []byte) ([]byte, error) {
	config, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, err
	}
	for _, cluster := range config.Clusters {
		cluster.Server = "https://" + p.listener.Addr().String()
	}
	return clientcmd.Write(*config)
}
