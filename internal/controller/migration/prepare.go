package migration

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/inventory"
	"github.com/godwit-io/godwit/internal/rule"
)

// job is all that a run needs to know, read before it starts.
type job struct {
	migration *storkv1alpha1.Migration
	// pair is the ClusterPair whose credential writes objects of namespaces.
	pair *storkv1alpha1.ClusterPair
	// adminPair is the one whose credential writes everything else. It is pair where the Migration names no admin pair.
	adminPair *storkv1alpha1.ClusterPair
	// namespaces to migrate; never empty.
	namespaces []inventory.Namespace
	// missing are namespaces that the Migration names and that do not exist.
	missing []string
	// transformations by the source namespace that they apply to.
	transformations map[string]*storkv1alpha1.ResourceTransformation
	// preRule and postRule are nil where the Migration names none.
	preRule, postRule *storkv1alpha1.Rule
}

func (j *job) namespaceNames() []string {
	names := make([]string, len(j.namespaces))
	for i, namespace := range j.namespaces {
		names[i] = namespace.Source
	}
	return names
}

// verdict says why a Migration cannot run. The zero value says that it can.
type verdict struct {
	final           bool
	reason, message string
}

func (v verdict) pending() bool { return v.reason != "" && !v.final }
func (v verdict) failed() bool  { return v.reason != "" && v.final }

func pendingFor(format string, args ...any) verdict {
	return verdict{reason: storkv1alpha1.ReasonPending, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) verdict {
	return verdict{final: true, reason: storkv1alpha1.ReasonInvalidSpec, message: fmt.Sprintf(format, args...)}
}

// prepare reads what the Migration refers to and judges whether it can run. What can still appear makes it wait, what can never
// be right makes it fail. An error means that it could not be found out.
func (r *Reconciler) prepare(ctx context.Context, migration *storkv1alpha1.Migration) (*job, verdict, error) {
	j := &job{migration: migration}
	steps := []func(context.Context, *job) (verdict, error){
		r.checkDeadline,
		r.checkSelectors,
		r.checkScope,
		r.resolveNamespaces,
		r.resolvePairs,
		r.resolveTransformations,
		r.resolveRules,
	}
	for _, step := range steps {
		verdict, err := step(ctx, j)
		if err != nil || verdict.reason != "" {
			return nil, verdict, err
		}
	}
	return j, verdict{}, nil
}

// checkDeadline ends a Migration whose attempts have taken too long.
func (r *Reconciler) checkDeadline(_ context.Context, j *job) (verdict, error) {
	started := j.migration.Status.StartTimestamp
	if started == nil || r.Clock.Since(started.Time) < r.Options.RunDeadline {
		return verdict{}, nil
	}
	return verdict{final: true, reason: storkv1alpha1.ReasonDeadlineExceeded, message: fmt.Sprintf(
		"gave up %s after the start, in stage %s", r.Options.RunDeadline, j.migration.Status.Stage)}, nil
}

// checkSelectors ends a Migration whose selectors an API server would refuse, each time that it is asked.
func (r *Reconciler) checkSelectors(_ context.Context, j *job) (verdict, error) {
	if err := j.migration.Spec.CheckSelectors("spec"); err != nil {
		return invalid("%v", err), nil
	}
	return verdict{}, nil
}

func (r *Reconciler) resolveNamespaces(ctx context.Context, j *job) (verdict, error) {
	spec := j.migration.Spec
	found, missing, err := inventory.Namespaces(ctx, r.Source.Dynamic, spec.Namespaces, spec.NamespaceSelectors)
	if err != nil {
		return verdict{}, fmt.Errorf("finding the namespaces of Migration %s: %w", client.ObjectKeyFromObject(j.migration), err)
	}
	for _, name := range slices.Concat(found, missing) {
		if !r.inScope(j.migration, name) {
			return r.outOfScope(j.migration, "what spec.namespaceSelectors selects"), nil
		}
	}
	if len(missing) > 0 && spec.SkipDeletedNamespaces != nil && !*spec.SkipDeletedNamespaces {
		return invalid("error getting namespace %s: it does not exist or is being deleted: create it, or remove it from "+
			"spec.namespaces, or set spec.skipDeletedNamespaces to true",
			strings.Join(missing, ", ")), nil
	}
	if len(found) == 0 {
		return invalid("no valid namespace found based on the provided 'Namespaces' and 'NamespaceSelectors': "+
			"of spec.namespaces [%s] none exists, and spec.namespaceSelectors [%s] selects none: create one or correct them",
			strings.Join(spec.Namespaces, ", "), labels.Set(spec.NamespaceSelectors)), nil
	}
	j.missing = missing
	for _, name := range found {
		j.namespaces = append(j.namespaces, inventory.Namespace{Source: name, Destination: name})
	}
	return verdict{}, nil
}

// checkScope lets a Migration outside the admin namespace move only its own namespace (Stork's public documentation, "Migration
// scope"), and lets nobody know which others there are.
func (r *Reconciler) checkScope(_ context.Context, j *job) (verdict, error) {
	for _, name := range j.migration.Spec.Namespaces {
		if !r.inScope(j.migration, name) {
			return r.outOfScope(j.migration, name), nil
		}
	}
	return verdict{}, nil
}

func (r *Reconciler) inScope(migration *storkv1alpha1.Migration, namespace string) bool {
	return migration.Namespace == r.Options.AdminNamespace || migration.Namespace == namespace
}

func (r *Reconciler) outOfScope(migration *storkv1alpha1.Migration, what string) verdict {
	return invalid("migration namespaces should only contain the current namespace: %s may not be migrated by a Migration in "+
		"%s, only by one in the admin namespace %s", what, migration.Namespace, r.Options.AdminNamespace)
}

// resolvePairs finds the pairs. Without clusterPair the admin pair does everything (documented since Stork 25.5).
func (r *Reconciler) resolvePairs(ctx context.Context, j *job) (verdict, error) {
	spec := j.migration.Spec
	if spec.AdminClusterPair != "" {
		pair, verdict, err := r.resolvePair(ctx, types.NamespacedName{Namespace: r.Options.AdminNamespace, Name: spec.AdminClusterPair}, "spec.adminClusterPair")
		if err != nil || verdict.reason != "" {
			return verdict, err
		}
		j.adminPair = pair
	}
	j.pair = j.adminPair
	if spec.ClusterPair != "" {
		pair, verdict, err := r.resolvePair(ctx, types.NamespacedName{Namespace: j.migration.Namespace, Name: spec.ClusterPair}, "spec.clusterPair")
		if err != nil || verdict.reason != "" {
			return verdict, err
		}
		j.pair = pair
	}
	if j.adminPair == nil {
		j.adminPair = j.pair
	}
	if j.pair == nil {
		return invalid("clusterPair to migrate to cannot be empty: name one in spec.clusterPair or spec.adminClusterPair"), nil
	}
	return verdict{}, nil
}

func (r *Reconciler) resolvePair(ctx context.Context, name types.NamespacedName, field string) (*storkv1alpha1.ClusterPair, verdict, error) {
	pair := &storkv1alpha1.ClusterPair{}
	err := r.Client.Get(ctx, name, pair)
	switch {
	case apierrors.IsNotFound(err):
		return nil, pendingFor("ClusterPair %s does not exist: create it or correct %s", name, field), nil
	case err != nil:
		return nil, verdict{}, err
	case !pair.DeletionTimestamp.IsZero():
		return nil, pendingFor("ClusterPair %s is being deleted: create it anew or correct %s", name, field), nil
	case pair.Status.SchedulerStatus != storkv1alpha1.ClusterPairStatusReady:
		return nil, pendingFor("scheduler Cluster pair is not ready. Status: %s of ClusterPair %s: %s",
			pair.Status.SchedulerStatus, name, readyMessage(pair.Status.Conditions)), nil
	}
	return pair, verdict{}, nil
}

// resolveTransformations finds the ResourceTransformation in each namespace, as Stork does. It must be Ready for its present specs.
func (r *Reconciler) resolveTransformations(ctx context.Context, j *job) (verdict, error) {
	names := j.migration.Spec.TransformSpecs
	if len(names) == 0 {
		return verdict{}, nil
	}
	j.transformations = map[string]*storkv1alpha1.ResourceTransformation{}
	for _, namespace := range j.namespaceNames() {
		transformation := &storkv1alpha1.ResourceTransformation{}
		key := types.NamespacedName{Namespace: namespace, Name: names[0]}
		err := r.Client.Get(ctx, key, transformation)
		switch {
		case apierrors.IsNotFound(err):
			return pendingFor("ResourceTransformation %s does not exist; it is needed in every migrated namespace: create it or correct "+
				"spec.transformSpecs", key), nil
		case err != nil:
			return verdict{}, err
		case transformation.Status.Status == storkv1alpha1.ResourceTransformationStatusFailed && current(transformation):
			return invalid("transformation %s is not in ready state: %s: %s", key, transformation.Status.Status,
				readyMessage(transformation.Status.Conditions)), nil
		case transformation.Status.Status != storkv1alpha1.ResourceTransformationStatusReady || !current(transformation):
			return pendingFor("transformation %s is not in ready state: %s", key, transformation.Status.Status), nil
		}
		j.transformations[namespace] = transformation
	}
	return verdict{}, nil
}

// readyMessage says why an object is not Ready. Stork writes no conditions, and before the first there is none.
func readyMessage(conditions []metav1.Condition) string {
	if ready := apimeta.FindStatusCondition(conditions, storkv1alpha1.ConditionReady); ready != nil {
		return ready.Message
	}
	return "see its status"
}

// current tells whether the status is about the present specs. Stork writes no observedGeneration.
func current(transformation *storkv1alpha1.ResourceTransformation) bool {
	return transformation.Status.ObservedGeneration == 0 || transformation.Status.ObservedGeneration == transformation.Generation
}

func (r *Reconciler) resolveRules(ctx context.Context, j *job) (v verdict, err error) {
	spec := j.migration.Spec
	if j.preRule, v, err = r.resolveRule(ctx, j.migration.Namespace, spec.PreExecRule, "PreExecRule", rule.Pre); err != nil || v.reason != "" {
		return v, err
	}
	j.postRule, v, err = r.resolveRule(ctx, j.migration.Namespace, spec.PostExecRule, "PostExecRule", rule.Post)
	return v, err
}

func (r *Reconciler) resolveRule(ctx context.Context, namespace, name, field string, phase rule.Phase) (*storkv1alpha1.Rule, verdict, error) {
	if name == "" {
		return nil, verdict{}, nil
	}
	found := &storkv1alpha1.Rule{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, found)
	switch {
	case apierrors.IsNotFound(err):
		return nil, pendingFor("Error getting %s %s: Rule %s/%s does not exist: create it or correct spec.%s%s", field, name, namespace, name,
			strings.ToLower(field[:1]), field[1:]), nil
	case err != nil:
		return nil, verdict{}, err
	}
	if err := rule.Validate(found, phase); err != nil {
		return nil, invalid("%s %s cannot run: %v", field, name, err), nil
	}
	return found, verdict{}, nil
}
