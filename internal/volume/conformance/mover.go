package conformance

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

const (
	pending    = storkv1alpha1.MigrationStatusPending
	inProgress = storkv1alpha1.MigrationStatusInProgress
	failed     = storkv1alpha1.MigrationStatusFailed
	successful = storkv1alpha1.MigrationStatusSuccessful
)

func checkPending(ctx context.Context, s Subject) error {
	all, err := s.Driver.(volume.Mover).Status(ctx, s.Run)
	if err != nil {
		return err
	}
	return expect(s.Run, all, pending)
}

func checkMove(ctx context.Context, s Subject) error {
	_, err := move(ctx, s, s.Run)
	return err
}

// move copies until every volume has ended, and wants success.
func move(ctx context.Context, s Subject, run volume.Run) ([]volume.Status, error) {
	mover := s.Driver.(volume.Mover)
	all, err := mover.Start(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("starting: %w", err)
	}
	for range maxPolls {
		if err := expect(run, all, pending, inProgress, successful); err != nil {
			return nil, err
		}
		if expect(run, all, successful) == nil {
			return all, nil
		}
		s.Advance()
		if all, err = mover.Status(ctx, run); err != nil {
			return nil, fmt.Errorf("asking for the state: %w", err)
		}
	}
	return nil, fmt.Errorf("not copied after %d questions: %v", maxPolls, all)
}

func checkStartAgain(ctx context.Context, s Subject) error {
	before, err := move(ctx, s, s.Run)
	if err != nil {
		return err
	}
	after, err := s.Driver.(volume.Mover).Start(ctx, s.Run)
	if err != nil {
		return fmt.Errorf("starting what is done: %w", err)
	}
	return same(s.Run, before, after)
}

func same(run volume.Run, before, after []volume.Status) error {
	first, err := states(run, before)
	if err != nil {
		return err
	}
	second, err := states(run, after)
	if err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(first, second) {
		return fmt.Errorf("the state was %v and is now %v", first, second)
	}
	return nil
}

func checkRunsApart(ctx context.Context, s Subject) error {
	if _, err := move(ctx, s, s.Run); err != nil {
		return err
	}
	another := s.Run
	another.ID = types.UID(string(s.Run.ID) + "-another")
	all, err := s.Driver.(volume.Mover).Status(ctx, another)
	if err != nil {
		return err
	}
	return expect(another, all, pending)
}

func checkCancel(ctx context.Context, s Subject) error {
	mover := s.Driver.(volume.Mover)
	if _, err := mover.Start(ctx, s.Run); err != nil {
		return err
	}
	for range 2 {
		if err := mover.Cancel(ctx, s.Run); err != nil {
			return fmt.Errorf("canceling: %w", err)
		}
	}
	before, err := mover.Status(ctx, s.Run)
	if err != nil {
		return err
	}
	s.Advance()
	after, err := mover.Status(ctx, s.Run)
	if err != nil {
		return err
	}
	if err := expect(s.Run, after, failed, successful); err != nil {
		return err
	}
	return same(s.Run, before, after)
}

func checkCancelUnknown(ctx context.Context, s Subject) error {
	return s.Driver.(volume.Mover).Cancel(ctx, s.Run)
}

func checkCancelFinished(ctx context.Context, s Subject) error {
	before, err := move(ctx, s, s.Run)
	if err != nil {
		return err
	}
	mover := s.Driver.(volume.Mover)
	if err := mover.Cancel(ctx, s.Run); err != nil {
		return err
	}
	after, err := mover.Status(ctx, s.Run)
	if err != nil {
		return err
	}
	return same(s.Run, before, after)
}
