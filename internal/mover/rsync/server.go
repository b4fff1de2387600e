package rsync

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pipeSize spares switches between processes, in bytes. The kernel may grant less.
const pipeSize = 1 << 20

// Destination is a volume that is written to. All its fields are needed.
type Destination struct {
	Binary Binary
	// Volume is the folder at its root, absolute and no symbolic link.
	Volume string
}

// Serve runs rsync as a server over the connection until either ends. It writes beneath the volume only, whatever the other end
// sends. The error is an *ExitError where rsync has run.
func (d Destination) Serve(ctx context.Context, conn net.Conn, mode Mode) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stdin, toRsync, err := pipe()
	if err != nil {
		return err
	}
	defer stdin.Close() //nolint:errcheck // It is rsync's to say what failed.
	fromRsync, stdout, err := pipe()
	if err != nil {
		_ = toRsync.Close()
		return err
	}
	defer stdout.Close() //nolint:errcheck // It is rsync's to say what failed.

	cmd := command(ctx, d.Binary, d.Volume, serverArguments(mode))
	complaints := &complaints{root: d.Volume, each: func(Problem) {}} // The client is told of those.
	stderr := &lines{each: complaints.line}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	var workers sync.WaitGroup
	var joining error
	workers.Go(func() {
		defer fromRsync.Close() //nolint:errcheck // It is rsync's to say what failed.
		joining = join(conn, fromRsync, toRsync)
	})
	started := func() { _, _ = stdin.Close(), stdout.Close() }
	running := run(ctx, cmd, confinement{volume: d.Volume, write: true, programs: []string{d.Binary.folder()}}, started)
	stderr.flush()
	_, _ = stdin.Close(), stdout.Close() // In case it never started.
	_ = conn.SetReadDeadline(time.Unix(1, 0))
	workers.Wait()
	return complaints.explain(running, joining, nil)
}

func pipe() (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err == nil {
		setPipeSize(w)
	}
	return r, w, err
}

// setPipeSize is best effort.
func setPipeSize(end *os.File) {
	if raw, err := end.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
	}
}

// folder is where the program and what comes with it are.
func (b Binary) folder() string { return filepath.Dir(b.Path) }
