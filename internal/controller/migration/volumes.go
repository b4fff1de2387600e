package migration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

// volumePollInterval is the time between two looks at how far storage drivers have come.
const volumePollInterval = 5 * time.Second

// copyJob is the part of a Migration's volumes that one storage driver copies.
type copyJob struct {
	mover volume.Mover
	run   volume.Run
}

// migrateVolumes moves the data, if the Migration includes it, and runs the post-exec rule once all drivers have begun.
func (r *run) migrateVolumes(ctx context.Context) error {
	if r.status.written.Status.Stage == storkv1alpha1.MigrationStageApplications {
		return nil // An earlier run came as far as that.
	}
	var jobs []copyJob
	if enabled(r.job.migration.Spec.IncludeVolumes, true) {
		var err error
		if jobs, err = r.startVolumes(ctx); err != nil {
			return err
		}
	}
	if err := r.runPostExecRule(ctx, jobs); err != nil {
		return err
	}
	if len(jobs) == 0 {
		return nil
	}
	return r.waitForVolumes(ctx, jobs)
}

// startVolumes lets each driver begin, or continue what an earlier run began.
func (r *run) startVolumes(ctx context.Context) ([]copyJob, error) {
	jobs, orphans, err := r.copyJobs(ctx)
	if err != nil || len(jobs)+len(orphans) == 0 {
		return nil, err
	}
	if len(orphans) > 0 {
		return nil, r.refuseVolumes(ctx, orphans)
	}
	var states []volume.Status
	for _, job := range jobs {
		started, err := job.mover.Start(ctx, job.run)
		if err != nil {
			return nil, fmt.Errorf("storage driver %s could not begin: %w", job.mover.Name(), err)
		}
		states = append(states, started...)
	}
	if err := r.showVolumes(ctx, jobs, states); err != nil {
		return nil, err
	}
	stage := storkv1alpha1.MigrationStagePostExecRule
	if r.status.written.Status.Stage == storkv1alpha1.MigrationStageVolumes {
		stage = storkv1alpha1.MigrationStageVolumes // The post-exec rule has run.
	}
	return jobs, r.status.stage(ctx, stage, "moving volumes")
}

// refuseVolumes ends the Migration because data that it includes would be left behind.
func (r *run) refuseVolumes(ctx context.Context, orphans []volume.Move) error {
	names := make([]string, len(orphans))
	infos := make([]*storkv1alpha1.MigrationVolumeInfo, len(orphans))
	for i, orphan := range orphans {
		names[i] = orphan.Claim.Namespace + "/" + orphan.Claim.Name
		infos[i] = &storkv1alpha1.MigrationVolumeInfo{
			PersistentVolumeClaim: orphan.Claim.Name,
			Namespace:             orphan.Claim.Namespace,
			Volume:                orphan.Claim.Spec.VolumeName,
			Status:                storkv1alpha1.MigrationStatusFailed,
			Reason:                "no storage driver of this operator owns the volume",
		}
	}
	err := r.status.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
		status.Stage, status.Volumes = storkv1alpha1.MigrationStageVolumes, infos
		status.Summary = r.summary()
		countVolumes(status.Summary, infos)
	})
	if err != nil {
		return err
	}
	return &terminalError{reason: storkv1alpha1.ReasonNoStorageDriver, message: limit(fmt.Sprintf(
		"no storage driver of this operator owns the volumes of PersistentVolumeClaims %s: set spec.includeVolumes to false to migrate "+
			"objects only, or leave the claims out by annotation %s", strings.Join(names, ", "), storkv1alpha1.AnnotationSkipResource),
		conditionMessageLimit)}
}

// waitForVolumes waits until no volume is moved any more. One that failed ends the Migration, but not before all others are
// done: the next one could not begin while they still move (as Stork does since 25.5).
func (r *run) waitForVolumes(ctx context.Context, jobs []copyJob) error {
	if err := r.status.stage(ctx, storkv1alpha1.MigrationStageVolumes, "moving volumes"); err != nil {
		return err
	}
	ticker := r.Clock.NewTicker(volumePollInterval)
	defer ticker.Stop()
	for {
		states, err := pollVolumes(ctx, jobs)
		if err != nil {
			return err
		}
		if err := r.showVolumes(ctx, jobs, states); err != nil {
			return err
		}
		if !slices.ContainsFunc(states, moving) {
			return failedVolume(states)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C():
		}
	}
}

func pollVolumes(ctx context.Context, jobs []copyJob) ([]volume.Status, error) {
	var states []volume.Status
	for _, job := range jobs {
		polled, err := job.mover.Status(ctx, job.run)
		if err != nil {
			return nil, fmt.Errorf("storage driver %s could not tell how far it is: %w", job.mover.Name(), err)
		}
		states = append(states, polled...)
	}
	return states, nil
}

func moving(state volume.Status) bool {
	return state.State == storkv1alpha1.MigrationStatusPending || state.State == storkv1alpha1.MigrationStatusInProgress
}

func failedVolume(states []volume.Status) error {
	for _, state := range states {
		if state.State == storkv1alpha1.MigrationStatusFailed {
			return &terminalError{reason: storkv1alpha1.ReasonFailed,
				message: fmt.Sprintf("Error migrating volume of PersistentVolumeClaim %s: %s", state.Claim, state.Reason)}
		}
	}
	return nil
}

// showVolumes writes the state of the volumes down.
func (r *run) showVolumes(ctx context.Context, jobs []copyJob, states []volume.Status) error {
	byClaim := map[types.NamespacedName]volume.Status{}
	for _, state := range states {
		byClaim[state.Claim] = state
	}
	var infos []*storkv1alpha1.MigrationVolumeInfo
	for _, job := range jobs {
		for _, move := range job.run.Volumes {
			state := byClaim[client.ObjectKeyFromObject(move.Claim)]
			infos = append(infos, &storkv1alpha1.MigrationVolumeInfo{
				PersistentVolumeClaim: move.Claim.Name, Namespace: move.Claim.Namespace, Volume: move.Claim.Spec.VolumeName,
				Status: state.State, BytesTotal: state.Bytes, Reason: state.Reason, Driver: job.mover.Name(),
			})
		}
	}
	return r.status.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
		status.Volumes = infos
		status.Summary = r.summary()
		countVolumes(status.Summary, infos)
	})
}

func countVolumes(summary *storkv1alpha1.MigrationSummary, infos []*storkv1alpha1.MigrationVolumeInfo) {
	summary.TotalNumberOfVolumes, summary.NumberOfMigratedVolumes, summary.TotalBytesMigrated = uint64(len(infos)), 0, 0
	for _, info := range infos {
		summary.TotalBytesMigrated += info.BytesTotal
		if info.Status == storkv1alpha1.MigrationStatusSuccessful {
			summary.NumberOfMigratedVolumes++
		}
	}
}

// copyJobs finds the volumes of the Migration and who owns each; orphans are those that nobody does.
func (r *run) copyJobs(ctx context.Context) (jobs []copyJob, orphans []volume.Move, err error) {
	moves, err := r.moves(ctx)
	if err != nil || len(moves) == 0 {
		return nil, nil, err
	}
	destination, err := r.Clusters.Get(ctx, r.job.pair)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to the cluster of ClusterPair %s: %w", client.ObjectKeyFromObject(r.job.pair), err)
	}
	byDriver := map[string]int{}
	for _, move := range moves {
		owner, owned := r.Volumes.Owner(move.Binding)
		if !owned {
			orphans = append(orphans, move)
			continue
		}
		mover, err := volume.AsMover(owner)
		if err != nil {
			return nil, nil, &terminalError{reason: storkv1alpha1.ReasonNoStorageDriver, message: err.Error()}
		}
		index, known := byDriver[mover.Name()]
		if !known {
			index = len(jobs)
			byDriver[mover.Name()] = index
			jobs = append(jobs, copyJob{mover: mover, run: volume.Run{
				ID: r.job.migration.UID, Migration: client.ObjectKeyFromObject(r.job.migration), Pair: r.job.pair, Destination: destination.Config,
			}})
		}
		jobs[index].run.Volumes = append(jobs[index].run.Volumes, move)
	}
	return jobs, orphans, nil
}

// cancelVolumes tells the drivers to stop for a Migration that is deleted while it is not Final. Best effort, as with Stork: a
// driver that fails must not keep the object for ever.
func (r *Reconciler) cancelVolumes(ctx context.Context, migration *storkv1alpha1.Migration) {
	if len(migration.Status.Volumes) == 0 {
		return
	}
	job, verdict, err := r.prepare(ctx, migration)
	if err != nil || verdict.reason != "" {
		log.FromContext(ctx).Error(err, "Volumes of a deleted Migration could not be cancelled", "why", verdict.message)
		return
	}
	run := &run{Reconciler: r, job: job}
	jobs, _, err := run.copyJobs(ctx)
	if err == nil {
		err = cancelJobs(ctx, jobs)
	}
	if err != nil {
		log.FromContext(ctx).Error(err, "Cancelling the volumes of a deleted Migration failed")
	}
}

func cancelJobs(ctx context.Context, jobs []copyJob) error {
	for _, job := range jobs {
		if err := job.mover.Cancel(ctx, job.run); err != nil {
			return fmt.Errorf("storage driver %s could not cancel: %w", job.mover.Name(), err)
		}
	}
	return nil
}
