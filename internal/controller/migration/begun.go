package migration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

// cancelTimeout bounds how long drivers may take to stop what they copy for a Migration that ends.
const cancelTimeout = time.Minute

// begun tells whether drivers have begun to copy the volumes that the status names. From then on these are the Migration's volumes,
// whatever becomes of the claims at the source.
func (r *run) begun() bool {
	status := &r.status.written.Status
	switch status.Stage {
	case storkv1alpha1.MigrationStagePostExecRule, storkv1alpha1.MigrationStageVolumes, storkv1alpha1.MigrationStageApplications:
		return slices.ContainsFunc(status.Volumes, driven)
	default:
		return false
	}
}

// driven tells whether a storage driver was told of a volume. Stork names no driver.
func driven(info *storkv1alpha1.MigrationVolumeInfo) bool { return info != nil && info.Driver != "" }

// begunJobs returns the jobs of the volumes that the status names.
func (r *run) begunJobs(ctx context.Context) ([]copyJob, error) {
	live := map[types.NamespacedName]*corev1.PersistentVolumeClaim{}
	listed := map[string]bool{}
	var moves []volume.Move
	var drivers []string
	for _, info := range r.status.written.Status.Volumes {
		if !driven(info) {
			continue
		}
		if !listed[info.Namespace] {
			listed[info.Namespace] = true
			if err := r.listClaims(ctx, info.Namespace, live); err != nil {
				return nil, err
			}
		}
		claim := claimOf(info, live)
		moves = append(moves, volume.Move{
			Binding: volume.Binding{Claim: claim}, DestinationNamespace: r.destinationOf(info.Namespace), Target: targetOf(r.volumesSpec(), claim),
		})
		drivers = append(drivers, info.Driver)
	}
	if err := r.complete(ctx, moves); err != nil {
		return nil, err
	}
	byDriver := map[string][]volume.Move{}
	for i, move := range moves {
		byDriver[drivers[i]] = append(byDriver[drivers[i]], move)
	}
	return r.jobs(ctx, byDriver)
}

func (r *run) listClaims(ctx context.Context, namespace string, into map[types.NamespacedName]*corev1.PersistentVolumeClaim) error {
	var claims corev1.PersistentVolumeClaimList
	if err := r.list(ctx, claimsResource, namespace, &claims); err != nil {
		return err
	}
	for i := range claims.Items {
		into[client.ObjectKeyFromObject(&claims.Items[i])] = &claims.Items[i]
	}
	return nil
}

// claimOf returns the claim of a volume as it is, or what is known of one that is gone or has another volume by now.
func claimOf(info *storkv1alpha1.MigrationVolumeInfo, live map[types.NamespacedName]*corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	claim := live[types.NamespacedName{Namespace: info.Namespace, Name: info.PersistentVolumeClaim}]
	if claim != nil && claim.Spec.VolumeName == info.Volume {
		return claim
	}
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: info.Namespace, Name: info.PersistentVolumeClaim},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: info.Volume},
	}
}

// destinationOf returns what a namespace is called at the destination.
func (r *run) destinationOf(source string) string {
	for _, namespace := range r.job.namespaces {
		if namespace.Source == source {
			return namespace.Destination
		}
	}
	return source
}

// abandon ends the Migration as Failed, and before that what drivers still copy for it. A driver that cannot stop does not keep the
// Migration from ending.
func (r *Reconciler) abandon(ctx context.Context, status *statusWriter, reason, message string) error {
	if copying(status.written) {
		// Written first: a run that was taken over must not cancel the copies of the one that goes on.
		err := status.update(ctx, func(now *storkv1alpha1.MigrationStatus) {
			status.setConditions(now, metav1.ConditionUnknown, storkv1alpha1.ReasonInProgress, message+"; cancelling the copies of volumes")
		})
		if err != nil {
			return err
		}
	}
	why := "cancelled, because the Migration failed"
	if err := r.cancelVolumes(ctx, status.written); err != nil {
		why = err.Error()
		message += "; " + why
	}
	return status.final(ctx, storkv1alpha1.MigrationStatusFailed, reason, message, func(status *storkv1alpha1.MigrationStatus) {
		for _, info := range status.Volumes {
			if driven(info) && unfinished(info.Status) {
				info.Status, info.Reason = storkv1alpha1.MigrationStatusFailed, limit(why, reasonLimit)
			}
		}
	})
}

// copying tells whether drivers may be at work for a Migration.
func copying(migration *storkv1alpha1.Migration) bool {
	return slices.ContainsFunc(migration.Status.Volumes, func(info *storkv1alpha1.MigrationVolumeInfo) bool {
		return driven(info) && unfinished(info.Status)
	})
}

// cancelVolumes tells drivers to stop what they copy for a Migration that will not go on.
func (r *Reconciler) cancelVolumes(ctx context.Context, migration *storkv1alpha1.Migration) error {
	if !copying(migration) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, cancelTimeout)
	defer cancel()
	pair := &storkv1alpha1.ClusterPair{}
	if err := r.Client.Get(ctx, r.pairName(migration), pair); err != nil {
		return fmt.Errorf("cancelling volumes: %w", err)
	}
	run := &run{Reconciler: r, job: &job{migration: migration, pair: pair}, status: &statusWriter{written: migration}}
	jobs, err := run.begunJobs(ctx)
	if err != nil {
		return fmt.Errorf("cancelling volumes: %w", err)
	}
	var failures []error
	for _, job := range jobs {
		if err := job.mover.Cancel(ctx, job.run); err != nil {
			failures = append(failures, fmt.Errorf("storage driver %s could not cancel: %w", job.mover.Name(), err))
		}
	}
	return errors.Join(failures...)
}

// pairName names the ClusterPair that the volumes of a Migration go to.
func (r *Reconciler) pairName(migration *storkv1alpha1.Migration) types.NamespacedName {
	if spec := migration.Spec; spec.ClusterPair == "" {
		return types.NamespacedName{Namespace: r.Options.AdminNamespace, Name: spec.AdminClusterPair}
	}
	return types.NamespacedName{Namespace: migration.Namespace, Name: migration.Spec.ClusterPair}
}
