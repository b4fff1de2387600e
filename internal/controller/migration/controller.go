package migration

import (
	"context"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/rule"
	"github.com/godwit-io/godwit/internal/volume"
)

// Options are what an administrator may choose.
type Options struct {
	// AdminNamespace is the namespace whose Migrations may move every namespace.
	AdminNamespace string
	// PendingDeadline is how long a Migration may wait for something that does not exist or is not ready; then it fails.
	PendingDeadline time.Duration
	// RunDeadline is how long a Migration may take from its start, retries included; then it fails.
	RunDeadline time.Duration
	// MaxRuns is how many Migrations run at once.
	MaxRuns int
	// Writers is how many objects of one Migration are written at once; 0 means the apply engine's default.
	Writers int
}

// Source reads the cluster that the operator runs in, past any cache.
type Source struct {
	Dynamic   dynamic.Interface
	Discovery discovery.DiscoveryInterface
}

// Clusters gives a client for the cluster of a pair.
type Clusters interface {
	Get(ctx context.Context, pair *storkv1alpha1.ClusterPair) (*remote.Cluster, error)
}

// Reconciler reconciles Migrations. All fields are required.
type Reconciler struct {
	// Client reads from the cache, and writes.
	Client client.Client
	// Live reads past the cache, what is needed once a run.
	Live client.Reader
	// Source reads what is migrated.
	Source Source
	// Clusters reaches the destinations.
	Clusters Clusters
	// Volumes are the storage drivers.
	Volumes *volume.Registry
	// Rules runs pre- and post-exec rules.
	Rules *rule.Runner
	// Recorder records events.
	Recorder events.EventRecorder
	// Clock tells the time.
	Clock clock.WithTicker
	// Options are the administrator's.
	Options Options

	runner  *runner
	metrics *metrics
}

// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=migrations,verbs=watch;patch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=migrations/status,verbs=patch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=clusterpairs;rules;resourcetransformations,verbs=watch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=create;patch
// +kubebuilder:rbac:groups=*,resources=*,verbs=get;list
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile brings one Migration a step further. A Migration in stage Final is left alone for ever.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	migration := &storkv1alpha1.Migration{}
	if err := r.Client.Get(ctx, req.NamespacedName, migration); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.metrics.forget(req.NamespacedName)
			r.runner.cancel(req.NamespacedName) // Somebody took the finalizer off.
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	r.metrics.observe(migration)
	switch {
	case !migration.DeletionTimestamp.IsZero():
		return ctrl.Result{}, r.delete(ctx, migration)
	case migration.Status.Stage == storkv1alpha1.MigrationStageFinal, r.runner.running(req.NamespacedName):
		return ctrl.Result{}, nil
	}
	// The cache may not have seen yet that a run has just ended: starting it again would migrate twice.
	if err := r.Live.Get(ctx, req.NamespacedName, migration); err != nil || finished(migration) {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if err := r.ensureFinalizer(ctx, migration); err != nil {
		return ctrl.Result{}, err
	}
	return r.advance(ctx, migration)
}

func finished(migration *storkv1alpha1.Migration) bool {
	return migration.Status.Stage == storkv1alpha1.MigrationStageFinal || !migration.DeletionTimestamp.IsZero()
}

// ensureFinalizer puts the finalizer on before anything is started that a deletion has to cancel.
func (r *Reconciler) ensureFinalizer(ctx context.Context, migration *storkv1alpha1.Migration) error {
	before := migration.DeepCopy()
	if !controllerutil.AddFinalizer(migration, storkv1alpha1.FinalizerCleanup) {
		return nil
	}
	return r.Client.Patch(ctx, migration, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// advance judges the Migration and starts its run, writes down why it waits, or ends it.
func (r *Reconciler) advance(ctx context.Context, migration *storkv1alpha1.Migration) (ctrl.Result, error) {
	status := newStatusWriter(r, migration)
	job, verdict, err := r.prepare(ctx, migration)
	switch {
	case err != nil:
		return ctrl.Result{}, err
	case verdict.failed():
		return ctrl.Result{}, r.abandon(ctx, status, verdict.reason, verdict.message)
	case verdict.pending():
		return r.wait(ctx, status, verdict)
	}
	run := &run{Reconciler: r, job: job, status: status}
	//nolint:contextcheck // A run outlives the reconciliation that starts it: it lives as long as the runner lets it.
	admission := r.runner.start(client.ObjectKeyFromObject(migration), job.namespaceNames(), run.do)
	if admission.holder != "" {
		return ctrl.Result{}, status.pending(ctx, storkv1alpha1.ReasonWaitingForMigration, "waits for "+admission.holder)
	}
	return ctrl.Result{RequeueAfter: admission.after}, nil
}

// wait writes down what the Migration waits for. What it waits for is watched; only the deadline needs a timer.
func (r *Reconciler) wait(ctx context.Context, status *statusWriter, verdict verdict) (ctrl.Result, error) {
	left := r.Options.PendingDeadline - r.Clock.Since(status.pendingSince())
	if left <= 0 {
		return ctrl.Result{}, r.abandon(ctx, status, storkv1alpha1.ReasonDeadlineExceeded,
			"gave up after "+r.Options.PendingDeadline.String()+": "+verdict.message)
	}
	return ctrl.Result{RequeueAfter: left}, status.pending(ctx, verdict.reason, verdict.message)
}

// delete cancels what runs and then lets the object go. What has arrived at the destination stays there, as with Stork.
func (r *Reconciler) delete(ctx context.Context, migration *storkv1alpha1.Migration) error {
	key := client.ObjectKeyFromObject(migration)
	if r.runner.cancel(key) {
		return nil // The end of the run brings the Migration here again.
	}
	if migration.Status.Stage != storkv1alpha1.MigrationStageFinal {
		if err := r.cancelVolumes(ctx, migration); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Volumes of a deleted Migration go on") // Best effort, as with Stork.
		}
	}
	before := migration.DeepCopy()
	if !controllerutil.RemoveFinalizer(migration, storkv1alpha1.FinalizerCleanup) {
		return nil
	}
	r.metrics.forget(key)
	return client.IgnoreNotFound(r.Client.Patch(ctx, migration, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
}
