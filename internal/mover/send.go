package mover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
)

// SendOptions are what Send needs.
type SendOptions struct {
	// Volume is the folder that the volume is mounted at.
	Volume string
	Dialer link.DialerOptions
	// Patience is how long the receiver may take to appear.
	Patience time.Duration
	// Shell is the command that calls rsync.HandOver.
	Shell []string
	// Live says that others write to the volume meanwhile, so that what vanishes or changes is no failure.
	Live bool
	// Out gets the lines of the report.
	Out   io.Writer
	Clock clock.WithTicker
}

// sender is one run of Send.
type sender struct {
	options SendOptions
	volume  string
	binary  rsync.Binary
	dialer  *link.Dialer
	facts   facts // Of the receiver.
	tracker *report.Tracker
}

// Send copies the volume to the receiver, and returns the last report.
func Send(ctx context.Context, options SendOptions) report.Report {
	s := &sender{options: options}
	s.tracker = report.NewTracker(options.Out, options.Clock, s.sent)
	outcome := outcomeOf(context.Canceled)
	if err := s.open(ctx); err != nil {
		return s.tracker.Finish(outcomeOf(err))
	}
	var telling sync.WaitGroup
	running, stop := context.WithCancel(ctx)
	telling.Go(func() { s.tracker.Run(running) })
	outcome = s.send(ctx)
	stop()
	telling.Wait()
	return s.tracker.Finish(outcome)
}

func (s *sender) sent() int64 {
	if s.dialer == nil {
		return 0
	}
	return s.dialer.Sent()
}

// open looks at what this end has.
func (s *sender) open(ctx context.Context) (err error) {
	if s.volume, err = openVolume(s.options.Volume); err != nil {
		return err
	}
	if s.binary, err = rsync.Find(ctx); err != nil {
		return err
	}
	s.dialer, err = link.NewDialer(s.options.Dialer)
	return err
}

// send goes through the phases. The receiver is told how it ended, unless it is the one that is lost.
func (s *sender) send(ctx context.Context) report.Outcome {
	if err := s.begin(ctx); err != nil {
		return outcomeOf(err)
	}
	err := s.copy(ctx)
	if err != nil {
		return outcomeOf(err)
	}
	outcome := s.judge()
	return s.finish(ctx, outcome)
}

// begin waits for the receiver.
func (s *sender) begin(ctx context.Context) error {
	const pause = time.Second
	deadline := s.options.Clock.Now().Add(s.options.Patience)
	for {
		err := ask(ctx, s.dialer.Dial, link.Begin, messageTimeout, struct{}{}, &s.facts)
		if err == nil || errors.Is(err, link.ErrIdentity) || ctx.Err() != nil || s.options.Clock.Now().After(deadline) {
			return err
		}
		timer := s.options.Clock.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C():
		}
		timer.Stop()
	}
}

// copy runs rsync over the whole volume.
func (s *sender) copy(ctx context.Context) error {
	s.tracker.Phase(report.Copying)
	mode := rsync.Replace
	conn, err := s.dialer.Dial(ctx, purposeOf(mode))
	if err != nil {
		return err
	}
	source := rsync.Source{Binary: s.binary, Volume: s.volume, Shell: s.options.Shell, Problem: s.problem}
	err = source.Send(ctx, conn, mode, s.listRoot, func(p rsync.Progress) { s.tracker.Progress(p.Bytes, p.Files) })
	var exit *rsync.ExitError
	if errors.As(err, &exit) && exit.Partial() {
		return nil
	}
	return err
}

func (s *sender) listRoot(w io.Writer) error {
	entries, err := os.ReadDir(s.volume)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == lostAndFound {
			continue
		}
		if _, err := io.WriteString(w, entry.Name()+"\x00"); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) problem(p rsync.Problem) { s.tracker.Problem(p.Class, p.Path, p.Message) }

// judge says whether what was found leaves the copy complete.
func (s *sender) judge() report.Outcome {
	for _, class := range report.Grave {
		if (class == report.Vanished || class == report.Changed) && s.options.Live {
			continue
		}
		if n := s.tracker.Count(class); n > 0 {
			return report.Outcome{Result: report.Incomplete, Class: class, Message: fmt.Sprintf("%d entries were not copied: %s", n, class)}
		}
	}
	return report.Outcome{Result: report.Complete}
}

// finish tells the receiver, which then makes what it has last.
func (s *sender) finish(ctx context.Context, outcome report.Outcome) report.Outcome {
	var answer finished
	told := s.tracker.Preview(outcome)
	if err := ask(ctx, s.dialer.Dial, purposeFinish, finishTimeout, told, &answer); err != nil {
		return outcomeOf(err)
	}
	if answer.Error != "" {
		return report.Outcome{Result: report.Failed, Class: answer.Class, Message: "the receiver could not keep what it wrote: " + answer.Error}
	}
	return outcome
}
