package mover

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"

	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
)

// failures remembers why rsync failed at the receiver. A sender sees only that it did: what the other rsync says at its end does not
// get through.
type failures struct {
	mu      sync.Mutex
	running int
	idle    chan struct{} // Closed when none runs any more; nil while nobody waits for that.
	first   finished
}

// forget begins a session.
func (f *failures) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.first = finished{}
}

// watch runs rsync and returns its error.
func (f *failures) watch(run func() error) error {
	f.mu.Lock()
	f.running++
	f.mu.Unlock()
	err := run()
	f.mu.Lock()
	defer f.mu.Unlock()
	var exit *rsync.ExitError
	// That a connection failed, or that it was told to end, is what the sender knows better.
	own := errors.As(err, &exit) && !exit.Partial() && exit.Class != report.Connection && exit.Class != report.Interrupted
	if own && f.first.Error == "" {
		f.first = finished{Error: exit.Error(), Class: exit.Class}
	}
	if f.running--; f.running == 0 && f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
	return err
}

// explain answers a sender whose rsync failed, once all have ended here too.
func (f *failures) explain(ctx context.Context, conn net.Conn) error {
	if err := f.wait(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	answer := f.first
	f.mu.Unlock()
	return json.NewEncoder(conn).Encode(answer)
}

func (f *failures) wait(ctx context.Context) error {
	f.mu.Lock()
	if f.running == 0 {
		f.mu.Unlock()
		return nil
	}
	if f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// explained asks the receiver why rsync failed, and returns the error that it was if the receiver has no better one.
func (s *sender) explained(ctx context.Context, err error) error {
	var exit *rsync.ExitError
	if !errors.As(err, &exit) || ctx.Err() != nil {
		return err
	}
	var answer finished
	if asking := ask(ctx, s.dialer.Dial, purposeExplain, messageTimeout, struct{}{}, &answer); asking != nil {
		return err
	}
	if better := answer.failure("write all"); better != nil {
		return better
	}
	return err
}
