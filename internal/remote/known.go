package remote

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
)

const (
	// failedFor is how long a failure is told to others that ask the same, because a server that does not answer keeps each waiting.
	failedFor = 3 * time.Second
	// keptAtLeast is the least part of its time for which something is kept, by chance, so that many do not ask at once for ever.
	keptAtLeast = 0.8
)

// server is an API server, as the clusters of all credentials share it.
type server struct {
	// id is the same where it is reached in the same way.
	id fingerprint

	mu sync.Mutex
	// last is when it answered as one does.
	last time.Time
}

// answers notes that the server answered.
func (s *server) answers(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = at
}

// answered tells whether it did after a time.
func (s *server) answered(after time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last.After(after)
}

// known is what a server told a credential.
type known struct {
	version shared[string]

	mu sync.Mutex
	// grants are by namespace; those on all namespaces have none.
	grants map[string]*shared[grants]
}

// whatIsKnown is never nil. It stays the same for a caller while another one doubts it.
func (c *Cluster) whatIsKnown() *known {
	c.known.CompareAndSwap(nil, &known{})
	return c.known.Load()
}

// in returns what is known of the grants in a namespace. What got too old of others is dropped.
func (k *known) in(namespace string, now time.Time) *shared[grants] {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found, ok := k.grants[namespace]; ok {
		return found
	}
	for other, old := range k.grants {
		if old.ended(now) {
			delete(k.grants, other)
		}
	}
	if k.grants == nil {
		k.grants = map[string]*shared[grants]{}
	}
	k.grants[namespace] = &shared[grants]{}
	return k.grants[namespace]
}

// shared is an answer that is kept for a while. While one caller asks, others wait for what it hears.
type shared[T any] struct {
	mu     sync.Mutex
	answer T
	err    error
	until  time.Time
}

// get returns the answer that is kept if it is still valid, and otherwise asks for one to keep for a time. The end of the caller's
// ctx is no answer.
func (s *shared[T]) get(ctx context.Context, clock clock.PassiveClock, keep time.Duration, valid func(T) bool, ask func(context.Context) (T, error)) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if clock.Now().Before(s.until) && (s.err != nil || valid(s.answer)) {
		return s.answer, s.err
	}
	s.until = time.Time{}
	s.answer, s.err = ask(ctx)
	switch {
	case s.err == nil:
		atLeast := time.Duration(float64(keep) * keptAtLeast)
		s.until = clock.Now().Add(wait.Jitter(atLeast, float64(keep-atLeast)/float64(atLeast)))
	case ctx.Err() == nil:
		s.until = clock.Now().Add(failedFor)
	}
	return s.answer, s.err
}

// ended tells whether nobody needs what is kept.
func (s *shared[T]) ended(now time.Time) bool {
	if !s.mu.TryLock() {
		return false
	}
	defer s.mu.Unlock()
	return !now.Before(s.until)
}
