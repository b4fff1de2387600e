package faultproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Exchange is one request and its answer.
type Exchange struct {
	Request *http.Request

	writer http.ResponseWriter
	proxy  *Proxy
	entry  *Request
}

// Effect is what happens to a request. It returns when the exchange is over.
type Effect func(*Exchange)

// Pass forwards the request and its answer, as it comes. Where the API server does not answer, the client's connection is reset.
func (e *Exchange) Pass() { e.pass(e.Request.Context()) }

// pass forwards until ctx ends, which breaks the answer off.
func (e *Exchange) pass(ctx context.Context) {
	response, done, err := e.proxy.send(e.Request.WithContext(ctx))
	if err != nil {
		e.broken(ctx)
		return
	}
	defer done()
	defer response.Body.Close() //nolint:errcheck // It was read.
	e.proxy.answered(e.entry, response.StatusCode)
	copyHeader(e.writer.Header(), response.Header)
	e.writer.WriteHeader(response.StatusCode)
	flush(e.writer) // A watch begins before there is anything to tell.
	if _, err := io.Copy(flushed{e.writer}, response.Body); err != nil || ctx.Err() != nil {
		e.broken(ctx)
	}
}

func flush(w http.ResponseWriter) {
	if flusher, can := w.(http.Flusher); can {
		flusher.Flush()
	}
}

// broken ends an exchange in disorder: on purpose, or because the API server did.
func (e *Exchange) broken(ctx context.Context) {
	e.proxy.broken(e.entry)
	if ctx.Err() == nil {
		reset(e.Request)
	}
	panic(http.ErrAbortHandler)
}

// flushed sends each piece on at once: watches are made of pieces.
type flushed struct{ http.ResponseWriter }

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	flush(f.ResponseWriter)
	return n, err
}

// Answer answers in the API server's stead, with a Status of its form.
func Answer(code int, reason metav1.StatusReason, message string) Effect {
	return func(e *Exchange) { e.answer(code, reason, message) }
}

func (e *Exchange) answer(code int, reason metav1.StatusReason, message string) {
	body, err := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message,
	})
	if err != nil {
		panic(err) // A Status can always be encoded.
	}
	e.writer.Header().Set("Content-Type", "application/json")
	e.writer.WriteHeader(code)
	_, _ = e.writer.Write(body)
}

// TooManyRequests answers as an API server does that wants to be left alone for some seconds.
func TooManyRequests(seconds int) Effect {
	return func(e *Exchange) {
		e.writer.Header().Set("Retry-After", strconv.Itoa(seconds))
		e.answer(http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "the server has received too many requests")
	}
}

// InternalError answers 500, as an API server does whose database is away.
func InternalError() Effect {
	return Answer(http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcdserver: leader changed")
}

// Unavailable answers 503, as an API server does that starts.
func Unavailable() Effect {
	return Answer(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "apiserver not ready")
}

// Expired answers 410, as an API server does that has forgotten the state which a list began with.
func Expired() Effect {
	return Answer(http.StatusGone, metav1.StatusReasonExpired, "The provided continue parameter is too old")
}

// BadGateway answers 502, as a load balancer does that reaches no API server: in HTML.
func BadGateway() Effect {
	return func(e *Exchange) {
		e.writer.Header().Set("Content-Type", "text/html")
		e.writer.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(e.writer, "<html><body><h1>502 Bad Gateway</h1></body></html>")
	}
}

// Swallow never answers, and does not ask the API server either.
func Swallow() Effect {
	return func(e *Exchange) {
		select {
		case <-e.Request.Context().Done():
		case <-e.proxy.closed:
		}
		panic(http.ErrAbortHandler)
	}
}

// Reset resets the connection before the API server is asked.
func Reset() Effect {
	return func(e *Exchange) {
		reset(e.Request)
		panic(http.ErrAbortHandler)
	}
}

// AbortStream ends the request, though not the connection, before the API server is asked, if the client speaks HTTP/2.
func AbortStream() Effect {
	return func(*Exchange) { panic(http.ErrAbortHandler) }
}

// LoseAnswer has the API server carry the request out, sends the first half of its answer, and resets the connection.
func LoseAnswer() Effect {
	return func(e *Exchange) {
		e.half()
		reset(e.Request)
		panic(http.ErrAbortHandler)
	}
}

// AbortAnswer is LoseAnswer for a client that speaks HTTP/2: only the request is ended, and the connection stays.
func AbortAnswer() Effect {
	return func(e *Exchange) {
		e.half()
		panic(http.ErrAbortHandler)
	}
}

// half asks the API server and sends half of what it answers.
func (e *Exchange) half() {
	e.proxy.broken(e.entry)
	response, done, err := e.proxy.send(e.Request)
	if err != nil {
		return
	}
	defer done()
	defer response.Body.Close() //nolint:errcheck // It was read.
	e.proxy.answered(e.entry, response.StatusCode)
	var body bytes.Buffer
	_, _ = body.ReadFrom(response.Body)
	copyHeader(e.writer.Header(), response.Header)
	e.writer.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	e.writer.WriteHeader(response.StatusCode)
	_, _ = flushed{e.writer}.Write(body.Bytes()[:body.Len()/2])
}

// Slow forwards the request later.
func Slow(by time.Duration) Effect {
	return func(e *Exchange) {
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
			e.Pass()
		case <-e.Request.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// Cut forwards the request and breaks the answer off a while after it has begun: it is for watches.
func Cut(after time.Duration) Effect {
	return func(e *Exchange) {
		ctx, cancel := context.WithCancel(e.Request.Context())
		defer cancel()
		e.writer = delayed{e.writer, func() { time.AfterFunc(after, cancel) }}
		e.pass(ctx)
	}
}

// Before calls a function and forwards the request then.
func Before(do func(*http.Request)) Effect {
	return func(e *Exchange) {
		do(e.Request)
		e.Pass()
	}
}

// After has the API server carry the request out, calls a function, and only then lets the client see the answer.
func After(do func(*http.Request)) Effect {
	return func(e *Exchange) {
		e.writer = delayed{e.writer, func() { do(e.Request) }}
		e.Pass()
	}
}

// delayed calls a function before it passes an answer's head on.
type delayed struct {
	http.ResponseWriter
	do func()
}

func (d delayed) WriteHeader(code int) {
	d.do()
	d.ResponseWriter.WriteHeader(code)
}

// Flush implements http.Flusher.
func (d delayed) Flush() { flush(d.ResponseWriter) }
