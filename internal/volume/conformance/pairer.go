package conformance

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/godwit-io/godwit/internal/volume"
)

func checkPairs(_ context.Context, s Subject) error {
	pairer := s.Driver.(volume.Pairer)
	switch {
	case !pairer.Pairs(s.Pair.Spec.Options):
		return errors.New("does not take its own options")
	case pairer.Pairs(nil), pairer.Pairs(map[string]string{}):
		return errors.New("takes empty options")
	}
	return nil
}

func checkPairAgain(ctx context.Context, s Subject) error {
	pairer := s.Driver.(volume.Pairer)
	first, err := pair(ctx, pairer, s)
	if err != nil {
		return err
	}
	second, err := pairer.Pair(ctx, s.Pair)
	if err != nil {
		return fmt.Errorf("pairing what is paired: %w", err)
	}
	if first != second {
		return fmt.Errorf("paired as %+v first, then as %+v", first, second)
	}
	return nil
}

// pair pairs until it is done.
func pair(ctx context.Context, pairer volume.Pairer, s Subject) (volume.Pairing, error) {
	for range maxPolls {
		pairing, err := pairer.Pair(ctx, s.Pair)
		if err != nil {
			return pairing, fmt.Errorf("pairing: %w", err)
		}
		if pairing.Done {
			if pairing.RemoteID == "" {
				return pairing, errors.New("paired without an ID")
			}
			return pairing, nil
		}
		s.Advance()
	}
	return volume.Pairing{}, fmt.Errorf("not paired after %d calls", maxPolls)
}

func checkUnpairAgain(ctx context.Context, s Subject) error {
	pairer := s.Driver.(volume.Pairer)
	if err := pairer.Unpair(ctx, s.Pair); err != nil {
		return fmt.Errorf("unpairing what was never paired: %w", err)
	}
	if _, err := pair(ctx, pairer, s); err != nil {
		return err
	}
	for range 2 {
		if err := pairer.Unpair(ctx, s.Pair); err != nil {
			return fmt.Errorf("unpairing: %w", err)
		}
	}
	_, err := pair(ctx, pairer, s)
	return err
}

func checkPairUnchanged(ctx context.Context, s Subject) error {
	before := s.Pair.DeepCopy()
	pairer := s.Driver.(volume.Pairer)
	if _, err := pair(ctx, pairer, s); err != nil {
		return err
	}
	if err := pairer.Unpair(ctx, s.Pair); err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(before, s.Pair) {
		return errors.New("the ClusterPair was changed")
	}
	return nil
}

func checkPairCanceled(ctx context.Context, s Subject) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if pairing, err := s.Driver.(volume.Pairer).Pair(ctx, s.Pair); err == nil {
		return fmt.Errorf("no error when canceled, but %+v", pairing)
	}
	return nil
}
