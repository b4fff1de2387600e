package clusterpair

import (
	"context"
	"fmt"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

// storageTimeout bounds one call of a storage driver: it keeps a worker busy.
const storageTimeout = time.Minute

// Stork's words, which users and scripts know from events.
const (
	messageNotProvided = "Skipping storage pairing since no storage options provided"
	messagePaired      = "Storage successfully paired"
)

// optionToken asks for storage to be paired, whatever its value.
const optionToken = "token"

// storageFacts are what is known about the pairing of storage.
type storageFacts struct {
	status   storkv1alpha1.ClusterPairStatusType
	message  string
	remoteID string
}

// pairStorage has the storage driver pair where the options ask for it and it was not done for this spec. An error means that
// nothing was found out.
func (r *Reconciler) pairStorage(ctx context.Context, pair *storkv1alpha1.ClusterPair) (storageFacts, error) {
	facts := storageFacts{remoteID: pair.Status.RemoteStorageID}
	if _, asked := pair.Spec.Options[optionToken]; !asked {
		facts.status, facts.message = storkv1alpha1.ClusterPairStatusNotProvided, messageNotProvided
		return facts, nil
	}
	if isPaired(pair) {
		facts.status, facts.message = storkv1alpha1.ClusterPairStatusReady, messagePaired
		return facts, nil
	}
	pairing, err := r.callPairer(ctx, pair)
	if pairing.RemoteID != "" {
		facts.remoteID = pairing.RemoteID
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return facts, fmt.Errorf("pairing storage: %w", ctx.Err())
	case err != nil:
		facts.status, facts.message = storkv1alpha1.ClusterPairStatusError, err.Error()
	case !pairing.Done:
		facts.status, facts.message = storkv1alpha1.ClusterPairStatusPending, "The storage driver waits for the other storage"
	default:
		facts.status, facts.message = storkv1alpha1.ClusterPairStatusReady, messagePaired
	}
	return facts, nil
}

// isPaired tells whether the driver was done with the spec as it is now.
func isPaired(pair *storkv1alpha1.ClusterPair) bool {
	paired := apimeta.FindStatusCondition(pair.Status.Conditions, storkv1alpha1.ConditionStoragePaired)
	return paired != nil && paired.Status == metav1.ConditionTrue && paired.ObservedGeneration == pair.Generation
}

func (r *Reconciler) callPairer(ctx context.Context, pair *storkv1alpha1.ClusterPair) (volume.Pairing, error) {
	pairer, err := r.Drivers.Pairer(pair.Spec.Options)
	if err != nil {
		return volume.Pairing{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	return pairer.Pair(ctx, pair.DeepCopy())
}
