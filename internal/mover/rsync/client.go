package rsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/godwit-io/godwit/internal/mover/report"
)

// farewell is how long the server may take to end after its client has.
const farewell = time.Minute

// Source is a volume that is read. All its fields are needed.
type Source struct {
	Binary Binary
	// Volume is the folder at its root, absolute and no symbolic link.
	Volume string
	// Shell is the command that calls HandOver. Its first word is the path of a program.
	Shell []string
	// Problem is called for each complaint about a file, by either end. Calls come from several goroutines when several runs do.
	Problem func(Problem)
}

// Send copies entries of the volume to the server at the other end of the connection, which it closes. list writes their paths, each
// relative to the volume and ended by a zero byte: what is a folder is copied with all in it, and folders above an entry are copied
// without what else is in them. list may be cut off. progress is called whenever there is some.
//
// The error is an *ExitError where rsync has run; if that is Partial, each problem was told. Connections that fail have
// report.Connection in it, whatever rsync says to that.
func (s Source) Send(ctx context.Context, conn net.Conn, mode Mode, list func(io.Writer) error, progress func(Progress)) error {
	defer conn.Close() //nolint:errcheck // What was sent was acknowledged by rsync.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	shell, err := shellCommand(s.Shell)
	if err != nil {
		return err
	}
	ours, theirs, err := shellSocket()
	if err != nil {
		return err
	}
	defer ours.Close()   //nolint:errcheck // It only carried descriptors.
	defer theirs.Close() //nolint:errcheck // It only carried descriptors.

	cmd := command(ctx, s.Binary, s.Volume, clientArguments(mode, shell))
	cmd.ExtraFiles = []*os.File{theirs}
	out, complaints := &counter{}, &complaints{root: s.Volume, each: s.Problem}
	stdout := &lines{each: func(line string) {
		out.line(line)
		progress(out.progress())
	}}
	stderr := &lines{each: complaints.line}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	names, err := cmd.StdinPipe()
	if err != nil {
		return err
	}

	var workers sync.WaitGroup
	var listing, joining error
	workers.Go(func() { joining = joinClient(ctx, ours, conn) })
	started := func() {
		_ = theirs.Close()
		workers.Go(func() { listing = errors.Join(list(names), names.Close()) })
	}
	running := run(ctx, cmd, confinement{volume: s.Volume, programs: []string{s.Binary.folder(), s.Shell[0]}}, started)
	stderr.flush()
	_ = names.Close()
	_ = ours.Close()
	if running == nil {
		_ = conn.SetReadDeadline(time.Now().Add(farewell)) //nolint:forbidigo // Deadlines of connections are of the system's clock.
	} else {
		_ = conn.Close()
	}
	workers.Wait()
	return complaints.explain(running, joining, listing)
}

// command is rsync with nothing of this process' environment but what it is found by.
func command(ctx context.Context, binary Binary, volume string, arguments []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary.Path, arguments...) //nolint:gosec // It is the rsync of the image.
	cmd.Dir = volume
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	return cmd
}

// joinClient passes on between rsync and the connection until either ends. It returns what failed of the connection.
func joinClient(ctx context.Context, shell *net.UnixConn, conn net.Conn) error {
	fromRsync, toRsync, err := receiveStreams(ctx, shell)
	if err != nil {
		return nil // What rsync says is better.
	}
	defer fromRsync.Close() //nolint:errcheck // It is rsync's to say what failed.
	defer toRsync.Close()   //nolint:errcheck // It is rsync's to say what failed.
	return join(conn, fromRsync, toRsync)
}

// complaints collects what a run wrote on its standard error.
type complaints struct {
	root string
	each func(Problem)
	// class and detail are of the last complaint, but for the first that there is no space: all that follows is for that.
	class  report.Class
	detail string
	// named counts what was told with a path, and unnamed what is not understood.
	named, unnamed int
}

func (c *complaints) line(text string) {
	problem, found := parseProblem(text, c.root)
	switch {
	case found && problem.Path != "":
		c.named++
		c.each(problem)
		c.note(problem.Class, report.Escape(problem.Path)+": "+problem.Message)
	case found:
		c.unnamed++
		c.note(problem.Class, problem.Message)
	case !summary.MatchString(text):
		c.unnamed++
		c.note("", text)
	}
}

func (c *complaints) note(class report.Class, detail string) {
	if c.class != report.NoSpace {
		c.class, c.detail = class, detail
	}
}

// explain makes one error of how a run ended. It is nil only if all went well.
func (c *complaints) explain(running, joining, listing error) error {
	var exit *exec.ExitError
	if !errors.As(running, &exit) {
		if running == nil && listing != nil {
			return fmt.Errorf("listing what is to be copied: %w", listing)
		}
		return running
	}
	explained := exitError(exit.ExitCode(), c.detail)
	switch {
	case explained.Partial():
		if c.unnamed > 0 || c.named == 0 {
			c.each(Problem{Class: report.Input, Message: explained.Error()})
		}
	case c.class == report.NoSpace, explained.Code == exitFile && c.class != "":
		explained.Class = c.class
	case joining != nil:
		explained.Class, explained.Detail = report.Connection, joining.Error()
	}
	return explained
}
