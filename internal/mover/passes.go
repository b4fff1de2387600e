package mover

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/godwit-io/godwit/internal/mover/plan"
	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
)

// list writes the paths of what one run of rsync copies, each ended by a zero byte.
type list = func(io.Writer) error

func names(paths []string) list {
	return func(w io.Writer) error {
		for _, path := range paths {
			if _, err := io.WriteString(w, path+"\x00"); err != nil {
				return err
			}
		}
		return nil
	}
}

// copy goes through the passes of the plan. Their order matters: what is in a pass is left as it is by those after it.
func (s *sender) copy(ctx context.Context, p *plan.Plan) error {
	s.tracker.Phase(report.Copying)
	done := &progress{tracker: s.tracker}
	if len(p.Links) > 0 {
		if err := s.pass(ctx, rsync.Replace, []list{names(p.Links)}, done.stage(p.OfLinks, plan.Amount{})); err != nil {
			return err
		}
	}
	if err := s.large(ctx, p, done); err != nil {
		return err
	}
	units := make([]list, len(p.Units))
	for i, unit := range p.Units {
		units[i] = func(w io.Writer) error { return unit.List(ctx, s.root, lostAndFound, w) }
	}
	return s.pass(ctx, rsync.Replace, units, done.stage(p.Total.Minus(p.OfLinks).Minus(p.OfLarge), p.Again))
}

// large writes large files in place. What shares its content with another name at the destination, and does not at the source, must
// not be written through.
func (s *sender) large(ctx context.Context, p *plan.Plan, done *progress) error {
	if len(p.Large) == 0 {
		return nil
	}
	lists := make([]list, len(p.Large))
	for i, paths := range p.Large {
		lists[i] = names(paths)
	}
	if err := s.detach(ctx, lists); err != nil {
		return err
	}
	return s.pass(ctx, rsync.InPlace, lists, done.stage(p.OfLarge, plan.Amount{}))
}

// folders copies the attributes of folders that several copies wrote to, or that deletions may have touched.
func (s *sender) folders(ctx context.Context, p *plan.Plan) error {
	quiet := func(int) func(rsync.Progress) { return func(rsync.Progress) {} }
	if len(p.Folders) > 0 {
		if err := s.pass(ctx, rsync.Folders, []list{names(p.Folders)}, quiet); err != nil {
			return err
		}
	}
	if s.options.RootAttributes {
		return s.pass(ctx, rsync.Top, []list{names([]string{"."})}, quiet)
	}
	return nil
}

// pass runs rsync over lists, some of them at once. Problems with single entries are told and no error. The first error ends all.
func (s *sender) pass(ctx context.Context, mode rsync.Mode, lists []list, told func(run int) func(rsync.Progress)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, s.options.Parts))
	for i, paths := range lists {
		group.Go(func() error { return s.run(ctx, mode, paths, told(i)) })
	}
	return group.Wait()
}

func (s *sender) run(ctx context.Context, mode rsync.Mode, paths list, told func(rsync.Progress)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	conn, err := s.dialer.Dial(ctx, purposeOf(mode))
	if err != nil {
		return err
	}
	source := rsync.Source{Binary: s.binary, Volume: s.volume, Shell: s.options.Shell, Problem: s.problem}
	err = source.Send(ctx, conn, mode, paths, told)
	var exit *rsync.ExitError
	if errors.As(err, &exit) && exit.Partial() {
		return nil
	}
	return err
}

// progress adds up what runs of rsync tell.
type progress struct {
	tracker *report.Tracker

	mu     sync.Mutex
	stages []*stage
}

// stage is one pass.
type stage struct {
	// limit is all that it has to do, and again what it comes upon besides that an earlier pass did.
	limit, again plan.Amount
	runs         map[int]plan.Amount
}

// stage begins a pass and returns what its runs tell their progress to.
func (p *progress) stage(limit, again plan.Amount) func(run int) func(rsync.Progress) {
	s := &stage{limit: limit, again: again, runs: map[int]plan.Amount{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stages = append(p.stages, s)
	return func(run int) func(rsync.Progress) {
		return func(r rsync.Progress) { p.tell(s, run, plan.Amount{Bytes: r.Bytes, Files: r.Files}) }
	}
}

func (p *progress) tell(s *stage, run int, amount plan.Amount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.runs[run] = amount
	var total plan.Amount
	for _, stage := range p.stages {
		total = total.Add(stage.done())
	}
	p.tracker.Progress(total.Bytes, total.Files)
}

// done is never more than there is: it is not known which of the entries that were come upon again are among those already seen, so
// that all of them are taken to be.
func (s *stage) done() plan.Amount {
	var all plan.Amount
	for _, amount := range s.runs {
		all = all.Add(amount)
	}
	return all.Minus(s.again).AtMost(s.limit)
}
