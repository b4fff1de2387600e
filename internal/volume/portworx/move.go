package portworx

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

const (
	// startsAtOnce is how many volumes of a run are started or canceled at the same time.
	startsAtOnce = 8
	// cancelPollInterval is the time between two looks at whether canceled copies have stopped.
	cancelPollInterval = time.Second
)

// taskID names the copy of a volume in Portworx, as Stork does.
func taskID(run volume.Run, move volume.Move) string {
	return fmt.Sprintf("%s-%s-%s", run.ID, move.Claim.Namespace, move.Claim.Name)
}

// Start begins to copy the volumes that Portworx does not copy already. What Portworx refuses for one volume becomes that volume's
// failure.
func (d *Driver) Start(ctx context.Context, run volume.Run) ([]volume.Status, error) {
	tasks, err := d.tasks(ctx, run)
	if err != nil {
		return nil, err
	}
	var group errgroup.Group // One that cannot start does not keep the others from it.
	group.SetLimit(startsAtOnce)
	for _, move := range run.Volumes {
		if tasks[taskID(run, move)] == nil {
			group.Go(func() error { return d.startOne(ctx, run, move) })
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return d.Status(ctx, run)
}

func (d *Driver) startOne(ctx context.Context, run volume.Run, move volume.Move) error {
	if move.Claim.Spec.VolumeName == "" {
		d.memory.failed(run, move, "the claim is not bound to a volume: wait until it is, then migrate again")
		return nil
	}
	_, err := invoke(ctx, d, roleUser, openstorage.NewOpenStorageMigrateClient, openstorage.OpenStorageMigrateClient.Start,
		&openstorage.SdkCloudMigrateStartRequest{
			ClusterId: run.Pair.Status.RemoteStorageID, TaskId: taskID(run, move),
			Opt: &openstorage.SdkCloudMigrateStartRequest_Volume{
				Volume: &openstorage.SdkCloudMigrateStartRequest_MigrateVolume{VolumeId: move.Claim.Spec.VolumeName},
			},
		})
	switch {
	case err == nil, status.Code(err) == codes.AlreadyExists:
		d.memory.started(run, move)
		return nil
	case isNotFound(err) && strings.Contains(strings.ToLower(err.Error()), "cluster pair"):
		return fmt.Errorf("%w with %s: delete ClusterPair %s/%s and create it anew: Portworx answered: %s", volume.ErrNotPaired,
			run.Pair.Status.RemoteStorageID, run.Pair.Namespace, run.Pair.Name, status.Convert(err).Message())
	case passes(err):
		return d.explain("starting the copy of volume "+move.Claim.Spec.VolumeName, err)
	default:
		d.memory.failed(run, move, "Portworx does not copy the volume: "+status.Convert(err).Message())
		return nil
	}
}

// tasks returns what Portworx copies, or has copied, to the cluster of a run, by task ID: also that of other runs.
func (d *Driver) tasks(ctx context.Context, run volume.Run) (map[string]*openstorage.CloudMigrateInfo, error) {
	cluster := run.Pair.Status.RemoteStorageID
	if cluster == "" {
		return nil, fmt.Errorf("%w by ClusterPair %s/%s: its options need ip and token of the other Portworx", volume.ErrNotPaired,
			run.Pair.Namespace, run.Pair.Name)
	}
	answer, err := invoke(ctx, d, roleUser, openstorage.NewOpenStorageMigrateClient, openstorage.OpenStorageMigrateClient.Status,
		&openstorage.SdkCloudMigrateStatusRequest{Request: &openstorage.CloudMigrateStatusRequest{ClusterId: cluster}})
	if err != nil {
		return nil, d.explain("asking how far copies are", err)
	}
	byID := map[string]*openstorage.CloudMigrateInfo{}
	for _, info := range answer.GetResult().GetInfo()[cluster].GetList() {
		byID[info.GetTaskId()] = info
	}
	return byID, nil
}

// Status asks Portworx once, however many volumes there are.
func (d *Driver) Status(ctx context.Context, run volume.Run) ([]volume.Status, error) {
	tasks, err := d.tasks(ctx, run)
	if err != nil {
		return nil, err
	}
	states := make([]volume.Status, len(run.Volumes))
	for i, move := range run.Volumes {
		states[i] = d.memory.observe(run, move, tasks[taskID(run, move)])
	}
	return states, nil
}

// Cancel has Portworx end the copies that have not ended, and waits until they have.
func (d *Driver) Cancel(ctx context.Context, run volume.Run) error {
	if run.Pair.Status.RemoteStorageID == "" {
		return nil // Nothing could begin.
	}
	moving, err := d.moving(ctx, run)
	if err != nil || len(moving) == 0 {
		return err
	}
	var group errgroup.Group
	group.SetLimit(startsAtOnce)
	for _, move := range moving {
		group.Go(func() error { return d.cancelOne(ctx, run, move) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return d.waitForEnd(ctx, run)
}

// moving returns the volumes that Portworx copies now.
func (d *Driver) moving(ctx context.Context, run volume.Run) ([]volume.Move, error) {
	tasks, err := d.tasks(ctx, run)
	if err != nil {
		return nil, err
	}
	var moving []volume.Move
	for _, move := range run.Volumes {
		if task := tasks[taskID(run, move)]; task != nil && !ended(task) {
			moving = append(moving, move)
		}
	}
	return moving, nil
}

func (d *Driver) cancelOne(ctx context.Context, run volume.Run, move volume.Move) error {
	_, err := invoke(ctx, d, roleUser, openstorage.NewOpenStorageMigrateClient, openstorage.OpenStorageMigrateClient.Cancel,
		&openstorage.SdkCloudMigrateCancelRequest{Request: &openstorage.CloudMigrateCancelRequest{TaskId: taskID(run, move)}})
	if err == nil || isNotFound(err) {
		return nil
	}
	return d.explain("canceling the copy of volume "+move.Claim.Spec.VolumeName, err)
}

func (d *Driver) waitForEnd(ctx context.Context, run volume.Run) error {
	for {
		moving, err := d.moving(ctx, run)
		if err != nil || len(moving) == 0 {
			return err
		}
		timer := d.clock.NewTimer(cancelPollInterval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(fmt.Errorf("the storage has not stopped copying %d volumes yet", len(moving)), ctx.Err())
		case <-timer.C():
		}
	}
}
