package rule

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	// parallelPods is how many pods a command runs in at the same time.
	parallelPods = 10
	// reportedFailures is how many pods an error names.
	reportedFailures = 5
)

// Options bound what a Runner does. A field that is zero stands for the default in its comment.
type Options struct {
	// Attempts that a command has in a pod; 12, as in Stork.
	Attempts int
	// RetryInterval is the time between two attempts; 5 s, as in Stork.
	RetryInterval time.Duration
	// Limit is how long one attempt may take, and a background command may wait; 30 min. Full seconds count.
	Limit time.Duration
	// ReadyTimeout is how long a background command may take until it waits; 5 min.
	ReadyTimeout time.Duration
	// Grace is how long a background command may still take when it need not wait any more; 1 min. Full seconds count.
	Grace time.Duration
}

// Runner runs Rules in one cluster. Its methods may be called from several goroutines.
type Runner struct {
	config  *rest.Config
	client  kubernetes.Interface
	clock   clock.WithDelayedExecution
	options Options
}

// NewRunner returns a Runner for the cluster of config, which is not changed.
func NewRunner(config *rest.Config, clock clock.WithDelayedExecution, options Options) (*Runner, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for rules: %w", err)
	}
	return &Runner{config: config, client: client, clock: clock, options: options.withDefaults()}, nil
}

func (o Options) withDefaults() Options {
	setDefault(&o.Attempts, 12)
	setDefault(&o.RetryInterval, 5*time.Second)
	setDefault(&o.Limit, 30*time.Minute)
	setDefault(&o.ReadyTimeout, 5*time.Minute)
	setDefault(&o.Grace, time.Minute)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Background are commands that run until they are stopped.
type Background interface {
	// Stop lets the commands end and returns when they have. Its error names those that failed and those that had ended
	// before they were told to, which means that their applications were not frozen all the time. When ctx ends they are left
	// to end by themselves. A second call does nothing.
	Stop(ctx context.Context) error
}

// +kubebuilder:rbac:groups="",resources=pods/exec,verbs=create

// Run does the rules in order, the actions of a rule in order, and each action in all selected pods of the namespaces at once;
// with runInSinglePod, in the first by name of each namespace. Only pods that run are selected, by labels; no selector selects
// all. If there are none, nothing is done, which is a success (as in Stork).
//
// It returns nil in place of a Background when no background command runs. If one does, ctx must live until it was stopped:
// the end of ctx ends the command. On an error all background commands have been stopped. track may be nil.
func (r *Runner) Run(ctx context.Context, rule *storkv1alpha1.Rule, namespaces []string, phase Phase, track Track) (Background, error) {
	if err := Validate(rule, phase); err != nil {
		return nil, err
	}
	b := &background{runner: r, track: track, tracker: Tracker{TaskID: string(uuid.NewUUID())}}
	for i, item := range rule.Rules {
		if err := r.runItem(ctx, b, item, namespaces); err != nil {
			err = fmt.Errorf("rule %s/%s, rules[%d]%w", rule.Namespace, rule.Name, i, err)
			return nil, errors.Join(err, b.Stop(context.WithoutCancel(ctx)))
		}
	}
	if len(b.commands) == 0 {
		return nil, nil
	}
	return b, nil
}

// runItem does the actions of one rule. Its errors begin with what follows the rule in a path.
func (r *Runner) runItem(ctx context.Context, b *background, item storkv1alpha1.RuleItem, namespaces []string) error {
	all, single, err := r.selectTargets(ctx, item, namespaces)
	if err != nil {
		return fmt.Errorf(": %w", err)
	}
	for i, action := range item.Actions {
		targets := all
		if action.RunInSinglePod {
			targets = single
		}
		if action.Background {
			err = b.start(ctx, targets, action.Value)
		} else {
			err = r.runForeground(ctx, targets, action.Value)
		}
		if err != nil {
			return fmt.Errorf(".actions[%d]: %w", i, err)
		}
	}
	return nil
}

// runForeground runs a command to its end in each target.
func (r *Runner) runForeground(ctx context.Context, targets []target, value string) error {
	return inEach(targets, func(t target) error {
		return r.retry(ctx, t, func() error { return r.execute(ctx, t, []string{"sh", "-c", foregroundScript, "sh", value}) })
	})
}

// inEach calls do for all targets, a few at a time, and joins the errors. One that fails does not keep the others from being
// done.
func inEach(targets []target, do func(target) error) error {
	var group errgroup.Group
	group.SetLimit(parallelPods)
	var mu sync.Mutex
	var failures []error
	for _, t := range targets {
		group.Go(func() error {
			if err := do(t); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	return joinFew(failures)
}

// joinFew joins errors, but tells of at most reportedFailures of them.
func joinFew(failures []error) error {
	if more := len(failures) - reportedFailures; more > 0 {
		failures = append(failures[:reportedFailures:reportedFailures], fmt.Errorf("and %d more", more))
	}
	return errors.Join(failures...)
}
