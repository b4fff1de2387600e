package mover

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
	"k8s.io/utils/clock"

	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/prune"
	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
	"github.com/godwit-io/godwit/internal/mover/tree"
	"github.com/godwit-io/godwit/internal/mover/verify"
)

// ReceiveOptions are what Receive needs.
type ReceiveOptions struct {
	// Volume is the folder that the volume is mounted at.
	Volume string
	// Listen is the address of the port to open.
	Listen string
	// Identity is a folder as link.NewServer reads it, and Peer the name in the sender's certificate.
	Identity string
	Peer     string
	// Out gets the lines of the report.
	Out   io.Writer
	Clock clock.WithTicker
	// Listening is told the address once the port is open; nil is nothing.
	Listening func(net.Addr)
}

// receiver is one run of Receive.
type receiver struct {
	options  ReceiveOptions
	volume   string
	root     *tree.Root
	binary   rsync.Binary
	tracker  *report.Tracker
	failures failures
	// complete ends the run, with the report of the sender.
	complete func(report.Report)
}

// Receive writes what one sender sends after the other to the volume until one of them has sent all, and returns the last report.
func Receive(ctx context.Context, options ReceiveOptions) report.Report {
	tracker := report.NewTracker(options.Out, options.Clock, nil)
	var telling sync.WaitGroup
	running, stop := context.WithCancel(ctx)
	telling.Go(func() { tracker.Run(running) })
	last, err := receive(ctx, options, tracker)
	stop()
	telling.Wait()
	if err != nil {
		return tracker.Finish(outcomeOf(err))
	}
	return tracker.Repeat(last)
}

func receive(ctx context.Context, options ReceiveOptions, tracker *report.Tracker) (last report.Report, err error) {
	r := &receiver{options: options, tracker: tracker}
	if r.volume, err = openVolume(options.Volume); err != nil {
		return last, err
	}
	if r.root, err = tree.Open(r.volume); err != nil {
		return last, err
	}
	defer r.root.Close() //nolint:errcheck // What was done in it was checked.
	if r.binary, err = rsync.Find(ctx); err != nil {
		return last, err
	}
	serving, end := context.WithCancel(ctx)
	defer end()
	var once sync.Once
	r.complete = func(told report.Report) {
		once.Do(func() {
			last = told
			end()
		})
	}
	if err := r.serve(serving); err != nil {
		return last, err
	}
	return last, ctx.Err()
}

func (r *receiver) serve(ctx context.Context) error {
	server, err := link.NewServer(r.options.Identity, r.options.Peer)
	if err != nil {
		return err
	}
	server.Handle(link.Begin, r.begin)
	server.Handle(purposeDetach, r.detach)
	server.Handle(purposePrune, func(ctx context.Context, conn net.Conn) error {
		r.tracker.Phase(report.Deleting)
		return prune.Destination{Root: r.root, Skip: lostAndFound}.Delete(ctx, conn)
	})
	server.Handle(purposeVerify, func(ctx context.Context, conn net.Conn) error {
		r.tracker.Phase(report.Verifying)
		return verify.Stream(ctx, conn, r.root)
	})
	server.Handle(purposeExplain, r.failures.explain)
	server.Handle(purposeFinish, r.finish)
	for _, mode := range rsync.Modes {
		server.Handle(purposeOf(mode), func(ctx context.Context, conn net.Conn) error {
			return r.failures.watch(func() error {
				return rsync.Destination{Binary: r.binary, Volume: r.volume}.Serve(ctx, conn, mode)
			})
		})
	}
	listener, err := link.Listen(ctx, r.options.Listen)
	if err != nil {
		return fmt.Errorf("opening the port: %w", err)
	}
	if r.options.Listening != nil {
		r.options.Listening(listener.Addr())
	}
	return server.Serve(ctx, listener)
}

// begin tells a sender what this end is.
func (r *receiver) begin(ctx context.Context, conn net.Conn) error {
	r.tracker.Phase(report.Copying)
	r.failures.forget()
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	confined := rsync.Confinable()
	if confined != nil {
		slog.WarnContext(ctx, "Only the pod confines what is received", "reason", confined)
	}
	return json.NewEncoder(conn).Encode(facts{
		UID: os.Geteuid(), Groups: append(groups, os.Getegid()), Rsync: r.binary.Version, Confined: confined == nil,
	})
}

// finish makes what was written last, answers, and ends this mover if the sender has sent all.
func (r *receiver) finish(ctx context.Context, conn net.Conn) error {
	var told report.Report
	if err := hear(conn, &told); err != nil {
		return err
	}
	var answer finished
	err := syncVolume(r.volume)
	if err != nil {
		answer = finished{Error: err.Error(), Class: classOf(err)}
	}
	if err := json.NewEncoder(conn).Encode(answer); err != nil {
		return err
	}
	if err == nil && told.Result == report.Complete {
		r.complete(told)
	}
	slog.InfoContext(ctx, "The sender is done", "result", told.Result, "class", told.Class, "message", told.Message)
	return err
}

// syncVolume writes all of a file system to its disk. Errors of writes that were put off come out here.
func syncVolume(path string) error {
	folder, err := os.Open(path) //nolint:gosec // The volume is the operator's choice.
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // Nothing was written to it.
	if err := unix.Syncfs(int(folder.Fd())); err != nil {
		return &os.PathError{Op: "syncfs", Path: path, Err: err}
	}
	return nil
}
