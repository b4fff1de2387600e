package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/utils/clock"
)

const (
	// maxAttempts at one request, with pauses from firstPause to longestPause in between: seven seconds or more altogether.
	maxAttempts  = 6
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
	// maxUnauthorized is lower, because a credential seldom comes back.
	maxUnauthorized = 3
	// outageLimit is how long the destination may be silent before the run gives up on it.
	outageLimit = 2 * time.Minute
	// blownAfter is the number of requests for a kind that fail at last, one after the other, after which the others of that kind
	// get one attempt only: a webhook that is down must not cost every object its whole budget.
	blownAfter = 8
)

var errUnreachable = errors.New("the destination does not answer: check its API server and the network, then run again")

// trouble is how an error is dealt with.
type trouble int

const (
	// permanent errors would come again.
	permanent trouble = iota
	// passing errors are the server's: overload, failing webhooks, conflicts that are not about the object.
	passing
	// unauthorized may be an authentication webhook that is down.
	unauthorized
	// silence is no answer at all.
	silence
)

// retrier repeats requests of one run.
type retrier struct {
	clock clock.Clock

	mu sync.Mutex
	// lastAnswer of the destination, errors included; zero if there was none.
	lastAnswer time.Time
	// silentSince is when the first request was sent that had no answer, if none had one since; zero otherwise.
	silentSince time.Time
	// dead is set when the destination was silent for too long: nothing is sent any more.
	dead bool
	// exhausted requests for a kind since the last one that succeeded.
	exhausted map[schema.GroupResource]int
}

func newRetrier(c clock.Clock) *retrier {
	return &retrier{clock: c, exhausted: map[schema.GroupResource]int{}}
}

// answered tells whether the destination ever did.
func (r *retrier) answered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.lastAnswer.IsZero()
}

// do sends a request until it succeeds, fails for good, has used up its attempts, or ctx ends.
func (r *retrier) do(ctx context.Context, kind schema.GroupResource, request func(context.Context) error) error {
	wait := firstPause
	for attempt := 1; ; attempt++ {
		if r.isDead() {
			return errUnreachable
		}
		began := r.clock.Now()
		err := once(ctx, request)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		what := classify(err)
		others := r.note(what != silence, began)
		if what == permanent {
			r.report(kind, true)
			return err
		}
		if what == silence && !others {
			attempt-- // It says nothing about this request.
		}
		if attempt >= r.allowed(kind, what) {
			r.report(kind, false)
			return err
		}
		if !pause(ctx, r.clock, max(jittered(wait), askedFor(err))) {
			return context.Cause(ctx)
		}
		wait = min(2*wait, longestPause)
	}
}

func once(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return request(ctx)
}

// note registers an answer, or its absence. It tells whether the destination answered anybody since began.
func (r *retrier) note(answer bool, began time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case answer:
		r.lastAnswer, r.silentSince = r.clock.Now(), time.Time{}
	case r.silentSince.IsZero():
		r.silentSince = began
	}
	return r.lastAnswer.After(began)
}

// isDead tells whether the destination was silent for too long, once and for all.
func (r *retrier) isDead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = r.dead || !r.silentSince.IsZero() && r.clock.Since(r.silentSince) > outageLimit
	return r.dead
}

func (r *retrier) allowed(kind schema.GroupResource, what trouble) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.exhausted[kind] >= blownAfter:
		return 1
	case what == unauthorized:
		return maxUnauthorized
	default:
		return maxAttempts
	}
}

// report registers how a request ended: whether the kind can be dealt with at all.
func (r *retrier) report(kind schema.GroupResource, works bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if works {
		delete(r.exhausted, kind)
	} else {
		r.exhausted[kind]++
	}
}

// pause waits; false means that ctx ended before.
func pause(ctx context.Context, c clock.Clock, d time.Duration) bool {
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}

// withLimit returns a context that ends after a time on the clock.
func withLimit(ctx context.Context, c clock.Clock, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := c.NewTimer(limit)
	go func() {
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C():
			cancel(fmt.Errorf("gave up after %s", limit))
		}
	}()
	return ctx, func() { cancel(nil) }
}

// jittered returns between half and all of a duration, so that workers which failed together do not come back together.
func jittered(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2) //nolint:gosec // Nothing is protected by it.
}

// askedFor returns how long the server wants to be left alone, within reason.
func askedFor(err error) time.Duration {
	seconds, _ := apierrors.SuggestsClientDelay(err)
	return min(time.Duration(seconds)*time.Second, 3*longestPause)
}

// classify tells how to deal with an error; nil is permanent: there is nothing to do again.
func classify(err error) trouble {
	if err == nil {
		return permanent
	}
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		return classifyTransport(err)
	}
	switch status.Status().Code {
	case http.StatusUnauthorized:
		return unauthorized
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return passing
	case http.StatusInternalServerError:
		if isUntypable(err) || isStorageRefusal(err) {
			return permanent
		}
		return passing
	case http.StatusConflict:
		// Two creations counted against the same quota.
		return passingIf(strings.Contains(err.Error(), `resourcequotas "`))
	case http.StatusForbidden:
		// The quota is new and its controller has not counted yet.
		return passingIf(strings.Contains(err.Error(), "status unknown for quota"))
	case http.StatusUnprocessableEntity:
		// The addresses of Services are in the database too.
		return passingIf(strings.Contains(err.Error(), "failed to allocate") && strings.Contains(err.Error(), "code = Unavailable"))
	default:
		return permanent
	}
}

func passingIf(condition bool) trouble {
	if condition {
		return passing
	}
	return permanent
}

// classifyTransport tells errors of the network from those of a request that was never sent because it is invalid.
func classifyTransport(err error) trouble {
	if _, isNetwork := errors.AsType[net.Error](err); isNetwork {
		return silence
	}
	if _, isURL := errors.AsType[*url.Error](err); isURL {
		return silence
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) ||
		utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) || isBrokenHTTP2(err) {
		return silence
	}
	return permanent
}

// isBrokenHTTP2 tells whether a connection of many requests, or one request on it, was broken off while the answer was read. Most
// of these errors have no type of their own.
func isBrokenHTTP2(err error) bool {
	_, isStream := errors.AsType[http2.StreamError](err)
	return isStream || strings.Contains(err.Error(), "http2: ")
}

// isUnserved tells whether the API server does not know the resource, as opposed to the object.
func isUnserved(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// isUntypable tells whether an object cannot be applied on the server's side though it may be written otherwise: it has two
// elements with the same key, for example two environment variables of the same name, or a field that the destination does not
// know.
func isUntypable(err error) bool {
	return strings.Contains(err.Error(), "failed to create typed patch object")
}

// isStorageRefusal tells whether the database refused the object itself.
func isStorageRefusal(err error) bool {
	return strings.Contains(err.Error(), "request is too large")
}
