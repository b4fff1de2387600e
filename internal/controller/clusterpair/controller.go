package clusterpair

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/volume"
)

const (
	// DefaultProbeInterval is how often a cluster is probed where Options say nothing. Pairs with the same API server share for half
	// a minute that it answers, so that its failure is seen within the interval, its jitter and that: less than two minutes.
	DefaultProbeInterval = time.Minute
	// probeJitter spreads the probes of many pairs by this part of the interval.
	probeJitter = 0.2
	// minRetryDelay and maxRetryDelay bound the time between two attempts while something fails.
	minRetryDelay = 5 * time.Second
	maxRetryDelay = 2 * time.Minute
)

// Options are what an administrator may choose.
type Options struct {
	// AdminNamespace is the namespace whose ClusterPairs any Migration may name as its adminClusterPair.
	AdminNamespace string
	// ProbeInterval is how often a cluster is probed while all is well. Zero means DefaultProbeInterval.
	ProbeInterval time.Duration
}

// Clusters gives the client of a pair. A *remote.Pool does.
type Clusters interface {
	// Get returns the cluster of a pair, with the errors of a *remote.Pool.
	Get(context.Context, *storkv1alpha1.ClusterPair) (*remote.Cluster, error)
	// Forget drops what is kept of a pair that is gone.
	Forget(types.NamespacedName)
}

// Reconciler reconciles ClusterPairs. All fields but Options are required. A cluster that does not answer keeps a worker busy for
// some seconds at each probe, so that it wants several.
type Reconciler struct {
	// Client reads from the cache, and writes.
	Client client.Client
	// Live reads past the cache, what is needed seldom.
	Live client.Reader
	// Clusters reaches the other clusters.
	Clusters Clusters
	// Drivers are the storage drivers.
	Drivers *volume.Registry
	// Recorder records events.
	Recorder events.EventRecorder
	// Clock tells the time.
	Clock clock.PassiveClock
	// Options are the administrator's.
	Options Options

	metrics *metrics
	apart   apart
}

// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=clusterpairs,verbs=watch;patch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=clusterpairs/status,verbs=patch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=migrations,verbs=watch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=backuplocations,verbs=delete
// +kubebuilder:rbac:groups="",resources=secrets,verbs=watch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile probes the cluster of one pair, has its storage paired, and writes the status where it changed.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	pair := &storkv1alpha1.ClusterPair{}
	if err := r.Client.Get(ctx, req.NamespacedName, pair); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !pair.DeletionTimestamp.IsZero() {
		return r.reconcileDelete(ctx, pair)
	}
	if err := r.ensureFinalizer(ctx, pair); err != nil {
		return ctrl.Result{}, err
	}
	return r.reconcileNormal(ctx, pair)
}

// ensureFinalizer puts the finalizer on before storage is paired, which a deletion has to undo.
func (r *Reconciler) ensureFinalizer(ctx context.Context, pair *storkv1alpha1.ClusterPair) error {
	before := pair.DeepCopy()
	if !controllerutil.AddFinalizer(pair, storkv1alpha1.FinalizerCleanup) {
		return nil
	}
	return r.Client.Patch(ctx, pair, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// reconcileNormal looks at both halves, each whatever the other one is like.
func (r *Reconciler) reconcileNormal(ctx context.Context, pair *storkv1alpha1.ClusterPair) (ctrl.Result, error) {
	scheduler, err := r.probe(ctx, pair)
	if err != nil {
		return ctrl.Result{}, err
	}
	storage, err := r.pairStorage(ctx, pair)
	if err != nil {
		return ctrl.Result{}, err
	}
	before, now := pair.DeepCopy(), r.Clock.Now()
	setScheduler(pair, scheduler, now)
	setStorage(pair, storage, now)
	setReady(pair, scheduler, storage, now)
	pair.Status.ObservedGeneration = pair.Generation
	setProbeTime(before.Status, pair, now)
	if err := r.writeStatus(ctx, before, pair); err != nil {
		return ctrl.Result{}, err
	}
	r.tell(before, pair, scheduler, storage)
	return ctrl.Result{RequeueAfter: r.nextLook(pair, now)}, nil
}

// writeStatus writes the status where it changed. A pair that is gone meanwhile is no error.
func (r *Reconciler) writeStatus(ctx context.Context, before, pair *storkv1alpha1.ClusterPair) error {
	r.metrics.observe(pair)
	if equality.Semantic.DeepEqual(before.Status, pair.Status) {
		return nil
	}
	return client.IgnoreNotFound(r.Client.Status().Patch(ctx, pair, client.MergeFrom(before)))
}

// nextLook returns when to look at a pair again: in regular intervals while all is well, otherwise the sooner the shorter it has
// been failing. What a user changes is seen at once.
func (r *Reconciler) nextLook(pair *storkv1alpha1.ClusterPair, now time.Time) time.Duration {
	interval := r.Options.ProbeInterval
	if interval == 0 {
		interval = DefaultProbeInterval
	}
	next := wait.Jitter(interval, probeJitter)
	if pair.Status.SchedulerStatus != storkv1alpha1.ClusterPairStatusReady {
		next = retryDelay(now.Sub(failingSince(pair, now)))
	}
	switch pair.Status.StorageStatus {
	case storkv1alpha1.ClusterPairStatusError, storkv1alpha1.ClusterPairStatusPending:
		next = min(next, retryDelay(now.Sub(since(pair, storkv1alpha1.ConditionStoragePaired, now))))
	}
	return next
}

// retryDelay is as long as something has been failing, which doubles the time since the first failure with each attempt and
// needs no memory.
func retryDelay(failing time.Duration) time.Duration {
	return max(minRetryDelay, min(failing, maxRetryDelay))
}

// forget drops all that is kept of a pair that is gone.
func (r *Reconciler) forget(name types.NamespacedName) {
	r.Clusters.Forget(name)
	r.apart.forget(name)
	r.metrics.forget(name)
}
