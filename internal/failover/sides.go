package failover

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

var (
	schedulesResource  = storkv1alpha1.GroupVersion.WithResource("migrationschedules")
	migrationsResource = storkv1alpha1.GroupVersion.WithResource("migrations")
)

// accessError means that a cluster could not be reached at all.
type accessError struct{ err error }

func (e *accessError) Error() string { return e.err.Error() }
func (e *accessError) Unwrap() error { return e.err }

// refusal is an error that only a change by the user can help.
type refusal struct{ message string }

func (e *refusal) Error() string { return e.message }

func refusef(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// local reads the MigrationSchedule of the Action's cluster: the copy of the source's for a failover, the reverse one for a failback.
func (t *trip) local(ctx context.Context) (*storkv1alpha1.MigrationSchedule, error) {
	schedule, err := t.readSchedule(ctx, t.Clusters.Local())
	if apierrors.IsNotFound(err) {
		return nil, refusef("unable to find the reference MigrationSchedule %s in the %s namespace", t.schedule, t.action.Namespace)
	}
	return schedule, err
}

// other reaches the other cluster, by the pair that a schedule names.
func (t *trip) other(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) (activation.Cluster, error) {
	spec := schedule.Spec.Template.Spec
	pair := t.key(spec.ClusterPair)
	if spec.ClusterPair == "" {
		pair = types.NamespacedName{Namespace: t.Options.AdminNamespace, Name: spec.AdminClusterPair}
	}
	cluster, err := t.Clusters.Paired(ctx, pair)
	switch {
	case apierrors.IsNotFound(err) && t.failback:
		return cluster, refusef("unable to find the ClusterPair %s in the %s namespace", pair.Name, pair.Namespace)
	case apierrors.IsNotFound(err):
		return cluster, refusef("unable to find the ClusterPair %s in the %s namespace, which leads back to the source: create it, "+
			"or, if the source is lost, set skipSourceOperations", pair.Name, pair.Namespace)
	case err != nil:
		return cluster, &accessError{err}
	}
	return cluster, nil
}

// from reaches the cluster that applications leave, and to the one that they arrive in.
func (t *trip) from(ctx context.Context) (activation.Cluster, error) { return t.side(ctx, t.failback) }
func (t *trip) to(ctx context.Context) (activation.Cluster, error)   { return t.side(ctx, !t.failback) }

func (t *trip) side(ctx context.Context, local bool) (activation.Cluster, error) {
	if local {
		return t.Clusters.Local(), nil
	}
	schedule, err := t.local(ctx)
	if err != nil {
		return activation.Cluster{}, err
	}
	return t.other(ctx, schedule)
}

// engine returns the one of a cluster, made once a step.
func (t *trip) engine(ctx context.Context, cluster activation.Cluster, name string) (*activation.Engine, error) {
	if engine := t.engines[name]; engine != nil {
		return engine, nil
	}
	engine, notices, err := activation.NewEngine(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("finding out what runs at the %s: %w", name, err)
	}
	if len(notices) > 0 {
		// Something of a group that does not answer may run.
		return nil, &accessError{fmt.Errorf("finding out what runs at the %s: %s", name, notices[0])}
	}
	t.engines[name] = engine
	return engine, nil
}

// engineFrom and engineTo return those of the two clusters.
func (t *trip) engineFrom(ctx context.Context) (*activation.Engine, error) {
	cluster, err := t.from(ctx)
	if err != nil {
		return nil, err
	}
	return t.engine(ctx, cluster, t.origin())
}

func (t *trip) engineTo(ctx context.Context) (*activation.Engine, error) {
	cluster, err := t.to(ctx)
	if err != nil {
		return nil, err
	}
	return t.engine(ctx, cluster, t.goal())
}

// readSchedule reads the MigrationSchedule of the Action in a cluster.
func (t *trip) readSchedule(ctx context.Context, cluster activation.Cluster) (*storkv1alpha1.MigrationSchedule, error) {
	object, err := cluster.Dynamic.Resource(schedulesResource).Namespace(t.action.Namespace).Get(ctx, t.schedule, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	schedule := &storkv1alpha1.MigrationSchedule{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, schedule); err != nil {
		return nil, fmt.Errorf("reading MigrationSchedule %s: %w", t.key(t.schedule), err)
	}
	return schedule, nil
}

// active reads the schedule whose Migrations bring the applications from where they leave to where they arrive. It is in the cluster
// that they leave, which a failover without source operations does not ask: there the copy has to do.
func (t *trip) active(ctx context.Context) (*storkv1alpha1.MigrationSchedule, error) {
	if t.skipSource {
		return t.local(ctx)
	}
	cluster, err := t.from(ctx)
	if err != nil {
		return nil, err
	}
	schedule, err := t.readSchedule(ctx, cluster)
	if apierrors.IsNotFound(err) {
		return nil, refusef("unable to find MigrationSchedule %s at the %s: was it deleted there?", t.key(t.schedule), t.origin())
	}
	return schedule, err
}

func isCopy(schedule *storkv1alpha1.MigrationSchedule) bool {
	return schedule.Annotations[storkv1alpha1.AnnotationStaticCopy] == "true"
}

// labelsOf reads the labels of namespaces. Those that do not exist have none.
func labelsOf(ctx context.Context, cluster activation.Cluster, names []string) (map[string]map[string]string, error) {
	found := map[string]map[string]string{}
	for _, name := range names {
		namespace, err := cluster.Dynamic.Resource(namespacesResource).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
			found[name] = nil
		case err != nil:
			return nil, fmt.Errorf("reading namespace %s: %w", name, err)
		default:
			found[name] = namespace.GetLabels()
		}
	}
	return found, nil
}
