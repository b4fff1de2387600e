package link

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
)

// Dial opens a connection for a purpose. The context bounds the dialling only. The connection also has CloseWrite.
type Dial func(ctx context.Context, purpose string) (net.Conn, error)

const (
	// dialTimeout is for all that happens before the purpose takes over.
	dialTimeout = 30 * time.Second
	// userTimeout is how long sent data may stay without an answer before the connection counts as broken.
	userTimeout = 2 * time.Minute
)

// keepAlive finds an end that is gone while nothing is sent, within userTimeout.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 6}

// DialerOptions are what a Dialer needs.
type DialerOptions struct {
	// Address is the host and port of the other end, as this end or its proxy reach it.
	Address string
	// Identity is a folder with AuthorityFile, CertificateFile and KeyFile.
	Identity string
	// Peer is the DNS name in the certificate of the other end. It is sent as the server name too, for what routes by it.
	Peer string
	// Proxy is nil for none. Schemes are http, https (both by CONNECT), socks5 and socks5h (both resolve at the proxy).
	Proxy *url.URL
	// BytesPerSecond bounds what all connections together send; 0 is no bound.
	BytesPerSecond int64
	// Clock is nil for the real one.
	Clock clock.Clock
}

// Dialer opens the connections of one session.
type Dialer struct {
	options DialerOptions
	tls     *tls.Config
	session string
	limiter *rate.Limiter // Nil is no bound.
	sent    atomic.Int64
}

// NewDialer reads the identity. Each Dialer is a session of its own.
func NewDialer(options DialerOptions) (*Dialer, error) {
	config, err := clientTLS(options.Identity, options.Peer)
	if err != nil {
		return nil, err
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	d := &Dialer{options: options, tls: config, session: rand.Text()}
	if options.BytesPerSecond > 0 {
		d.limiter = rate.NewLimiter(rate.Limit(options.BytesPerSecond), maxBurst)
	}
	return d, nil
}

// Sent is how many bytes all connections have sent, those of TLS included.
func (d *Dialer) Sent() int64 { return d.sent.Load() }

// Dial opens a connection for a purpose: see the type of that name. Errors have ErrIdentity or ErrRefused in their chain where that
// is what happened.
func (d *Dialer) Dial(ctx context.Context, purpose string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := d.reach(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", d.options.Address, err)
	}
	conn := tls.Client(&meteredConn{Conn: raw, dialer: d, closed: make(chan struct{})}, d.tls)
	if err := d.introduce(ctx, conn, purpose); err != nil {
		_ = conn.NetConn().Close()
		return nil, fmt.Errorf("connecting to %s for %s: %w", d.options.Address, purpose, asIdentity(err))
	}
	return conn, nil
}

func (d *Dialer) introduce(ctx context.Context, conn *tls.Conn, purpose string) error {
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() })
	if err := writeMessage(conn, header{Purpose: purpose, Session: d.session}); err != nil {
		return errors.Join(err, ctx.Err())
	}
	var reply answer
	if err := readMessage(conn, &reply); err != nil {
		return errors.Join(err, ctx.Err())
	}
	if !stop() {
		return ctx.Err()
	}
	if reply.Refused != "" {
		return fmt.Errorf("%w: %s", ErrRefused, reply.Refused)
	}
	return nil
}

// reach opens a TCP connection, through the proxy if there is one.
func (d *Dialer) reach(ctx context.Context) (net.Conn, error) {
	direct := &net.Dialer{KeepAliveConfig: keepAlive, Control: setUserTimeout}
	if d.options.Proxy == nil {
		return direct.DialContext(ctx, "tcp", d.options.Address)
	}
	return throughProxy(ctx, direct, d.options.Proxy, d.options.Address)
}

// setUserTimeout is best effort: without it, a connection whose other end is gone breaks later.
func setUserTimeout(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
}
