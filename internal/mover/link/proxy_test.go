package link_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-io/godwit/internal/mover/link"
)

// proxy starts a listener that does the same with each connection.
func proxy(t *testing.T, with func(net.Conn)) (address string) {
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
			go func() {
				defer conn.Close() //nolint:errcheck // It was used.
				with(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// tunnel joins two connections.
func tunnel(conn net.Conn, address string) {
	other, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer other.Close() //nolint:errcheck // It was used.
	go func() {
		_, _ = io.Copy(other, conn)
		_ = other.Close()
	}()
	_, _ = io.Copy(conn, other)
}

// httpProxy wants a user and password.
func httpProxy(conn net.Conn) {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	if request.Method != http.MethodConnect || request.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwYXNzd29yZA==" {
		_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	tunnel(conn, request.Host)
}

// socksProxy speaks as much of SOCKS5 as a client with a user and password needs, for addresses of IPv4.
func socksProxy(conn net.Conn) {
	read := func(n int) []byte {
		data := make([]byte, n)
		_, _ = io.ReadFull(conn, data)
		return data
	}
	read(int(read(2)[1]))
	_, _ = conn.Write([]byte{5, 2})
	user := read(int(read(2)[1]))
	password := read(int(read(1)[0]))
	if string(user) != "user" || string(password) != "password" {
		_, _ = conn.Write([]byte{1, 1})
		return
	}
	_, _ = conn.Write([]byte{1, 0})
	target := read(10)
	_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	to := net.TCPAddr{IP: target[4:8], Port: int(target[8])<<8 | int(target[9])}
	tunnel(conn, to.String())
}

func TestDialThroughProxies(t *testing.T) {
	sender, receiver := identities(t)
	address := serve(t, receiver, map[string]link.Handler{"echo": echo})
	for scheme, with := range map[string]func(net.Conn){"http": httpProxy, "socks5": socksProxy, "socks5h": socksProxy} {
		t.Run(scheme, func(t *testing.T) {
			by := &url.URL{Scheme: scheme, User: url.UserPassword("user", "password"), Host: proxy(t, with)}
			d := dialer(t, link.DialerOptions{Address: address, Identity: sender, Proxy: by})
			begin(t, d)
			if got := say(t, d, "through"); got != "through" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestProxiesThatRefuseAreToldWithoutTheirPassword(t *testing.T) {
	sender, _ := identities(t)
	answer := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, text)
		}
	}
	for name, test := range map[string]struct {
		scheme string
		with   func(net.Conn)
		want   string
	}{
		"wrong password, http":   {"http", httpProxy, "407 Proxy Authentication Required"},
		"wrong password, socks5": {"socks5", socksProxy, "authentication failed"},
		"no HTTP":                {"http", answer("SSH-2.0-OpenSSH\r\n\r\n"), "not HTTP"},
		"data too early":         {"http", answer("HTTP/1.1 200 OK\r\n\r\nhello"), "before it was asked"},
		"an endless header":      {"http", answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20)), "not HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			by := &url.URL{Scheme: test.scheme, User: url.UserPassword("user", "s3cret"), Host: proxy(t, test.with)}
			_, err := dialer(t, link.DialerOptions{Address: "127.0.0.1:1", Identity: sender, Proxy: by}).Dial(t.Context(), link.Begin)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReadProxy(t *testing.T) {
	for content, want := range map[string]string{
		"http://user:pass@host:3128\n": "",
		"socks5://host:1080":           "",
		"ftp://user:pass@host":         "scheme",
		"host:3128":                    "no URL",
		"http://user:pa ss@ho st":      "no URL",
		"":                             "no URL",
	} {
		file := filepath.Join(t.TempDir(), "proxy")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := link.ReadProxy(file)
		if (err == nil) != (want == "") || (err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pa"+"ss@"))) {
			t.Errorf("%q: %v", content, err)
		}
	}
	if _, err := link.ReadProxy(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a file that is absent was read")
	}
}
