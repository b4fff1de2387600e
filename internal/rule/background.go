package rule

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	//go:embed background.sh
	backgroundScript string
	//go:embed wait.sh
	waitScript string
)

// stopMargin is what the connection may need in addition to the grace of a command.
const stopMargin = 15 * time.Second

var (
	errNotEnded = errors.New("it did not end in time; it may still run in the container")
	errEarly    = errors.New("it ended before it was told to")
)

// background are the background commands of one Run.
type background struct {
	runner *Runner
	track  Track

	mu       sync.Mutex
	tracker  Tracker
	folders  int
	commands []*command
}

// start starts a command in all targets and returns when it waits in each. What was started before an error is stopped by Stop.
func (b *background) start(ctx context.Context, targets []target, value string) error {
	if len(targets) == 0 {
		return nil
	}
	for _, t := range targets {
		b.tracker.Pods = append(b.tracker.Pods, TrackedPod{UID: t.uid, Namespace: t.namespace, Container: t.container})
	}
	if b.track != nil {
		if err := b.track(ctx, b.tracker); err != nil {
			return fmt.Errorf("storing where background commands run: %w", err)
		}
	}
	return inEach(targets, func(t target) error {
		return b.runner.retry(ctx, t, func() error {
			command, err := b.runner.startCommand(ctx, t, b.folder(), value)
			if err == nil {
				b.add(command)
			}
			return err
		})
	})
}

// folder returns a folder for one attempt: an earlier one may not have ended yet, and containers may share /tmp.
func (b *background) folder() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.folders++
	return folderPrefix(b.tracker.TaskID) + strconv.Itoa(b.folders)
}

func folderPrefix(taskID string) string { return "/tmp/godwit-rule-" + taskID + "-" }

func (b *background) add(c *command) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commands = append(b.commands, c)
}

// Stop implements Background.
func (b *background) Stop(ctx context.Context) error {
	b.mu.Lock()
	commands := b.commands
	b.commands = nil
	b.mu.Unlock()
	// All are told before one is waited for, so that no application stays frozen for another's sake.
	for _, c := range commands {
		c.release()
	}
	ctx, cancel := b.runner.withTimeout(ctx, b.runner.options.Grace+stopMargin, errNotEnded)
	defer cancel()
	var failures []error
	for _, c := range commands {
		if err := c.wait(ctx); err != nil {
			failures = append(failures, fmt.Errorf("background command in %s: %w", c.target, err))
		}
	}
	return joinFew(failures)
}

// command is a background command in one container.
type command struct {
	target target
	// stdin keeps the command waiting as long as it is open.
	stdin *io.PipeWriter
	// cancel cuts the connection.
	cancel context.CancelCauseFunc
	// done is closed when the command has ended; err tells how.
	done chan struct{}
	err  error
	// early tells that the command had ended when it was released.
	early bool
}

// startCommand starts a command and returns when it waits. On an error it has ended, or was cut off.
func (r *Runner) startCommand(ctx context.Context, t target, folder, value string) (*command, error) {
	runCtx, cancel := context.WithCancelCause(ctx)
	stdin, stdinWriter := io.Pipe()
	c := &command{target: t, stdin: stdinWriter, cancel: cancel, done: make(chan struct{})}
	streams := newStreams()
	go func() {
		defer close(c.done)
		// Also lets go of whoever still reads it in vain.
		defer func() { _ = stdin.Close() }()
		c.err = streams.verdict(runCtx, r.exec(runCtx, t, r.backgroundCommand(folder, value), stdin, streams))
	}()
	if err := r.waitReady(ctx, c, streams); err != nil {
		return nil, err
	}
	return c, nil
}

func (r *Runner) backgroundCommand(folder, value string) []string {
	return []string{
		"sh", "-c", backgroundScript, "sh", folder, seconds(r.options.Limit), seconds(r.options.Grace), waitScript,
		strings.ReplaceAll(value, waitPlaceholder, "sh "+folder+"/wait"),
	}
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// waitReady returns nil when the command waits. Otherwise it ends the command.
func (r *Runner) waitReady(ctx context.Context, c *command, streams *streams) error {
	readyCtx, cancel := r.withTimeout(ctx, r.options.ReadyTimeout, errNotReady)
	defer cancel()
	select {
	case <-streams.signals.ready:
		return nil
	case <-c.done:
		if err := c.wait(ctx); err != nil {
			return err
		}
		return fmt.Errorf("it ended without reaching %s%s", waitPlaceholder, streams.stderr.suffix())
	case <-readyCtx.Done():
	}
	c.release()
	stopCtx, cancelStop := r.withTimeout(ctx, stopMargin, errNotEnded)
	defer cancelStop()
	_ = c.wait(stopCtx)
	return fmt.Errorf("%w%s", context.Cause(readyCtx), streams.stderr.suffix())
}

// release lets the command end.
func (c *command) release() {
	c.early = closed(c.done)
	_ = c.stdin.Close()
}

// wait returns when the command has ended, and how. When ctx ends it cuts the connection.
func (c *command) wait(ctx context.Context) error {
	select {
	case <-c.done:
	case <-ctx.Done():
		c.cancel(context.Cause(ctx))
		<-c.done
	}
	c.cancel(nil)
	switch {
	case c.early && c.err == nil:
		return errEarly
	case c.early:
		return fmt.Errorf("%w: %w", errEarly, c.err)
	}
	return c.err
}
