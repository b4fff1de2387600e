package clusterpair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

const (
	// optionBackupLocation names the BackupLocation through which the storage driver copies.
	optionBackupLocation = "backuplocation"
	// maxNamedMigrations is how many Migrations a message names.
	maxNamedMigrations = 5
)

// reconcileDelete lets a pair go once nothing runs over it and its storage is unpaired. Nothing is undone at the other cluster,
// which may not be there any more.
func (r *Reconciler) reconcileDelete(ctx context.Context, pair *storkv1alpha1.ClusterPair) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(pair, storkv1alpha1.FinalizerCleanup) {
		return ctrl.Result{}, nil
	}
	users, err := r.runningOver(ctx, pair)
	if err != nil {
		return ctrl.Result{}, err
	}
	if len(users) > 0 {
		message := "it is in use until these Migrations have ended or are deleted: " + listOf(users)
		return ctrl.Result{}, r.refuse(ctx, pair.DeepCopy(), pair, storkv1alpha1.ReasonInUse, message) // The end of a Migration is watched.
	}
	if err := r.unpair(ctx, pair); err != nil {
		return r.retryUnpair(ctx, pair, err)
	}
	if err := r.deleteBackupLocation(ctx, pair); err != nil {
		return ctrl.Result{}, err
	}
	before := pair.DeepCopy()
	controllerutil.RemoveFinalizer(pair, storkv1alpha1.FinalizerCleanup)
	if err := r.Client.Patch(ctx, pair, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	r.forget(client.ObjectKeyFromObject(pair))
	return ctrl.Result{}, nil
}

// runningOver returns the names of the Migrations that use the pair and have not ended.
func (r *Reconciler) runningOver(ctx context.Context, pair *storkv1alpha1.ClusterPair) ([]string, error) {
	list := &storkv1alpha1.MigrationList{}
	key := client.ObjectKeyFromObject(pair).String()
	if err := r.Client.List(ctx, list, client.MatchingFields{migrationsByPair: key}); err != nil {
		return nil, fmt.Errorf("listing the Migrations over ClusterPair %s: %w", key, err)
	}
	var names []string
	for i := range list.Items {
		if list.Items[i].Status.Stage != storkv1alpha1.MigrationStageFinal {
			names = append(names, client.ObjectKeyFromObject(&list.Items[i]).String())
		}
	}
	slices.Sort(names)
	return names, nil
}

func listOf(names []string) string {
	if len(names) > maxNamedMigrations {
		return fmt.Sprintf("%s and %d others", strings.Join(names[:maxNamedMigrations], ", "), len(names)-maxNamedMigrations)
	}
	return strings.Join(names, ", ")
}

// refuse writes down why a pair cannot be deleted yet, and tells it once.
func (r *Reconciler) refuse(ctx context.Context, before, pair *storkv1alpha1.ClusterPair, reason, message string) error {
	setCondition(pair, storkv1alpha1.ConditionReady, metav1.ConditionFalse, reason, message, r.Clock.Now())
	if err := r.writeStatus(ctx, before, pair); err != nil {
		return err
	}
	was := apimeta.FindStatusCondition(before.Status.Conditions, storkv1alpha1.ConditionReady)
	if was == nil || was.Reason != reason || before.Status.StorageStatus != pair.Status.StorageStatus {
		r.record(pair, storkv1alpha1.ClusterPairStatusDeleting, actionDeleting, "Cluster Pair delete failed: "+message)
	}
	return nil
}

// unpair has the storage driver undo the pairing, unless another pair lives from it. A driver that is not there any more cannot,
// which is no reason to keep the pair.
func (r *Reconciler) unpair(ctx context.Context, pair *storkv1alpha1.ClusterPair) error {
	if pair.Status.RemoteStorageID == "" {
		return nil
	}
	others, err := r.others(ctx, pair)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.Status.RemoteStorageID == pair.Status.RemoteStorageID {
			return nil
		}
	}
	pairer, err := r.Drivers.Pairer(pair.Spec.Options)
	if errors.Is(err, volume.ErrNoPairer) {
		ctrl.LoggerFrom(ctx).Info("Storage stays paired because its driver is not registered", "remoteStorageID", pair.Status.RemoteStorageID)
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	return pairer.Unpair(ctx, pair.DeepCopy())
}

// retryUnpair writes down why storage could not be unpaired and has it tried again.
func (r *Reconciler) retryUnpair(ctx context.Context, pair *storkv1alpha1.ClusterPair, failure error) (ctrl.Result, error) {
	if ctx.Err() != nil {
		return ctrl.Result{}, ctx.Err()
	}
	before, now := pair.DeepCopy(), r.Clock.Now()
	pair.Status.SchedulerStatus = storkv1alpha1.ClusterPairStatusDeleting
	pair.Status.StorageStatus = storkv1alpha1.ClusterPairStatusDeleting
	if err := r.refuse(ctx, before, pair, storkv1alpha1.ReasonStorageError, "storage could not be unpaired: "+failure.Error()); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: retryDelay(now.Sub(since(pair, storkv1alpha1.ConditionReady, now)))}, nil
}

// others returns all other pairs that are not being deleted.
func (r *Reconciler) others(ctx context.Context, pair *storkv1alpha1.ClusterPair) ([]storkv1alpha1.ClusterPair, error) {
	list := &storkv1alpha1.ClusterPairList{}
	if err := r.Client.List(ctx, list); err != nil {
		return nil, fmt.Errorf("listing ClusterPairs: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(other storkv1alpha1.ClusterPair) bool {
		return other.UID == pair.UID || !other.DeletionTimestamp.IsZero()
	}), nil
}

// deleteBackupLocation deletes the BackupLocation that the options name, and its Secret, each only if storkctl made it along with
// the pair, and unless another pair of the namespace uses it.
func (r *Reconciler) deleteBackupLocation(ctx context.Context, pair *storkv1alpha1.ClusterPair) error {
	name := pair.Spec.Options[optionBackupLocation]
	if name == "" {
		return nil
	}
	others, err := r.others(ctx, pair)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.Namespace == pair.Namespace && other.Spec.Options[optionBackupLocation] == name {
			return nil
		}
	}
	location := &storkv1alpha1.BackupLocation{}
	err = r.Live.Get(ctx, types.NamespacedName{Namespace: pair.Namespace, Name: name}, location)
	if err != nil || !isMadeByStork(location) {
		return client.IgnoreNotFound(err)
	}
	// The Secret goes first: without the BackupLocation nobody would find it.
	if err := r.deleteLocationSecret(ctx, location); err != nil {
		return err
	}
	return client.IgnoreNotFound(r.Client.Delete(ctx, location, client.Preconditions{UID: &location.UID}))
}

func (r *Reconciler) deleteLocationSecret(ctx context.Context, location *storkv1alpha1.BackupLocation) error {
	if location.Location.SecretConfig == "" {
		return nil
	}
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: location.Namespace, Name: location.Location.SecretConfig}, secret)
	if err != nil || !isMadeByStork(secret) {
		return client.IgnoreNotFound(err)
	}
	return client.IgnoreNotFound(r.Client.Delete(ctx, secret, client.Preconditions{UID: &secret.UID}))
}

func isMadeByStork(object client.Object) bool {
	return object.GetAnnotations()[storkv1alpha1.AnnotationCreatedByStork] == "true"
}
