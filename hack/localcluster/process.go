package localcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// stopGracePeriod is what a process has between SIGTERM and SIGKILL. An API server needs one second, or a minute
	// while clients watch; nothing is lost when it has less.
	stopGracePeriod = 2 * time.Second
	// readyTimeout is for a loaded machine; an idle one needs a twentieth of it.
	readyTimeout = 3 * time.Minute
	// readyPollInterval is how often a process that comes up is asked whether it is ready.
	readyPollInterval = 50 * time.Millisecond
	// readyCheckTimeout bounds one such question.
	readyCheckTimeout = 5 * time.Second
)

// errPortBusy is in the chain of the error when a process ended because another one has its port.
var errPortBusy = errors.New("its port is in use")

// process is a program that can be started again after it ended.
type process struct {
	name    string
	path    string
	args    []string
	logFile string
	host    *Host // Nil for this machine.
	// ready tells whether the program serves, nil when it does.
	ready func(context.Context) error

	mu      sync.Mutex
	current *run // The last run; nil before the first.
}

// run is one life of a process.
type run struct {
	process *os.Process
	exited  chan struct{} // Closed when it has ended, then err says how.
	err     error
	// logOffset is where its output begins in the log file, in bytes.
	logOffset int64
}

// launch starts the program and waits until it is ready.
func (p *process) launch(ctx context.Context) error {
	r, err := p.start()
	if err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	if err := p.awaitReady(ctx, r); err != nil {
		return fmt.Errorf("waiting for %s: %w\n%s", p.name, err, indent(p.output(r)))
	}
	return nil
}

func (p *process) start() (*run, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current.alive() {
		return nil, errors.New("it is running already")
	}
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	offset, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = log, log
	r := &run{exited: make(chan struct{}), logOffset: offset}
	started := make(chan error)
	go r.live(cmd, p.host, started)
	err = <-started
	_ = log.Close() // The child has its own.
	if err != nil {
		return nil, err
	}
	p.current = r
	return r, nil
}

// live starts cmd, tells so, and waits for its end. It keeps its thread for all that time: the kernel kills the child
// when the thread that started it ends, which must happen when this whole process ends and not before.
func (r *run) live(cmd *exec.Cmd, host *Host, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(r.exited)
	err := startOn(host, cmd)
	r.process = cmd.Process
	started <- err
	if err == nil {
		r.err = cmd.Wait()
	}
}

func startOn(host *Host, cmd *exec.Cmd) error {
	if host != nil {
		return host.Start(cmd)
	}
	cmd.SysProcAttr = ChildAttributes()
	return cmd.Start()
}

func (r *run) alive() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

func (p *process) awaitReady(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("not ready after %s", readyTimeout))
	defer cancel()
	ticker := time.NewTicker(readyPollInterval)
	defer ticker.Stop()
	var lastErr error
	for {
		err := p.checkReady(ctx)
		if err == nil {
			return nil
		}
		if lastErr == nil || ctx.Err() == nil { // A check that was broken off says nothing new.
			lastErr = err
		}
		select {
		case <-r.exited:
			return p.exitError(r)
		case <-ctx.Done():
			return fmt.Errorf("%w; the last check said: %w", context.Cause(ctx), lastErr)
		case <-ticker.C:
		}
	}
}

func (p *process) checkReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyCheckTimeout)
	defer cancel()
	return p.ready(ctx)
}

func (p *process) exitError(r *run) error {
	if strings.Contains(p.output(r), syscall.EADDRINUSE.Error()) {
		return fmt.Errorf("it ended (%w): %w", r.err, errPortBusy)
	}
	if r.err == nil {
		return errors.New("it ended with success instead of serving")
	}
	return fmt.Errorf("it ended: %w", r.err)
}

// output returns the last lines that the program printed in this run.
func (p *process) output(r *run) string {
	const quotedBytes = 16 << 10
	file, err := os.Open(p.logFile)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err.Error()
	}
	begin := max(r.logOffset, info.Size()-quotedBytes)
	text, err := io.ReadAll(io.NewSectionReader(file, begin, info.Size()-begin))
	if err != nil {
		return err.Error()
	}
	return lastLines(text, quotedLines)
}

// stop ends the program, gently at first, and returns when it is gone. A program that does not run is no error.
func (p *process) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.current
	if !r.alive() {
		return nil
	}
	if err := r.signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	timer := time.NewTimer(stopGracePeriod)
	defer timer.Stop()
	select {
	case <-r.exited:
		return nil
	case <-timer.C:
	}
	if err := r.signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing %s: %w", p.name, err)
	}
	<-r.exited
	return nil
}

func (r *run) signal(sig os.Signal) error {
	if err := r.process.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// pid returns 0 when the program does not run.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.current.alive() {
		return 0
	}
	return p.current.process.Pid
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}
