package mover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/clock"

	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/plan"
	"github.com/godwit-io/godwit/internal/mover/prune"
	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
	"github.com/godwit-io/godwit/internal/mover/tree"
	"github.com/godwit-io/godwit/internal/mover/verify"
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
	// Parts is how many copies run side by side, and Walkers how many folders are read at once.
	Parts, Walkers int
	// Live says that others write to the volume meanwhile, so that what vanishes or changes is no failure.
	Live bool
	// RootAttributes carries over the owner, mode and times of the folder at the volume's root.
	RootAttributes bool
	// Verify compares all of both volumes afterwards, contents included. What rsync sends is checked on arrival in any case.
	Verify bool
	// Out gets the lines of the report.
	Out   io.Writer
	Clock clock.WithTicker
}

// sender is one run of Send.
type sender struct {
	options SendOptions
	volume  string
	root    *tree.Root
	binary  rsync.Binary
	dialer  *link.Dialer
	facts   facts // Of the receiver.
	tracker *report.Tracker
	seen    *seen
}

// Send copies the volume to the receiver, and returns the last report.
func Send(ctx context.Context, options SendOptions) report.Report {
	s := &sender{options: options, seen: newSeen()}
	s.tracker = report.NewTracker(options.Out, options.Clock, s.sent)
	if err := s.open(ctx); err != nil {
		return s.tracker.Finish(outcomeOf(err))
	}
	defer s.root.Close() //nolint:errcheck // It was only read.
	var telling sync.WaitGroup
	running, stop := context.WithCancel(ctx)
	telling.Go(func() { s.tracker.Run(running) })
	outcome := s.send(ctx)
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
	if s.dialer, err = link.NewDialer(s.options.Dialer); err != nil {
		return err
	}
	s.root, err = tree.Open(s.volume)
	return err
}

// send goes through the phases. What is already known to be missing keeps the receiver from deleting anything.
func (s *sender) send(ctx context.Context) report.Outcome {
	if err := s.begin(ctx); err != nil {
		return outcomeOf(err)
	}
	p, err := s.plan(ctx)
	if err != nil {
		return outcomeOf(err)
	}
	if err := s.copy(ctx, p); err != nil {
		return outcomeOf(s.explained(ctx, err))
	}
	if s.judge().Result == report.Complete {
		if err := s.prune(ctx, p); err != nil {
			return outcomeOf(err)
		}
	}
	if err := s.folders(ctx, p); err != nil {
		return outcomeOf(s.explained(ctx, err))
	}
	digest, err := s.verify(ctx, p)
	if err != nil {
		return outcomeOf(err)
	}
	outcome := s.judge()
	outcome.Digest = digest
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

// plan looks through the volume.
func (s *sender) plan(ctx context.Context) (*plan.Plan, error) {
	s.tracker.Phase(report.Scanning)
	p, err := plan.Make(ctx, s.root, plan.Options{
		Skip: lostAndFound, Walkers: s.options.Walkers, Parts: s.options.Parts, Owner: s.facts.UID, Groups: s.facts.Groups,
		Unreadable:   s.unreadable,
		NotPreserved: func(path, why string) { s.tracker.Problem(report.NotPreserved, path, why) },
	})
	if err != nil {
		return nil, err
	}
	s.tracker.Problems(report.NotPreserved, p.NotPreserved-s.tracker.Count(report.NotPreserved))
	s.tracker.Totals(p.Total.Bytes, p.Total.Files)
	return p, nil
}

// prune has the receiver delete what is gone here. It looks at all entries once more, and so finds those that changed since they
// were listed.
func (s *sender) prune(ctx context.Context, p *plan.Plan) error {
	s.tracker.Phase(report.Deleting)
	conn, err := s.dialer.Dial(ctx, purposePrune)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // All was said.
	source := prune.Source{Root: s.root, Workers: s.options.Walkers, Unreadable: s.unreadable}
	source.Found = func(path string, stat *unix.Stat_t) {
		if p.Changed(stat) {
			s.problem(rsync.Problem{Class: report.Changed, Path: path, Message: "it changed after the volume was looked through"})
		}
	}
	summary, err := source.Answer(ctx, conn)
	if err != nil {
		return err
	}
	for _, problem := range summary.Problems {
		s.tracker.Problem(report.Permission, string(problem.Path), problem.Message)
	}
	s.tracker.Problems(report.Permission, summary.Failed-int64(len(summary.Problems)))
	return nil
}

// verify compares both ends if that is wanted and nothing is known to be missing. It returns the digest of equal trees.
func (s *sender) verify(ctx context.Context, p *plan.Plan) (string, error) {
	if !s.options.Verify || s.judge().Result != report.Complete {
		return "", nil
	}
	s.tracker.Phase(report.Verifying)
	conn, err := s.dialer.Dial(ctx, purposeVerify)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // All was said.
	privileged := s.facts.UID == 0 && os.Geteuid() == 0
	source := verify.Source{Root: s.root, Options: verify.Options{Skip: lostAndFound, Unprivileged: !privileged, Workers: s.options.Walkers}}
	source.Different = func(path, what string, stat *unix.Stat_t) {
		class := report.Different
		if s.options.Live && stat != nil && p.Changed(stat) {
			class = report.Changed
		}
		s.problem(rsync.Problem{Class: class, Path: path, Message: what})
	}
	source.Unreadable = func(path, why string, here bool) {
		class := report.Input
		if here {
			class = report.Unreadable
		}
		s.problem(rsync.Problem{Class: class, Path: path, Message: why})
	}
	return source.Compare(ctx, conn)
}

func (s *sender) unreadable(path string, err error) {
	s.problem(rsync.Problem{Class: report.Unreadable, Path: path, Message: err.Error()})
}

// problem tells of an entry once, however many passes come upon it.
func (s *sender) problem(p rsync.Problem) {
	if p.Path == "" || s.seen.first(string(p.Class)+"\x00"+p.Path) {
		s.tracker.Problem(p.Class, p.Path, p.Message)
	}
}

// judge says whether what was found leaves the copy complete.
func (s *sender) judge() report.Outcome {
	for _, class := range report.Grave {
		if s.options.Live && (class == report.Vanished || class == report.Changed) {
			continue
		}
		if n := s.tracker.Count(class); n > 0 {
			return report.Outcome{Result: report.Incomplete, Class: class, Message: fmt.Sprintf("%d entries are not as they should be: %s", n, class)}
		}
	}
	return report.Outcome{Result: report.Complete}
}

// finish tells the receiver, which then makes what it has last.
func (s *sender) finish(ctx context.Context, outcome report.Outcome) report.Outcome {
	var answer finished
	told := s.tracker.Preview(outcome)
	err := ask(ctx, s.dialer.Dial, purposeFinish, finishTimeout, told, &answer)
	if err == nil {
		err = answer.failure("keep what it wrote")
	}
	if err != nil {
		return outcomeOf(err)
	}
	return outcome
}
