package migration

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

// orphan is a volume that no storage driver can move, and why.
type orphan struct {
	claim  *corev1.PersistentVolumeClaim
	reason string
}

func (o orphan) String() string { return o.claim.Namespace + "/" + o.claim.Name }

// volumesSpec returns how the user wants volumes to be moved.
func (r *run) volumesSpec() storkv1alpha1.MigrationVolumes {
	if spec := r.job.migration.Spec.Volumes; spec != nil {
		return *spec
	}
	return storkv1alpha1.MigrationVolumes{}
}

func (r *run) skipsOrphans() bool {
	return r.volumesSpec().WithoutDriver == storkv1alpha1.VolumePolicySkip
}

// newJobs finds the volumes of the Migration and who moves each; orphans are those that nobody can.
func (r *run) newJobs(ctx context.Context) (jobs []copyJob, orphans []orphan, err error) {
	moves, err := r.moves(ctx)
	if err != nil || len(moves) == 0 {
		return nil, nil, err
	}
	spec, pairs := r.volumesSpec(), r.job.pair.Spec.Options[volume.OptionDriver]
	byDriver := map[string][]volume.Move{}
	for _, move := range moves {
		wanted := cmp.Or(overrideOf(spec, move.Claim).Driver, spec.Driver)
		driver, err := r.Volumes.Choose(move.Binding, wanted, pairs)
		if err != nil {
			orphans = append(orphans, orphan{claim: move.Claim, reason: err.Error()})
			continue
		}
		byDriver[driver.Name()] = append(byDriver[driver.Name()], move)
	}
	jobs, err = r.jobs(ctx, byDriver)
	return jobs, orphans, err
}

// overrideOf returns what the user says of one claim; that of its namespace goes before one of all.
func overrideOf(spec storkv1alpha1.MigrationVolumes, claim *corev1.PersistentVolumeClaim) storkv1alpha1.VolumeOverride {
	for _, namespace := range []string{claim.Namespace, ""} {
		index := slices.IndexFunc(spec.Overrides, func(override storkv1alpha1.VolumeOverride) bool {
			return override.PersistentVolumeClaim == claim.Name && override.Namespace == namespace
		})
		if index >= 0 {
			return spec.Overrides[index]
		}
	}
	return storkv1alpha1.VolumeOverride{}
}

// targetOf returns what the user wants a claim at the destination to be.
func targetOf(spec storkv1alpha1.MigrationVolumes, claim *corev1.PersistentVolumeClaim) volume.Target {
	override := overrideOf(spec, claim)
	target := volume.Target{StorageClass: override.StorageClass}
	if mapped, found := spec.StorageClassMappings[classNameOf(claim)]; found && target.StorageClass == nil {
		target.StorageClass = &mapped
	}
	for _, mode := range override.AccessModes {
		target.AccessModes = append(target.AccessModes, corev1.PersistentVolumeAccessMode(mode))
	}
	return target
}

// classNameOf returns the name of a claim's class, empty if it has none.
func classNameOf(claim *corev1.PersistentVolumeClaim) string {
	if name := claim.Spec.StorageClassName; name != nil {
		return *name
	}
	return ""
}

// refuseVolumes ends the Migration because data that it includes would be left behind.
func (r *run) refuseVolumes(ctx context.Context, orphans []orphan) error {
	names := make([]string, len(orphans))
	infos := make([]*storkv1alpha1.MigrationVolumeInfo, len(orphans))
	for i, orphan := range orphans {
		names[i] = orphan.String()
		infos[i] = volumeInfo("", orphan.claim, volume.Status{State: storkv1alpha1.MigrationStatusFailed, Reason: orphan.reason})
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
			"objects only, spec.volumes.withoutDriver to Skip to migrate the rest, or leave the claims out by annotation %s",
		strings.Join(names, ", "), storkv1alpha1.AnnotationSkipResource), conditionMessageLimit)}
}
