package conformance

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"github.com/godwit-io/godwit/internal/volume"
)

func checkRetarget(ctx context.Context, s Subject) error {
	retargeter := s.Driver.(volume.Retargeter)
	source := s.Run.Volumes[0].Volume
	if source == nil {
		return errors.New("the subject's first volume has no PersistentVolume")
	}
	before := source.DeepCopy()
	if _, ok := s.Driver.(volume.Mover); ok {
		if _, err := move(ctx, s, s.Run); err != nil {
			return err
		}
	}
	first, err := retargeter.Retarget(ctx, s.Run, source)
	if err != nil {
		return fmt.Errorf("retargeting: %w", err)
	}
	another := s.Run
	another.ID = types.UID(string(s.Run.ID) + "-another")
	if _, ok := s.Driver.(volume.Mover); ok {
		if _, err := move(ctx, s, another); err != nil {
			return err
		}
	}
	second, err := retargeter.Retarget(ctx, another, source)
	switch {
	case err != nil:
		return fmt.Errorf("retargeting for another run: %w", err)
	case !equality.Semantic.DeepEqual(first.Spec.PersistentVolumeSource, second.Spec.PersistentVolumeSource):
		return errors.New("the place differs between two runs")
	case !equality.Semantic.DeepEqual(before, source):
		return errors.New("the PersistentVolume that it was handed was changed")
	}
	return nil
}
