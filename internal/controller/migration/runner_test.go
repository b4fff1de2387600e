package migration

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

func name(n string) types.NamespacedName { return types.NamespacedName{Namespace: "ns", Name: n} }

// startedRunner is a runner as the manager runs it. It is stopped with the test.
func startedRunner(t *testing.T, most int) (*runner, handClock, context.CancelFunc) {
	t.Helper()
	clock := handClock{clocktesting.NewFakeClock(time.Unix(1_000_000, 0)), make(chan time.Time)}
	r := newRunner(most, clock)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Start(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	r.start(name("probe"), nil, func(context.Context) error { return nil })
	for !woken(r, name("probe")) {
		r.start(name("probe"), nil, func(context.Context) error { return nil })
	}
	return r, clock, stop
}

// woken waits for the next Migration that is brought back and tells whether it is the named one.
func woken(r *runner, want types.NamespacedName) bool {
	got := <-r.wake
	return got.Object.Namespace == want.Namespace && got.Object.Name == want.Name
}

func TestRunnerHoldsUpASecondRunOfTheSameNamespace(t *testing.T) {
	r, _, _ := startedRunner(t, 10)
	release := make(chan struct{})
	block := func(context.Context) error { <-release; return nil }
	if got := r.start(name("one"), []string{"a", "b"}, block); !got.started {
		t.Fatalf("the first run was not started: %+v", got)
	}
	if got := r.start(name("two"), []string{"b"}, block); got.started || got.holder == "" {
		t.Errorf("a second run of namespace b was answered with %+v", got)
	}
	if got := r.start(name("other"), []string{"c"}, block); !got.started {
		t.Errorf("a run of another namespace was held up: %+v", got)
	}
	close(release)
	seen := map[string]bool{}
	for range 3 {
		seen[(<-r.wake).Object.Name] = true
	}
	if !seen["two"] {
		t.Errorf("the waiting Migration was not brought back, only %v", seen)
	}
}

func TestRunnerBoundsTheNumberOfRuns(t *testing.T) {
	r, _, _ := startedRunner(t, 1)
	release := make(chan struct{})
	defer close(release)
	r.start(name("one"), []string{"a"}, func(context.Context) error { <-release; return nil })
	if got := r.start(name("two"), []string{"b"}, nil); got.started || got.holder == "" {
		t.Errorf("a run beyond the bound was answered with %+v", got)
	}
}

func TestRunnerWaitsLongerAfterEachFailedAttempt(t *testing.T) {
	clock := clocktesting.NewFakeClock(time.Now())
	r := newRunner(10, clock)
	r.base = t.Context() // It is not started: steps of the clock would be taken for a standstill.
	fail := func(context.Context) error { return errors.New("no answer") }
	for _, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		r.start(name("one"), []string{"a"}, fail)
		woken(r, name("one"))
		if got := r.start(name("one"), []string{"a"}, fail); got.started || got.after != want {
			t.Fatalf("after a failure the answer was %+v, want to wait %s", got, want)
		}
		clock.Step(want)
	}
	r.start(name("one"), []string{"a"}, func(context.Context) error { return nil })
	woken(r, name("one"))
	if got := r.start(name("one"), []string{"a"}, fail); !got.started {
		t.Errorf("a success did not clear the failures: %+v", got)
	}
}

func TestRunnerCancelEndsTheRunAndBringsTheMigrationBack(t *testing.T) {
	r, _, _ := startedRunner(t, 10)
	cause := make(chan error, 1)
	r.start(name("one"), []string{"a"}, func(ctx context.Context) error {
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return ctx.Err()
	})
	if !r.cancel(name("one")) {
		t.Fatal("the run was not found")
	}
	if got := <-cause; !errors.Is(got, errDeleted) {
		t.Errorf("the run ended because of %v", got)
	}
	if !woken(r, name("one")) || r.running(name("one")) || r.cancel(name("one")) {
		t.Error("the run is still known")
	}
}

func TestRunnerStopsAllRunsWithTheManager(t *testing.T) {
	r, _, stop := startedRunner(t, 10)
	cause := make(chan error, 1)
	r.start(name("one"), []string{"a"}, func(ctx context.Context) error {
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return ctx.Err()
	})
	stop()
	if got := <-cause; !errors.Is(got, errShutdown) {
		t.Errorf("the run ended because of %v", got)
	}
	if got := r.start(name("two"), []string{"b"}, nil); got.started {
		t.Error("a run was started after the end")
	}
}

func TestRunnerEndsRunsAfterAStandstill(t *testing.T) {
	r, clock, _ := startedRunner(t, 10)
	ended := make(chan error, 1)
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return context.Cause(ctx)
	}
	r.start(name("one"), []string{"a"}, wait)
	for range 20 {
		clock.step(beat) // A process that lives ticks.
	}
	select {
	case err := <-ended:
		t.Fatalf("the run ended without a standstill: %v", err)
	default:
	}
	clock.step(standstillLimit + time.Second)
	if err := <-ended; !errors.Is(err, errStandstill) {
		t.Errorf("the run ended with %v", err)
	}
	for !woken(r, name("one")) {
	}
	if got := r.start(name("one"), []string{"a"}, wait); got.started || got.after <= 10*time.Second {
		t.Errorf("another run was answered with %+v while it is not clear who leads", got)
	}
	for range int(standstillPause/beat) + 1 {
		clock.step(beat)
	}
	if got := r.start(name("one"), []string{"a"}, wait); !got.started {
		t.Errorf("another run was answered with %+v although it is clear who leads", got)
	}
}

// handClock ticks when a test says so. All its tickers are one.
type handClock struct {
	*clocktesting.FakeClock
	ticks chan time.Time
}

func (c handClock) NewTicker(time.Duration) clock.Ticker { return handTicker(c.ticks) }

// step moves the time and returns when whoever has the ticker has seen to it: they come back for the second tick only then.
func (c handClock) step(by time.Duration) {
	c.Step(by)
	c.ticks <- c.Now()
	c.ticks <- c.Now()
}

type handTicker chan time.Time

func (t handTicker) C() <-chan time.Time { return t }

func (handTicker) Stop() {}
