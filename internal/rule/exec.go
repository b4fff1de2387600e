package rule

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
)

//go:embed foreground.sh
var foregroundScript string

// The bytes that the scripts write to stdout.
const (
	signalReady = 'r'
	signalDone  = 'd'
)

var (
	errLimit      = errors.New("it took too long; it may still run in the container")
	errNotReady   = errors.New("it did not reach " + waitPlaceholder + " in time")
	errPodGone    = errors.New("the pod does not run any more")
	errConnection = errors.New("the connection was lost before it ended")
)

// retry calls do until it succeeds or the attempts are used up, as Stork does also for a command that fails. What cannot get
// better is not tried again.
func (r *Runner) retry(ctx context.Context, t target, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("command in %s: %w", t, context.Cause(ctx))
		case errors.Is(err, errLimit), errors.Is(err, errNotReady):
			return fmt.Errorf("command in %s: %w", t, err)
		case r.gone(ctx, t):
			return fmt.Errorf("command in %s: %w: %w", t, errPodGone, err)
		case attempt >= r.options.Attempts:
			return fmt.Errorf("command in %s, %d attempts: %w", t, attempt, err)
		}
		select {
		case <-ctx.Done():
		case <-r.clock.After(r.options.RetryInterval):
		}
	}
}

// execute runs a command without input, and returns when it has ended.
func (r *Runner) execute(ctx context.Context, t target, command []string) error {
	ctx, cancel := r.withTimeout(ctx, r.options.Limit, errLimit)
	defer cancel()
	streams := newStreams()
	return streams.verdict(ctx, r.exec(ctx, t, command, nil, streams))
}

// exec runs a command in a container, over WebSocket or, where something on the way does not let that through, SPDY.
func (r *Runner) exec(ctx context.Context, t target, command []string, stdin io.Reader, streams *streams) error {
	executor, err := r.executor(r.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(t.namespace).Name(t.pod).
		SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Container: t.container, Command: command, Stdin: stdin != nil, Stdout: true, Stderr: true,
	}, scheme.ParameterCodec).URL())
	if err != nil {
		return err
	}
	// What the streams log when a connection breaks is in the error as well.
	ctx = klog.NewContext(ctx, logr.Discard())
	return executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: stdin, Stdout: &streams.signals, Stderr: &streams.stderr})
}

func (r *Runner) executor(url *url.URL) (remotecommand.Executor, error) {
	webSocket, err := remotecommand.NewWebSocketExecutor(r.config, "GET", url.String())
	if err != nil {
		return nil, err
	}
	spdy, err := remotecommand.NewSPDYExecutor(r.config, "POST", url)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(webSocket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

// withTimeout ends the context by the clock.
func (r *Runner) withTimeout(ctx context.Context, after time.Duration, cause error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := r.clock.AfterFunc(after, func() { cancel(cause) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}

// streams are what comes back from a script.
type streams struct {
	signals signals
	stderr  tail
}

func newStreams() *streams {
	return &streams{signals: signals{ready: make(chan struct{}), done: make(chan struct{})}}
}

// verdict is how a command ended for which exec returned err: nil only when it has truly ended with status 0.
func (s *streams) verdict(ctx context.Context, err error) error {
	var exit utilexec.ExitError
	switch {
	case errors.As(err, &exit):
		return fmt.Errorf("it ended with exit code %d%s", exit.ExitStatus(), s.stderr.suffix())
	case ctx.Err() != nil:
		return fmt.Errorf("%w%s", context.Cause(ctx), s.stderr.suffix())
	case err != nil:
		return fmt.Errorf("%w%s", err, s.stderr.suffix())
	case !closed(s.signals.done):
		return fmt.Errorf("%w%s", errConnection, s.stderr.suffix())
	}
	return nil
}

// signals reads the stdout of a script.
type signals struct {
	// ready and done are closed by the first signal of each.
	ready, done chan struct{}
}

// Write is called by one goroutine at a time.
func (s *signals) Write(content []byte) (int, error) {
	for _, signal := range content {
		switch {
		case signal == signalReady && !closed(s.ready):
			close(s.ready)
		case signal == signalDone && !closed(s.done):
			close(s.done)
		}
	}
	return len(content), nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// tailSize is how much of what a command wrote to stderr is told.
const tailSize = 1024

// tail keeps the end of what is written to it. A stream that was given up may still write, hence the lock.
type tail struct {
	mu      sync.Mutex
	content []byte
}

func (t *tail) Write(content []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := slices.Concat(t.content, content)
	t.content = bytes.Clone(all[max(0, len(all)-tailSize):])
	return len(content), nil
}

// suffix returns the content to be added to an error.
func (t *tail) suffix() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	content := strings.TrimSpace(strings.ToValidUTF8(string(t.content), ""))
	if content == "" {
		return ""
	}
	return ": " + content
}
