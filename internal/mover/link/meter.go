package link

import (
	"net"
	"sync"
)

// maxBurst is how many bytes may be sent at once where the rate is bounded: a few records of TLS.
const maxBurst = 64 << 10

// meteredConn counts what it sends, and waits for its turn where the rate of all connections of its dialer is bounded.
type meteredConn struct {
	net.Conn
	dialer *Dialer
	once   sync.Once
	closed chan struct{}
}

// Write waits before each part that it sends.
func (c *meteredConn) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), maxBurst)]
		if err := c.wait(len(part)); err != nil {
			return n, err
		}
		written, err := c.Conn.Write(part)
		n += written
		c.dialer.sent.Add(int64(written))
		if err != nil {
			return n, err
		}
		p = p[written:]
	}
	return n, nil
}

func (c *meteredConn) wait(n int) error {
	if c.dialer.limiter == nil {
		return nil
	}
	clock := c.dialer.options.Clock
	now := clock.Now()
	delay := c.dialer.limiter.ReserveN(now, n).DelayFrom(now)
	if delay <= 0 {
		return nil
	}
	timer := clock.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-c.closed:
		return net.ErrClosed
	}
}

// Close ends a Write that waits.
func (c *meteredConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
