package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// introduction is how long a connection may take to say who it is and what it is for.
	introduction = 15 * time.Second
	// maxConnections bounds what strangers can hold open.
	maxConnections = 256
)

// Begin is the purpose of the first connection of a session. It ends the session before, whose sender is taken for dead.
const Begin = "begin"

// Handler serves one connection, which is closed when it returns, and when the context ends. The context ends with the session.
type Handler func(context.Context, net.Conn) error

// Server accepts the connections of one sender at a time.
type Server struct {
	tls      *tls.Config
	handlers map[string]Handler

	mu      sync.Mutex
	session *session // Nil before the first.
}

// session is the connections of one run of a sender.
type session struct {
	id  string
	end context.CancelFunc
	// running counts the handlers.
	running sync.WaitGroup
	ctx     context.Context //nolint:containedctx // It ends when another connection begins the next session.
}

// NewServer reads the identity in a folder (AuthorityFile, CertificateFile, KeyFile). Only clients whose certificate is of that
// authority, for clients, and has peer as a DNS name are accepted.
func NewServer(folder, peer string) (*Server, error) {
	config, err := serverTLS(folder, peer)
	if err != nil {
		return nil, err
	}
	return &Server{tls: config, handlers: map[string]Handler{}}, nil
}

// Handle sets what serves the connections of a purpose. It must not be called after Serve. Nothing but Begin starts a session.
func (s *Server) Handle(purpose string, handler Handler) { s.handlers[purpose] = handler }

// Listen opens the port with the settings that Serve expects.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive, Control: setUserTimeout}
	return config.Listen(ctx, "tcp", address)
}

// Serve accepts connections until the context ends, and returns nil then, when all handlers have returned. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	var connections sync.WaitGroup
	defer connections.Wait()
	defer cancel()
	slots := make(chan struct{}, maxConnections)
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("accepting connections at %s: %w", listener.Addr(), err)
		}
		select {
		case slots <- struct{}{}:
			connections.Go(func() {
				defer func() { <-slots }()
				s.serve(ctx, conn)
			})
		default:
			_ = conn.Close()
		}
	}
}

// serve is the life of one connection. Errors are told where they happen: the sender reports them, or is a stranger.
func (s *Server) serve(ctx context.Context, raw net.Conn) {
	defer raw.Close() //nolint:errcheck // What matters is what was read and written.
	conn := tls.Server(raw, s.tls)
	head, err := s.introduce(ctx, conn)
	if err != nil {
		slog.WarnContext(ctx, "Connection not accepted", "peer", raw.RemoteAddr().String(), "error", err)
		return
	}
	handler, session, err := s.admit(ctx, head)
	if err != nil {
		slog.WarnContext(ctx, "Connection refused", "purpose", head.Purpose, "error", err)
		_ = writeMessage(conn, answer{Refused: err.Error()})
		_ = conn.Close()
		return
	}
	defer session.running.Done()
	//nolint:contextcheck // The session's context ends with the server's, too.
	stop := context.AfterFunc(session.ctx, func() { _ = raw.Close() })
	defer stop()
	if err := writeMessage(conn, answer{}); err != nil {
		return
	}
	//nolint:contextcheck // As above.
	if err := handler(session.ctx, conn); err != nil && session.ctx.Err() == nil {
		slog.WarnContext(ctx, "Connection failed", "purpose", head.Purpose, "error", err)
	}
	_ = conn.Close()
}

// introduce does the handshake and reads the header, in bounded time.
func (s *Server) introduce(ctx context.Context, conn *tls.Conn) (head header, err error) {
	ctx, cancel := context.WithTimeout(ctx, introduction)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return head, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() })
	if err := readMessage(conn, &head); err != nil {
		return head, errors.Join(fmt.Errorf("reading what a connection is for: %w", err), ctx.Err())
	}
	if !stop() {
		return head, ctx.Err()
	}
	return head, nil
}

// admit counts the connection to its session, which begins with it if that is its purpose.
func (s *Server) admit(ctx context.Context, head header) (Handler, *session, error) {
	handler, known := s.handlers[head.Purpose]
	if !known {
		return nil, nil, fmt.Errorf("this mover knows no purpose %.40q", head.Purpose)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if head.Purpose == Begin && (s.session == nil || s.session.id != head.Session) {
		if s.session != nil {
			s.session.end()
			s.session.running.Wait()
		}
		s.session = &session{id: head.Session}
		s.session.ctx, s.session.end = context.WithCancel(ctx)
	}
	if s.session == nil || s.session.id != head.Session {
		return nil, nil, errors.New("another sender took over")
	}
	s.session.running.Add(1)
	return handler, s.session, nil
}
