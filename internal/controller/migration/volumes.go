package migration

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
	if r.status.written.Status.StartTimestamp == nil { // The deadline counts from now on.
		if err := r.status.stage(ctx, r.status.written.Status.Stage, "choosing volumes"); err != nil {
			return nil, err
		}
	}
	jobs, err := r.copyJobs(ctx)
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	var states []volume.Status
	for _, job := range jobs {
		started, err := job.mover.Start(ctx, job.run)
		if err != nil {
			return nil, fmt.Errorf("storage driver %s could not begin: %w", job.mover.Name(), err)
		}
		states = append(states, completed(job, started)...)
	}
	if err := r.showVolumes(ctx, jobs, states); err != nil {
		return nil, err
	}
	stage := storkv1alpha1.MigrationStagePostExecRule
	if r.job.postRule == nil || r.status.written.Status.Stage == storkv1alpha1.MigrationStageVolumes {
		stage = storkv1alpha1.MigrationStageVolumes // There is no post-exec rule, or it has run.
	}
	return jobs, r.status.stage(ctx, stage, "moving volumes")
}

// copyJobs returns what an earlier run began to copy. Where nothing was begun it chooses the volumes, and notes them before a driver
// hears of them: whoever cancels has to know.
func (r *run) copyJobs(ctx context.Context) ([]copyJob, error) {
	if r.begun() {
		return r.begunJobs(ctx)
	}
	jobs, orphans, err := r.newJobs(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(orphans) > 0 && !r.skipsOrphans():
		return nil, r.refuseVolumes(ctx, orphans)
	case len(jobs) == 0:
		return nil, nil
	}
	var states []volume.Status
	for _, job := range jobs {
		for _, move := range job.run.Volumes {
			states = append(states, volume.Status{Claim: client.ObjectKeyFromObject(move.Claim), State: storkv1alpha1.MigrationStatusPending})
		}
	}
	return jobs, r.showVolumes(ctx, jobs, states)
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
		states = append(states, completed(job, polled)...)
	}
	return states, nil
}

// completed returns one state for each volume of a job. A volume that the driver does not mention is lost, as with Stork: it must
// not pass for one that has arrived.
func completed(job copyJob, states []volume.Status) []volume.Status {
	all := make([]volume.Status, len(job.run.Volumes))
	for i, move := range job.run.Volumes {
		claim := client.ObjectKeyFromObject(move.Claim)
		index := slices.IndexFunc(states, func(state volume.Status) bool { return state.Claim == claim })
		if index < 0 {
			all[i] = volume.Status{Claim: claim, State: storkv1alpha1.MigrationStatusFailed,
				Reason: "storage driver " + job.mover.Name() + " does not know of the copy any more"}
			continue
		}
		all[i] = states[index]
	}
	return all
}

func moving(state volume.Status) bool { return unfinished(state.State) }

func unfinished(state storkv1alpha1.MigrationStatusType) bool {
	return state == storkv1alpha1.MigrationStatusPending || state == storkv1alpha1.MigrationStatusInProgress
}

func failedVolume(states []volume.Status) error {
	for _, state := range states {
		if state.State != storkv1alpha1.MigrationStatusSuccessful {
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
			infos = append(infos, volumeInfo(job.mover.Name(), move.Claim, state))
		}
	}
	return r.status.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
		status.Volumes = infos
		status.Summary = r.summary()
		countVolumes(status.Summary, infos)
	})
}

func volumeInfo(driver string, claim *corev1.PersistentVolumeClaim, state volume.Status) *storkv1alpha1.MigrationVolumeInfo {
	return &storkv1alpha1.MigrationVolumeInfo{
		PersistentVolumeClaim: claim.Name, Namespace: claim.Namespace, Volume: claim.Spec.VolumeName,
		Status: state.State, BytesTotal: state.Bytes, Reason: limit(state.Reason, reasonLimit), Driver: driver,
		BytesDone: int64(state.Progress.BytesDone), BytesSent: int64(state.Progress.BytesSent),
		FilesTotal: int64(state.Progress.FilesTotal), FilesDone: int64(state.Progress.FilesDone),
		BytesPerSecond: int64(state.Progress.BytesPerSecond), Digest: state.Progress.Digest,
	}
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

// jobs makes a job for each driver, in the order of their names.
func (r *run) jobs(ctx context.Context, byDriver map[string][]volume.Move) ([]copyJob, error) {
	destination, err := r.Clusters.Get(ctx, r.job.pair)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster of ClusterPair %s: %w", client.ObjectKeyFromObject(r.job.pair), err)
	}
	var jobs []copyJob
	for _, name := range slices.Sorted(maps.Keys(byDriver)) {
		driver, known := r.Volumes.Driver(name)
		mover, able := driver.(volume.Mover)
		if !known || !able {
			return nil, fmt.Errorf("storage driver %s, which has begun to copy, is not registered with this operator any more", name)
		}
		jobs = append(jobs, copyJob{mover: mover, run: volume.Run{
			ID: r.job.migration.UID, Migration: client.ObjectKeyFromObject(r.job.migration), Pair: r.job.pair,
			Destination: destination.Config, Volumes: byDriver[name],
			StartsApplications: enabled(r.job.migration.Spec.StartApplications, false), Verify: r.volumesSpec().Verify,
		}})
	}
	return jobs, nil
}
