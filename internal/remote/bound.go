package remote

import (
	"context"
	"io"
	"net/http"
	"path"
	"slices"
	"time"

	"k8s.io/client-go/rest"
)

// Bound has no request of clients that are made from config take longer than the timeout, its answer included. Watches, followed logs and
// connections to containers, which have no end, are not bounded. client-go waits for ever: whoever asks a server that has lost a request
// while its connection is well would never hear of it.
func Bound(config *rest.Config, timeout time.Duration) {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &bound{next: next, timeout: timeout} })
}

type bound struct {
	next    http.RoundTripper
	timeout time.Duration
}

func (b *bound) RoundTrip(request *http.Request) (*http.Response, error) {
	if isStream(request) || isConnection(request) {
		return b.next.RoundTrip(request)
	}
	ctx, cancel := context.WithTimeout(request.Context(), b.timeout)
	response, err := b.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = &endingBody{ReadCloser: response.Body, end: cancel}
	return response, nil
}

// WrappedRoundTripper lets idle connections be closed through the bound.
func (b *bound) WrappedRoundTripper() http.RoundTripper { return b.next }

// isConnection tells whether a request opens a connection to a container.
func isConnection(request *http.Request) bool {
	return slices.Contains([]string{"exec", "attach", "portforward"}, path.Base(request.URL.Path))
}

// endingBody releases what a request holds when its answer was read.
type endingBody struct {
	io.ReadCloser
	end context.CancelFunc
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
