package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// guard is a RoundTripper that bounds the time of a request and the size of its answer, and goes to no other host: client-go's
// wrappers would send the credential to wherever an API server redirects.
type guard struct {
	next http.RoundTripper
	// timeout of a request up to the end of its answer. Watches and followed logs have none.
	timeout time.Duration
	// maxBytes that an answer may weigh, after decompression: see weight. Watches and followed logs have no limit.
	maxBytes int64
	// refused is called when the credential was not accepted or lacked a permission, unless the request asked for nothing else.
	refused func()
}

func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if isStream(request) {
		return g.stream(request)
	}
	ctx, cancel := context.WithTimeout(request.Context(), g.timeout)
	response, err := g.stay(request.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: g.bytesFor(response), cancel: cancel}
	if !succeeded(response) {
		err = redact(response, request.Header.Get("Authorization"))
	}
	if err != nil {
		return nil, err
	}
	return response, nil
}

// smallBytes is what a refusal and the answer to a probe may weigh: much more than one ever does, and read in no time.
const smallBytes = 1 << 20

type smallAnswerKey struct{}

// expectSmallAnswers bounds the answers to requests with this context by smallBytes. A refusal is an answer as well.
func expectSmallAnswers(ctx context.Context) context.Context {
	return context.WithValue(expectRefusal(ctx), smallAnswerKey{}, true)
}

type refusalExpectedKey struct{}

// expectRefusal says that a refusal of requests with this context casts no doubt on what is known of the credential.
func expectRefusal(ctx context.Context) context.Context {
	return context.WithValue(ctx, refusalExpectedKey{}, true)
}

func isRefusal(response *http.Response) bool {
	return response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden
}

// bytesFor returns what an answer may weigh.
func (g *guard) bytesFor(response *http.Response) int64 {
	if !succeeded(response) || response.Request.Context().Value(smallAnswerKey{}) != nil {
		return min(smallBytes, g.maxBytes)
	}
	return g.maxBytes
}

// stream sends a request whose answer has no end. A refusal has one, and nothing in it is worth waiting for but its status.
func (g *guard) stream(request *http.Request) (*http.Response, error) {
	response, err := g.stay(request)
	if err != nil || succeeded(response) {
		return response, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}
	response.Body, response.ContentLength = http.NoBody, 0
	return response, nil
}

func succeeded(response *http.Response) bool { return response.StatusCode < 300 }

// stay sends a request and refuses an answer that leads to another host.
func (g *guard) stay(request *http.Request) (*http.Response, error) {
	response, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, withoutEcho(err, request.Header.Get("Authorization"))
	}
	if leaves(request, response) {
		return nil, errors.Join(errRedirected, response.Body.Close())
	}
	if isRefusal(response) && request.Context().Value(refusalExpectedKey{}) == nil {
		g.refused()
	}
	return response, nil
}

// WrappedRoundTripper lets idle connections be closed through the guard.
func (g *guard) WrappedRoundTripper() http.RoundTripper { return g.next }

var (
	errRedirected = errors.New("it redirects to another host, which is not followed because the credential would be sent there")
	errNoHTTP     = errors.New("its answer is not HTTP")
	errForbidden  = errors.New("its name leads to an address which is refused because clouds serve credentials of their machines there")
)

func isStream(request *http.Request) bool {
	query := request.URL.Query()
	return isTrue(query.Get("watch")) || isTrue(query.Get("follow"))
}

func isTrue(value string) bool { return value == "1" || strings.EqualFold(value, "true") }

// leaves tells whether an answer redirects to another host.
func leaves(request *http.Request, response *http.Response) bool {
	if response.StatusCode < 300 || response.StatusCode > 399 {
		return false
	}
	location, err := response.Location()
	if err != nil {
		return false // Nothing to follow.
	}
	return location.Scheme != request.URL.Scheme || location.Host != request.URL.Host
}

// dialTimeout is how long a connection may take to be opened.
const dialTimeout = 10 * time.Second

// newDialer returns a dialer that refuses forbidden addresses after names were resolved, so that no name leads to them.
func newDialer() *net.Dialer {
	return &net.Dialer{
		Timeout:   dialTimeout,
		KeepAlive: 30 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("reading the address to connect to: %w", err)
			}
			if isForbidden(target.Addr()) {
				return errForbidden
			}
			return nil
		},
	}
}
