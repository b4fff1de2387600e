package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/proxy"
)

// maxProxyAnswer bounds the answer of a proxy to CONNECT, in bytes.
const maxProxyAnswer = 64 << 10

// ReadProxy reads the URL of a proxy from a file, with user and password if it wants them. Errors never quote it.
func ReadProxy(file string) (*url.URL, error) {
	content, err := os.ReadFile(file) //nolint:gosec // The file is the operator's choice.
	if err != nil {
		return nil, fmt.Errorf("reading the proxy's URL: %w", err)
	}
	parsed, err := url.Parse(strings.TrimSpace(string(content)))
	if err != nil || parsed.Host == "" {
		return nil, fmt.Errorf("the file %s holds no URL of a proxy, such as http://user:password@host:3128", file)
	}
	switch parsed.Scheme {
	case "http", "https", "socks5", "socks5h":
		return parsed, nil
	}
	return nil, fmt.Errorf("the proxy's scheme in %s is %q: it must be http, https, socks5 or socks5h", file, parsed.Scheme)
}

func throughProxy(ctx context.Context, direct *net.Dialer, by *url.URL, address string) (net.Conn, error) {
	conn, err := dialProxy(ctx, direct, by, address)
	if err != nil {
		return nil, fmt.Errorf("through the proxy %s: %w", by.Host, err)
	}
	return conn, nil
}

func dialProxy(ctx context.Context, direct *net.Dialer, by *url.URL, address string) (net.Conn, error) {
	if by.Scheme == "http" || by.Scheme == "https" {
		return connect(ctx, direct, by, address)
	}
	var auth *proxy.Auth
	if by.User != nil {
		password, _ := by.User.Password()
		auth = &proxy.Auth{User: by.User.Username(), Password: password}
	}
	socks, err := proxy.SOCKS5("tcp", withPort(by, "1080"), auth, direct)
	if err != nil {
		return nil, err
	}
	return socks.(proxy.ContextDialer).DialContext(ctx, "tcp", address)
}

// connect opens a tunnel by the method CONNECT of HTTP.
func connect(ctx context.Context, direct *net.Dialer, by *url.URL, address string) (net.Conn, error) {
	conn, err := reachProxy(ctx, direct, by)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := askProxy(conn, by, address); err != nil {
		return nil, errors.Join(err, ctx.Err(), conn.Close())
	}
	if !stop() {
		return nil, ctx.Err()
	}
	return conn, nil
}

func reachProxy(ctx context.Context, direct *net.Dialer, by *url.URL) (net.Conn, error) {
	if by.Scheme == "https" {
		secure := tls.Dialer{NetDialer: direct, Config: &tls.Config{MinVersion: tls.VersionTLS12}}
		return secure.DialContext(ctx, "tcp", withPort(by, "443"))
	}
	return direct.DialContext(ctx, "tcp", withPort(by, "80"))
}

func askProxy(conn net.Conn, by *url.URL, address string) error {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if by.User != nil {
		password, _ := by.User.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(by.User.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	if err := request.Write(conn); err != nil {
		return err
	}
	reader := bufio.NewReader(io.LimitReader(conn, maxProxyAnswer))
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return fmt.Errorf("its answer is not HTTP: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %s", response.Status)
	}
	if reader.Buffered() > 0 {
		return errors.New("it sent data before it was asked for any")
	}
	return nil
}

func withPort(u *url.URL, port string) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), port)
}
