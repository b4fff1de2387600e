package portworx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

const (
	pending    = storkv1alpha1.MigrationStatusPending
	inProgress = storkv1alpha1.MigrationStatusInProgress
	failed     = storkv1alpha1.MigrationStatusFailed
	successful = storkv1alpha1.MigrationStatusSuccessful
)

func TestCopyArrivesUnderTheNameOfItsPersistentVolume(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "orders", "customers")
	b.want(b.start(run), inProgress, inProgress)
	b.want(b.finish(run), successful, successful)
	for _, move := range run.Volumes {
		target, err := b.driver.Retarget(t.Context(), run, move.Volume)
		if err != nil {
			t.Fatal(err)
		}
		here, _ := b.source.Volume(move.Volume.Name)
		if there, found := b.destination.Volume(target.Spec.CSI.VolumeHandle); !found || there != here {
			t.Errorf("volume %s holds %q there, %q here", target.Spec.CSI.VolumeHandle, there, here)
		}
	}
}

func TestReasonsFollowTheStages(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "0123456789")
	states := b.start(run)
	reasons := []string{states[0].Reason}
	for states[0].State == inProgress {
		b.source.Advance()
		states = b.status(run)
		reasons = append(reasons, states[0].Reason)
	}
	wanted := []string{
		"Migration Backup is Queued",
		"Migration Backup is Initialized",
		"Migration Backup is in progress: 5 of 10 bytes, 5s left",
		"Migration Backup is Complete",
		"Migration Restore is in progress: 10 of 10 bytes, 3s left",
		"Migration Restore is Complete",
		"Migration VolumeUpdate is in progress: 10 of 10 bytes, 1s left",
		"Migration successful for volume",
	}
	if !slices.Equal(reasons, wanted) {
		t.Errorf("reasons:\n%s\nwant:\n%s", strings.Join(reasons, "\n"), strings.Join(wanted, "\n"))
	}
}

func TestSizeIsKeptThoughPortworxForgetsIt(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "0123456789")
	b.start(run)
	b.source.Advance()
	b.source.Advance()
	half := b.status(run)[0]
	if half.Bytes != 10 || half.Progress.BytesDone != 5 {
		t.Errorf("half way: %d bytes of %d", half.Progress.BytesDone, half.Bytes)
	}
	if done := b.finish(run)[0]; done.Bytes != 10 || done.Progress.BytesDone != 10 {
		t.Errorf("in the end: %d bytes of %d", done.Progress.BytesDone, done.Bytes)
	}
}

func TestOneQuestionForAllVolumes(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), make([]string, 50)...)
	b.start(run)
	before := b.calls("OpenStorageMigrate/Status")
	b.status(run)
	if asked := b.calls("OpenStorageMigrate/Status") - before; asked != 1 {
		t.Errorf("Portworx was asked %d times for 50 volumes", asked)
	}
	started := b.calls("OpenStorageMigrate/Start")
	b.start(run)
	if again := b.calls("OpenStorageMigrate/Start") - started; started != 50 || again != 0 {
		t.Errorf("%d copies started, then %d again", started, again)
	}
}

func TestAnotherProcessGoesOn(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "orders", "customers")
	first := run
	first.Volumes = run.Volumes[:1]
	b.start(first) // It ended before it came to the second.
	b.source.Advance()
	b.driver = b.newDriver(nil)
	b.want(b.start(run), inProgress, inProgress)
	if started := b.calls("OpenStorageMigrate/Start"); started != 2 {
		t.Errorf("%d copies were started, want 2", started)
	}
	b.want(b.finish(run), successful, successful)
}

func TestCopyThatWasStartedMeanwhileIsItsOwn(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "orders")
	for range 2 {
		if err := b.driver.startOne(t.Context(), run, run.Volumes[0]); err != nil {
			t.Fatal(err)
		}
	}
	b.want(b.finish(run), successful)
	b.source.ForgetTasks()
	b.want(b.status(run), pending) // Not refused.
}

func TestFullObjectStoreIsTold(t *testing.T) {
	b := newBench(t, nil)
	b.destination.LimitObjectStore(100)
	run := b.run(b.paired(), strings.Repeat("x", 101), "small")
	b.start(run)
	states := b.finish(run)
	b.want(states, failed, successful)
	mention(t, states[0].Reason, "Migration Backup failed for volume: Backup failed: XMinioStorageFull: Storage backend has reached its minimum "+
		"free disk threshold. Please delete a few objects to proceed.\n\tstatus code: 500, request id: 15ADBC3B90C3A97F, host id:; enlarge",
		"ObjectstoreVolume", "backuplocation")
}

func TestVolumeThatFailsLeavesTheOthersAlone(t *testing.T) {
	b := newBench(t, nil)
	b.source.FailVolume("pvc-1", "Backup failed: the volume is offline")
	run := b.run(b.paired(), "a", "b", "c")
	run.Volumes = append(run.Volumes, moveOf("data-3", "pvc-gone", csiVolume("pvc-gone")), moveOf("data-4", "", nil))
	b.start(run)
	states := b.finish(run)
	b.want(states, successful, failed, successful, failed, failed)
	mention(t, states[1].Reason, "Migration Backup failed for volume: Backup failed: the volume is offline")
	mention(t, states[3].Reason, "Portworx does not copy the volume", "Volume with ID: pvc-gone not found")
	mention(t, states[4].Reason, "not bound")
}

func TestClaimThatIsGoneIsCopiedOn(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "orders")
	b.start(run)
	run.Volumes[0] = moveOf("data-0", "pvc-0", nil) // Only the names are left.
	b.want(b.finish(run), successful)
}

func TestStartTriesAgainWhatMayPass(t *testing.T) {
	for name, tc := range map[string]struct {
		code codes.Code
		want error
	}{
		"Portworx is overloaded":       {codes.ResourceExhausted, nil},
		"a node of Portworx restarts":  {codes.Unavailable, volume.ErrUnreachable},
		"Portworx does not answer":     {codes.DeadlineExceeded, volume.ErrUnreachable},
		"the token is not good enough": {codes.PermissionDenied, volume.ErrPermission},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			run := b.run(b.paired(), "a", "b", "c")
			b.source.Fault(func(_ string, request any) error {
				if start, ok := request.(*openstorage.SdkCloudMigrateStartRequest); ok && start.GetVolume().GetVolumeId() == "pvc-0" {
					return status.Error(tc.code, "not now")
				}
				return nil
			})
			_, err := b.driver.Start(t.Context(), run)
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Fatalf("err = %v, want %v", err, tc.want)
			}
			mention(t, err.Error(), "not now")
			b.source.Fault(nil)
			b.want(b.start(run), inProgress, inProgress, inProgress)
		})
	}
}

func TestNotPairedIsTold(t *testing.T) {
	t.Run("before anything was paired", func(t *testing.T) {
		b := newBench(t, nil)
		run := b.run(newPair(nil), "orders")
		_, err := b.driver.Start(t.Context(), run)
		if !errors.Is(err, volume.ErrNotPaired) {
			t.Fatalf("err = %v, want ErrNotPaired", err)
		}
		mention(t, err.Error(), "shop/remote")
		if err := b.driver.Cancel(t.Context(), run); err != nil {
			t.Errorf("canceling what could not begin: %v", err)
		}
		if calls := b.source.Calls(); len(calls) > 0 {
			t.Errorf("Portworx was asked: %v", calls)
		}
	})
	t.Run("when Portworx does not know the pair any more", func(t *testing.T) {
		b := newBench(t, nil)
		run := b.run(b.paired(), "orders")
		b.source.ForgetPairs()
		if _, err := b.driver.Start(t.Context(), run); !errors.Is(err, volume.ErrNotPaired) {
			t.Errorf("err = %v, want ErrNotPaired", err)
		}
	})
}

func TestCopyThatPortworxForgotFailsAfterAWhile(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "orders")
	b.start(run)
	b.source.ForgetTasks()
	for range maxUnlisted {
		b.want(b.status(run), pending)
	}
	states := b.status(run)
	b.want(states, failed)
	mention(t, states[0].Reason, "Unable to find migration status for volume", "paired")
}

func TestUnreachablePortworxIsTold(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "orders")
	b.stop()
	for name, call := range map[string]func() error{
		"Start":  func() error { _, err := b.driver.Start(t.Context(), run); return err },
		"Status": func() error { _, err := b.driver.Status(t.Context(), run); return err },
		"Cancel": func() error { return b.driver.Cancel(t.Context(), run) },
		"Pair":   func() error { _, err := b.driver.Pair(t.Context(), newPair(nil)); return err },
	} {
		err := call()
		if !errors.Is(err, volume.ErrUnreachable) {
			t.Errorf("%s: err = %v, want ErrUnreachable", name, err)
			continue
		}
		mention(t, err.Error(), b.address, "without TLS")
	}
}

func TestRestartOfPortworxDoesNotEndACopy(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "orders", "customers")
	b.start(run)
	b.source.Advance()
	b.stop()
	if _, err := b.driver.Status(t.Context(), run); !errors.Is(err, volume.ErrUnreachable) {
		t.Fatalf("err = %v, want ErrUnreachable", err)
	}
	b.serve(b.address)
	b.reconnect()
	b.want(b.start(run), inProgress, inProgress)
	b.want(b.finish(run), successful, successful)
	if started := b.calls("OpenStorageMigrate/Start"); started != 2 {
		t.Errorf("%d copies were started, want 2", started)
	}
}

func TestCancel(t *testing.T) {
	t.Run("says why of each volume and leaves what is done", func(t *testing.T) {
		b := newBench(t, nil)
		run := b.run(b.paired(), "done", "moving")
		first := run
		first.Volumes = run.Volumes[:1]
		b.start(first)
		b.finish(first)
		b.start(run)
		if err := b.driver.Cancel(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		states := b.finish(run)
		b.want(states, successful, failed)
		mention(t, states[1].Reason, "Migration Backup canceled for volume")
	})
	t.Run("returns when Portworx has stopped", func(t *testing.T) {
		b := newBench(t, nil)
		b.source.CancelLate()
		run := b.run(b.paired(), "orders")
		b.start(run)
		done := make(chan error)
		go func() { done <- b.driver.Cancel(t.Context(), run) }()
		b.awaitWaiter()
		select {
		case err := <-done:
			t.Fatalf("it returned while Portworx still copied: %v", err)
		default:
		}
		b.source.Advance()
		b.clock.Step(cancelPollInterval)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("gives up with its context, and says so", func(t *testing.T) {
		b := newBench(t, nil)
		b.source.CancelLate()
		run := b.run(b.paired(), "orders")
		b.start(run)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.driver.Cancel(ctx, run) }()
		b.awaitWaiter()
		cancel()
		err := <-done
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("err = %v, want context.Canceled", err)
		}
		mention(t, err.Error(), "has not stopped copying 1 volumes")
	})
	t.Run("fails where Portworx refuses", func(t *testing.T) {
		b := newBench(t, nil)
		run := b.run(b.paired(), "orders")
		b.start(run)
		b.source.Fault(func(method string, _ any) error {
			if method == "OpenStorageMigrate/Cancel" {
				return status.Error(codes.Internal, "Cannot stop migration: the node is down")
			}
			return nil
		})
		if err := b.driver.Cancel(t.Context(), run); err == nil {
			t.Error("no error")
		} else {
			mention(t, err.Error(), "pvc-0", "the node is down")
		}
	})
	t.Run("is done where the copy is forgotten meanwhile", func(t *testing.T) {
		b := newBench(t, nil)
		run := b.run(b.paired(), "orders")
		b.start(run)
		b.source.ForgetTasks()
		if err := b.driver.cancelOne(t.Context(), run, run.Volumes[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestRunsAreForgottenInTheEnd(t *testing.T) {
	b := newBench(t, nil)
	run := b.run(b.paired(), "orders")
	for i := range rememberedRuns + 10 {
		b.driver.memory.started(volume.Run{ID: types.UID(fmt.Sprint(i))}, run.Volumes[0])
	}
	if kept := b.driver.memory.runs.Len(); kept != rememberedRuns {
		t.Errorf("%d runs are kept in mind, want %d", kept, rememberedRuns)
	}
}
