package rsync

import (
	"context"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// stopGrace is what rsync has to remove the file that it is writing, when it is told to end.
const stopGrace = 2 * time.Second

// run starts the command confined and waits for its end. When the context ends, the command is told to end too, and killed if it does
// not. However this process ends, the command ends with it. started is called once it runs; nil is nothing.
func run(ctx context.Context, cmd *exec.Cmd, limits confinement, started func()) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	over := make(chan error)
	go func() {
		// The thread is never given back: what it started dies with it, and it is confined for ever.
		runtime.LockOSThread()
		over <- runHere(cmd, limits, started)
	}()
	err := <-over
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func runHere(cmd *exec.Cmd, limits confinement, started func()) error {
	if err := limits.apply(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if started != nil {
		started()
	}
	err := cmd.Wait()
	// A server is two processes, and what is left of the group has nobody to talk to.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return err
}
