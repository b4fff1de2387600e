package migrationschedule

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/remote"
)

// retryDelay is how soon what failed at another cluster is tried again.
const retryDelay = 30 * time.Second

// Options are what an administrator may choose.
type Options struct {
	// AdminNamespace is where admin ClusterPairs are.
	AdminNamespace string
	// CatchUp is how late a run that was missed may start. Zero makes up for none.
	CatchUp time.Duration
	// Zone is where times of day of policies that name none are. Nil means UTC.
	Zone *time.Location
}

// Clusters gives a client for the cluster of a pair.
type Clusters interface {
	Get(ctx context.Context, pair *storkv1alpha1.ClusterPair) (*remote.Cluster, error)
}

// Reconciler reconciles MigrationSchedules. All fields but Options are required.
type Reconciler struct {
	// Client reads from the cache, and writes.
	Client client.Client
	// Live reads past the cache.
	Live client.Reader
	// Clusters reaches the destinations.
	Clusters Clusters
	// Recorder records events.
	Recorder events.EventRecorder
	// Clock tells the time.
	Clock clock.PassiveClock
	// Options are the administrator's.
	Options Options

	metrics *metrics
}

// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=migrationschedules,verbs=watch;patch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=migrationschedules/status,verbs=patch
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=migrations,verbs=watch;create;delete
// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=schedulepolicies;namespacedschedulepolicies;clusterpairs,verbs=watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile looks at one schedule: what its Migrations came to, whether its copy is as it should be, and whether one is due.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	schedule := &storkv1alpha1.MigrationSchedule{}
	if err := r.Client.Get(ctx, req.NamespacedName, schedule); err != nil {
		if apierrors.IsNotFound(err) {
			r.metrics.forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !schedule.DeletionTimestamp.IsZero() {
		return r.delete(ctx, schedule)
	}
	if err := r.moveActivation(ctx, schedule); err != nil {
		return ctrl.Result{}, err
	}
	defer r.metrics.observe(schedule)
	if isCopy(schedule) {
		return ctrl.Result{}, r.reconcileCopy(ctx, schedule)
	}
	if err := r.ensureFinalizer(ctx, schedule); err != nil {
		return ctrl.Result{}, err
	}
	return r.reconcileNormal(ctx, schedule)
}

// ensureFinalizer puts the finalizer on before a copy is made, which a deletion has to take away.
func (r *Reconciler) ensureFinalizer(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	before := schedule.DeepCopy()
	if !controllerutil.AddFinalizer(schedule, storkv1alpha1.FinalizerCleanup) {
		return nil
	}
	return r.Client.Patch(ctx, schedule, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// reconcileNormal writes down what is found in any case; a run is started after what it is for was written down.
func (r *Reconciler) reconcileNormal(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) (ctrl.Result, error) {
	p := r.newPass(schedule)
	if err := p.refresh(ctx); err != nil {
		return ctrl.Result{}, err
	}
	after, err := p.judge(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	deleting := p.deleteObsolete(ctx)
	if err := p.writeStatus(ctx); err != nil {
		return ctrl.Result{}, err
	}
	retryAfter, err := p.carryOut(ctx)
	return ctrl.Result{RequeueAfter: earlier(after, retryAfter)}, errors.Join(deleting, err)
}

// pass is one look at a schedule.
type pass struct {
	*Reconciler
	// schedule is changed, before is as it was read.
	schedule, before *storkv1alpha1.MigrationSchedule
	now              time.Time
	// obsolete are items whose Migrations are too old. They stay until these are deleted.
	obsolete []*storkv1alpha1.ScheduledMigrationStatus
	// suspend is what spec.suspend becomes; nil leaves it.
	suspend *bool
}

func (r *Reconciler) newPass(schedule *storkv1alpha1.MigrationSchedule) *pass {
	return &pass{Reconciler: r, schedule: schedule, before: schedule.DeepCopy(), now: r.Clock.Now()}
}

// writeStatus writes the status where it changed, and only over the one that was read: two looks at a schedule cannot both start
// a run for the same time.
func (p *pass) writeStatus(ctx context.Context) error {
	p.schedule.Status.ObservedGeneration = p.schedule.Generation
	if equality.Semantic.DeepEqual(p.before.Status, p.schedule.Status) {
		return nil
	}
	patch := client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{})
	if err := p.Client.Status().Patch(ctx, p.schedule, patch); err != nil {
		return err
	}
	p.before = p.schedule.DeepCopy()
	return nil
}
