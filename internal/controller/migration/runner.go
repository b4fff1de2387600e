package migration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var (
	// errDeleted ends a run whose Migration was deleted.
	errDeleted = errors.New("the Migration was deleted")
	// errStandstill ends all runs of a process that stood still, and may have been taken for dead.
	errStandstill = errors.New("the operator stood still for so long that another one may have taken over")
	// errShutdown ends all runs when the operator stops; whoever comes next continues them.
	errShutdown = errors.New("the operator shuts down")
)

// Bounds of the time between two attempts of a run that ended with an error, for example because an API server did not answer.
const (
	retryFirst = 2 * time.Second
	retryMost  = time.Minute
)

// A leader that cannot renew its lease gives up after 10 s, and nobody else gets it before 15 s have passed (the defaults of
// controller-runtime). A process that stands still for longer than what is in between may go on while another one leads, and needs up
// to 10 s to notice.
const (
	beat            = time.Second
	standstillLimit = 5 * time.Second
	standstillPause = 12 * time.Second
)

// runner runs Migrations beside the reconcile workers: at most so many at once, and no two of one namespace. It starts and stops
// with the manager, and no run outlives it.
type runner struct {
	most  int
	clock clock.WithTicker
	// wake brings Migrations back to the reconciler: one whose run ended, and those that waited for it.
	wake chan event.TypedGenericEvent[*storkv1alpha1.Migration]

	mu       sync.Mutex
	base     context.Context //nolint:containedctx // The lifetime of all runs; it begins when the manager starts the runner.
	runs     map[types.NamespacedName]*activeRun
	waiting  map[types.NamespacedName]struct{}
	failures map[types.NamespacedName]failure
	// heldUntil is when runs may begin again after a standstill.
	heldUntil time.Time
	group     sync.WaitGroup
}

type activeRun struct {
	namespaces []string
	cancel     context.CancelCauseFunc
}

// failure remembers the attempts of a run that ended with an error.
type failure struct {
	attempts  int
	notBefore time.Time
}

// admission is the answer to the wish to run.
type admission struct {
	// started tells whether the run has begun.
	started bool
	// holder is what holds it up. The Migration is woken when the holder is gone.
	holder string
	// after is how long to wait after an earlier attempt.
	after time.Duration
}

func newRunner(most int, clock clock.WithTicker) *runner {
	return &runner{
		most:     most,
		clock:    clock,
		wake:     make(chan event.TypedGenericEvent[*storkv1alpha1.Migration], 1024),
		runs:     map[types.NamespacedName]*activeRun{},
		waiting:  map[types.NamespacedName]struct{}{},
		failures: map[types.NamespacedName]failure{},
	}
}

// Start implements manager.Runnable: runs may begin from now on, and all have ended when it returns.
func (r *runner) Start(ctx context.Context) error {
	base, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	r.mu.Lock()
	r.base = base
	early := r.takeWaiting()
	r.mu.Unlock()
	r.notify(base, early...)
	r.watchForStandstill(ctx)
	stop(errShutdown)
	r.group.Wait()
	return nil
}

// watchForStandstill ends all runs when the process has stood still, until ctx ends.
func (r *runner) watchForStandstill(ctx context.Context) {
	ticker := r.clock.NewTicker(beat)
	defer ticker.Stop()
	last := r.clock.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		// Only the time of day goes on in a machine that is suspended.
		now := r.clock.Now()
		if now.Round(0).Sub(last.Round(0)) > standstillLimit {
			r.interrupt(now)
		}
		last = now
	}
}

// interrupt ends all runs. They may begin again when it is clear who leads.
func (r *runner) interrupt(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heldUntil = now.Add(standstillPause)
	for _, run := range r.runs {
		run.cancel(errStandstill)
	}
}

// start begins a run of these namespaces, or tells what keeps it from beginning.
func (r *runner) start(key types.NamespacedName, namespaces []string, do func(context.Context) error) admission {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	if after := max(r.failures[key].notBefore.Sub(now), r.heldUntil.Sub(now)); after > 0 {
		return admission{after: after}
	}
	if holder := r.holder(namespaces); holder != "" {
		r.waiting[key] = struct{}{}
		return admission{holder: holder}
	}
	ctx, cancel := context.WithCancelCause(r.base)
	r.runs[key] = &activeRun{namespaces: namespaces, cancel: cancel}
	delete(r.waiting, key)
	r.group.Go(func() {
		defer cancel(nil)
		r.finish(ctx, key, do(ctx))
	})
	return admission{started: true}
}

// holder names what keeps a run of these namespaces from beginning; it is empty if nothing does.
func (r *runner) holder(namespaces []string) string {
	if r.base == nil || r.base.Err() != nil {
		return "the operator, which is not ready to run Migrations"
	}
	for _, key := range slices.SortedFunc(maps.Keys(r.runs), compareNames) {
		for _, namespace := range namespaces {
			if slices.Contains(r.runs[key].namespaces, namespace) {
				return fmt.Sprintf("Migration %s, which migrates namespace %s at the moment", key, namespace)
			}
		}
	}
	if len(r.runs) >= r.most {
		return fmt.Sprintf("one of the %d Migrations that run at the moment to end", len(r.runs))
	}
	return ""
}

// finish takes the run off and wakes its Migration and those that waited. After an error the Migration may run again later.
func (r *runner) finish(ctx context.Context, key types.NamespacedName, err error) {
	interrupted := ctx.Err() != nil
	r.mu.Lock()
	delete(r.runs, key)
	if err == nil || interrupted {
		delete(r.failures, key)
	} else {
		r.failures[key] = r.failures[key].again(r.clock.Now())
	}
	base, woken := r.base, append(r.takeWaiting(), key)
	r.mu.Unlock()
	if err != nil && !interrupted {
		log.FromContext(ctx).Info("Run of a Migration ended early and will be tried again", "migration", key, "reason", err.Error())
	}
	r.notify(base, woken...) //nolint:contextcheck // The run's own context has ended; the runner's has not.
}

func (f failure) again(now time.Time) failure {
	delay := min(retryFirst<<min(f.attempts, 10), retryMost)
	return failure{attempts: f.attempts + 1, notBefore: now.Add(delay)}
}

// cancel ends the run of a deleted Migration and tells whether there was one. The Migration is woken when the run has ended.
func (r *runner) cancel(key types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, key)
	delete(r.failures, key)
	run, ok := r.runs[key]
	if ok {
		run.cancel(errDeleted)
	}
	return ok
}

func (r *runner) running(key types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.runs[key]
	return ok
}

func (r *runner) takeWaiting() []types.NamespacedName {
	keys := slices.SortedFunc(maps.Keys(r.waiting), compareNames)
	clear(r.waiting)
	return keys
}

func (r *runner) notify(ctx context.Context, keys ...types.NamespacedName) {
	for _, key := range keys {
		migration := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
		select {
		case r.wake <- event.TypedGenericEvent[*storkv1alpha1.Migration]{Object: migration}:
		case <-ctx.Done():
			return
		}
	}
}

func compareNames(a, b types.NamespacedName) int {
	return slices.Compare([]string{a.Namespace, a.Name}, []string{b.Namespace, b.Name})
}
