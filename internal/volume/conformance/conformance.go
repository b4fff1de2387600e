package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

// maxPolls is how often a driver is asked for an end before a check gives up.
const maxPolls = 100

// Subject is a driver under test with what it works on. Each check gets one of its own, whose pair and run are new.
type Subject struct {
	Driver volume.Driver
	// Owned is a volume of the driver, Foreign one that is not.
	Owned, Foreign volume.Binding
	// Pair has options that the driver pairs with; nil where it is no Pairer.
	Pair *storkv1alpha1.ClusterPair
	// Run has at least two volumes of the driver, which can be copied; empty where it is neither a Mover nor a Retargeter.
	Run volume.Run
	// Advance lets the driver make progress; it is called between two questions for the state.
	Advance func()
}

// Check is one promise.
type Check struct {
	// Name says what is promised.
	Name string
	// Do returns how the promise is broken, nil if it is kept.
	Do func(context.Context, Subject) error
}

// Test runs the checks that apply to the driver, each with a new Subject.
func Test(t *testing.T, newSubject func(*testing.T) Subject) {
	t.Helper()
	for _, check := range Checks(newSubject(t).Driver) {
		t.Run(check.Name, func(t *testing.T) {
			if err := check.Do(t.Context(), newSubject(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Checks returns those that apply to the driver.
func Checks(driver volume.Driver) []Check {
	checks := []Check{
		{"can be registered", checkRegister},
		{"owns its volumes and no others", checkOwns},
	}
	if _, ok := driver.(volume.Pairer); ok {
		checks = append(checks,
			Check{"takes its own options and not empty ones", checkPairs},
			Check{"pairs to the same ID again", checkPairAgain},
			Check{"unpairs what is not paired", checkUnpairAgain},
			Check{"leaves the ClusterPair as it is", checkPairUnchanged},
			Check{"does not pair when canceled", checkPairCanceled},
		)
	}
	if _, ok := driver.(volume.Mover); ok {
		checks = append(checks,
			Check{"reports volumes that were not started as pending", checkPending},
			Check{"copies every volume", checkMove},
			Check{"starts a run once", checkStartAgain},
			Check{"keeps runs apart", checkRunsApart},
			Check{"cancels for good", checkCancel},
			Check{"cancels what never began", checkCancelUnknown},
			Check{"leaves a finished run as it is when canceled", checkCancelFinished},
		)
	}
	if _, ok := driver.(volume.Retargeter); ok {
		checks = append(checks, Check{"points a volume to the same place in each run", checkRetarget})
	}
	return checks
}

func checkRegister(_ context.Context, s Subject) error {
	return new(volume.Registry).Register(s.Driver)
}

func checkOwns(_ context.Context, s Subject) error {
	switch {
	case !s.Driver.Owns(s.Owned):
		return errors.New("does not own its volume")
	case s.Driver.Owns(s.Foreign):
		return errors.New("owns a foreign volume")
	case s.Driver.Owns(volume.Binding{}):
		return errors.New("owns a volume that nothing is known of")
	}
	return nil
}

// states returns the states of a run by claim. There must be exactly one for each volume.
func states(run volume.Run, all []volume.Status) (map[types.NamespacedName]volume.Status, error) {
	found := map[types.NamespacedName]volume.Status{}
	for _, status := range all {
		if _, twice := found[status.Claim]; twice {
			return nil, fmt.Errorf("two states of claim %s", status.Claim)
		}
		found[status.Claim] = status
	}
	for _, move := range run.Volumes {
		claim := types.NamespacedName{Namespace: move.Claim.Namespace, Name: move.Claim.Name}
		if _, ok := found[claim]; !ok {
			return nil, fmt.Errorf("no state of claim %s", claim)
		}
	}
	if len(found) > len(run.Volumes) {
		return nil, fmt.Errorf("%d states of %d volumes: %v", len(found), len(run.Volumes), found)
	}
	return found, nil
}

// expect checks that all volumes of a run are in one of the wanted states.
func expect(run volume.Run, all []volume.Status, wanted ...storkv1alpha1.MigrationStatusType) error {
	found, err := states(run, all)
	if err != nil {
		return err
	}
	for claim, status := range found {
		if !slices.Contains(wanted, status.State) {
			return fmt.Errorf("claim %s is %q (%s), not one of %q", claim, status.State, status.Reason, wanted)
		}
		if status.State == storkv1alpha1.MigrationStatusFailed && status.Reason == "" {
			return fmt.Errorf("claim %s failed without a reason", claim)
		}
	}
	return nil
}
