package link_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/godwit-io/godwit/internal/mover/keys"
	"github.com/godwit-io/godwit/internal/mover/link"
)

const (
	senderName   = "sender.volume"
	receiverName = "receiver.volume"
)

// identities are folders of two ends that accept each other.
func identities(t *testing.T) (sender, receiver string) {
	t.Helper()
	s, r, err := keys.Mint(time.Now(), time.Hour, senderName, receiverName)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	sender, receiver = filepath.Join(folder, "sender"), filepath.Join(folder, "receiver")
	if err := errors.Join(s.Write(sender), r.Write(receiver)); err != nil {
		t.Fatal(err)
	}
	return sender, receiver
}

// serve starts a server with some handlers beside one that answers to Begin.
func serve(t *testing.T, identity string, handlers map[string]link.Handler) (address string) {
	t.Helper()
	server, err := link.NewServer(identity, senderName)
	if err != nil {
		t.Fatal(err)
	}
	server.Handle(link.Begin, func(context.Context, net.Conn) error { return nil })
	for purpose, handler := range handlers {
		server.Handle(purpose, handler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := link.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return listener.Addr().String()
}

func echo(_ context.Context, conn net.Conn) error {
	_, err := io.Copy(conn, conn)
	return err
}

func dialer(t *testing.T, options link.DialerOptions) *link.Dialer {
	t.Helper()
	if options.Peer == "" {
		options.Peer = receiverName
	}
	d, err := link.NewDialer(options)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func begin(t *testing.T, d *link.Dialer) {
	t.Helper()
	conn, err := d.Dial(t.Context(), link.Begin)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// say sends text and reads what comes back until the other end is done.
func say(t *testing.T, d *link.Dialer, text string) string {
	t.Helper()
	conn, err := d.Dial(t.Context(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // It was read.
	go func() {
		_, _ = io.WriteString(conn, text)
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestConnectionsBelongToTheirPurpose(t *testing.T) {
	sender, receiver := identities(t)
	address := serve(t, receiver, map[string]link.Handler{"echo": echo})
	d := dialer(t, link.DialerOptions{Address: address, Identity: sender})
	begin(t, d)
	text := strings.Repeat("said", 100_000)
	if got := say(t, d, text); got != text {
		t.Errorf("got %d bytes back of %d", len(got), len(text))
	}
	if sent := d.Sent(); sent < int64(len(text)) || sent > int64(len(text))*11/10 {
		t.Errorf("it counted %d bytes sent, of %d", sent, len(text))
	}
}

func TestServerRefuses(t *testing.T) {
	sender, receiver := identities(t)
	strangers, _ := identities(t)
	address := serve(t, receiver, map[string]link.Handler{"echo": echo})
	mine := dialer(t, link.DialerOptions{Address: address, Identity: sender})
	begin(t, mine)
	for name, test := range map[string]struct {
		options link.DialerOptions
		purpose string
		want    error
	}{
		"a sender of another authority":     {link.DialerOptions{Identity: strangers}, "echo", link.ErrIdentity},
		"a receiver in place of the sender": {link.DialerOptions{Identity: receiver}, "echo", link.ErrIdentity},
		"what it knows nothing of":          {link.DialerOptions{Identity: sender}, "unheard of", link.ErrRefused},
		"a session that did not begin":      {link.DialerOptions{Identity: sender}, "echo", link.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Address = address
			conn, err := dialer(t, test.options).Dial(t.Context(), test.purpose)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
			if conn != nil {
				_ = conn.Close()
			}
		})
	}
	if got := say(t, mine, "still"); got != "still" {
		t.Errorf("the sender that has begun got %q", got)
	}
}

func TestDialerRefusesAReceiverOfAnotherName(t *testing.T) {
	sender, receiver := identities(t)
	address := serve(t, receiver, nil)
	_, err := dialer(t, link.DialerOptions{Address: address, Identity: sender, Peer: "receiver.another"}).Dial(t.Context(), link.Begin)
	if !errors.Is(err, link.ErrIdentity) {
		t.Errorf("got %v", err)
	}
}

func TestIdentitiesThatAreNoneAreTold(t *testing.T) {
	sender, _ := identities(t)
	for name, spoil := range map[string]func(folder string) error{
		"no authority":     func(folder string) error { return os.WriteFile(filepath.Join(folder, link.AuthorityFile), nil, 0o600) },
		"authority gone":   func(folder string) error { return os.Remove(filepath.Join(folder, link.AuthorityFile)) },
		"certificate gone": func(folder string) error { return os.Remove(filepath.Join(folder, link.CertificateFile)) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := errors.Join(os.CopyFS(folder, os.DirFS(sender)), spoil(folder)); err != nil {
				t.Fatal(err)
			}
			if _, err := link.NewDialer(link.DialerOptions{Identity: folder}); !errors.Is(err, link.ErrIdentity) {
				t.Errorf("got %v", err)
			}
			if _, err := link.NewServer(folder, senderName); !errors.Is(err, link.ErrIdentity) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// client is the configuration of a client that the server accepts.
func client(t *testing.T, identity string) *tls.Config {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair(filepath.Join(identity, link.CertificateFile), filepath.Join(identity, link.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(filepath.Join(identity, link.AuthorityFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &tls.Config{
		Certificates: []tls.Certificate{certificate}, RootCAs: pool, ServerName: receiverName, NextProtos: []string{"godwit-mover/1"},
	}
}

func TestServerEndsConnectionsOfStrangers(t *testing.T) {
	sender, receiver := identities(t)
	address := serve(t, receiver, map[string]link.Handler{"echo": echo})
	old, alien := client(t, sender), client(t, sender)
	old.MaxVersion = tls.VersionTLS12
	alien.NextProtos = nil
	for name, test := range map[string]struct {
		tls  *tls.Config // Nil is none.
		says []byte
	}{
		"no TLS":                          {nil, []byte("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")},
		"TLS 1.2":                         {old, nil},
		"another protocol":                {alien, nil},
		"a header that is announced long": {client(t, sender), append(binary.BigEndian.AppendUint16(nil, 65535), make([]byte, 65535)...)},
		"a header that is no JSON":        {client(t, sender), append(binary.BigEndian.AppendUint16(nil, 8), "purpose!"...)},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			conn := raw
			if test.tls != nil {
				conn = tls.Client(raw, test.tls)
			}
			defer raw.Close() //nolint:errcheck // It was read.
			if test.says != nil {
				_, _ = conn.Write(test.says)
			}
			if answer, err := io.ReadAll(io.LimitReader(conn, 1<<20)); err == nil && len(answer) > 100 {
				t.Errorf("it was answered with %d bytes", len(answer))
			}
		})
	}
}

func TestNewSessionEndsTheOneBefore(t *testing.T) {
	sender, receiver := identities(t)
	started, ended := make(chan struct{}), make(chan struct{})
	address := serve(t, receiver, map[string]link.Handler{
		"echo": echo,
		"work": func(ctx context.Context, _ net.Conn) error {
			close(started)
			<-ctx.Done()
			close(ended)
			return ctx.Err()
		},
	})
	first := dialer(t, link.DialerOptions{Address: address, Identity: sender})
	second := dialer(t, link.DialerOptions{Address: address, Identity: sender})
	begin(t, first)
	conn, err := first.Dial(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // Nothing is said.
	<-started
	begin(t, second)
	select {
	case <-ended:
	default:
		t.Error("the second session began before the first had ended")
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection of the first session is open")
	}
	if _, err := first.Dial(t.Context(), "echo"); !errors.Is(err, link.ErrRefused) {
		t.Errorf("the first session goes on: %v", err)
	}
	if got := say(t, second, "second"); got != "second" {
		t.Errorf("the second session got %q", got)
	}
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	sender, _ := identities(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // Its connections are never accepted.
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // Nothing was said.
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := dialer(t, link.DialerOptions{Address: silent.Addr().String(), Identity: sender}).Dial(ctx, link.Begin); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRateIsBoundedOverAllConnections(t *testing.T) {
	const rate = 1 << 20
	sender, receiver := identities(t)
	address := serve(t, receiver, map[string]link.Handler{"take": func(_ context.Context, conn net.Conn) error {
		_, err := io.Copy(io.Discard, conn)
		return err
	}})
	clock := clocktesting.NewFakeClock(time.Now())
	d := dialer(t, link.DialerOptions{Address: address, Identity: sender, BytesPerSecond: rate, Clock: clock})
	begin(t, d)
	done := make(chan struct{}, 2)
	var conns []net.Conn
	for range 2 {
		conn, err := d.Dial(t.Context(), "take")
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		go func() {
			_, _ = conn.Write(make([]byte, 4<<20))
			_ = conn.Close()
			done <- struct{}{}
		}()
	}
	// Both together need eight seconds of the clock, less what may go at once.
	elapsed := time.Duration(0)
	for running := 2; running > 0; {
		select {
		case <-done:
			running--
		case <-time.After(time.Millisecond):
			if clock.HasWaiters() {
				clock.Step(10 * time.Millisecond)
				elapsed += 10 * time.Millisecond
			}
		}
	}
	if elapsed < 7500*time.Millisecond {
		t.Errorf("8 MiB took %s at 1 MiB a second", elapsed)
	}
}

func TestCloseEndsAWriteThatWaits(t *testing.T) {
	sender, receiver := identities(t)
	address := serve(t, receiver, map[string]link.Handler{"echo": echo})
	clock := clocktesting.NewFakeClock(time.Now())
	d := dialer(t, link.DialerOptions{Address: address, Identity: sender, BytesPerSecond: 1000, Clock: clock})
	begin(t, d)
	conn, err := d.Dial(t.Context(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		_, err := conn.Write(make([]byte, 1<<20))
		written <- err
	}()
	for !clock.HasWaiters() {
		time.Sleep(time.Millisecond) //nolint:forbidigo // The other goroutine is about to wait.
	}
	_ = conn.(*tls.Conn).NetConn().Close()
	if err := <-written; err == nil {
		t.Error("all was written")
	}
}
