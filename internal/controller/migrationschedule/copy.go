package migrationschedule

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var (
	schedules  = storkv1alpha1.GroupVersion.WithResource("migrationschedules")
	namespaces = corev1.SchemeGroupVersion.WithResource("namespaces")
)

// annotationLastApplied is kubectl's, of the original: the copy is nobody's manifest.
const annotationLastApplied = corev1.LastAppliedConfigAnnotation

// copyState is what is known of a schedule's copy at the destination.
type copyState struct {
	// activated is true while the applications run there.
	activated bool
	// unknown is true where that could not be found out.
	unknown bool
	// problem says why the copy is not as it should be; empty if it is.
	problem string
	// retryAfter is when to try again; zero where only a change can help, which is watched.
	retryAfter time.Duration
}

// isCopy tells whether a schedule is the copy of another cluster's.
func isCopy(schedule *storkv1alpha1.MigrationSchedule) bool {
	_, ok := schedule.Annotations[storkv1alpha1.AnnotationStaticCopy]
	return ok
}

// reconcileCopy lets go of a copy that is deleted. Nothing else is done with one.
func (r *Reconciler) reconcileCopy(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	p := &pass{Reconciler: r, schedule: schedule, before: schedule.DeepCopy(), now: r.Clock.Now()}
	p.ready(storkv1alpha1.ReasonStaticCopy, "it is the copy of another cluster's schedule and makes no Migrations")
	return p.writeStatus(ctx)
}

// keepCopied writes the copy when the schedule was changed since. Otherwise it sends nothing.
func (p *pass) keepCopied(ctx context.Context) copyState {
	copied := apimeta.FindStatusCondition(p.schedule.Status.Conditions, storkv1alpha1.ConditionCopied)
	if copied != nil && copied.Status == metav1.ConditionTrue && copied.ObservedGeneration == p.schedule.Generation {
		return copyState{}
	}
	return p.synchronise(ctx)
}

// synchronise brings the copy to what it should be, and finds out whether the applications are active there.
func (p *pass) synchronise(ctx context.Context) copyState {
	state := p.writeCopy(ctx)
	status, reason, message := metav1.ConditionTrue, storkv1alpha1.ReasonCopied, "the copy at the destination is as it should be"
	if state.problem != "" {
		status, reason, message = metav1.ConditionFalse, storkv1alpha1.ReasonCopyFailed, state.problem
	}
	p.condition(storkv1alpha1.ConditionCopied, status, reason, message)
	return state
}

func (p *pass) writeCopy(ctx context.Context) copyState {
	destination, problem, err := p.destination(ctx, p.schedule)
	switch {
	case err != nil:
		return copyState{unknown: true, problem: err.Error(), retryAfter: retryDelay}
	case problem != "":
		return copyState{unknown: true, problem: problem}
	}
	target := destination.Resource(schedules).Namespace(p.schedule.Namespace)
	live, err := target.Get(ctx, p.schedule.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return createCopy(ctx, destination, p.schedule)
	case apierrors.IsForbidden(err):
		return copyState{problem: fmt.Sprintf("the credential of the pair may not read MigrationSchedules at the destination: %v: a failover by Action is not possible there", err)}
	case err != nil:
		return copyState{unknown: true, problem: fmt.Sprintf("reading the copy at the destination: %v", err), retryAfter: retryDelay}
	}
	return updateCopy(ctx, target, live, p.schedule)
}

// destination reaches the cluster that the schedule's Migrations go to. A problem is one that only a change can help.
func (r *Reconciler) destination(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) (_ dynamic.Interface, problem string, _ error) {
	spec := schedule.Spec.Template.Spec
	key := types.NamespacedName{Namespace: schedule.Namespace, Name: spec.ClusterPair}
	if spec.ClusterPair == "" {
		key = types.NamespacedName{Namespace: r.Options.AdminNamespace, Name: spec.AdminClusterPair}
	}
	pair := &storkv1alpha1.ClusterPair{}
	err := r.Client.Get(ctx, key, pair)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Sprintf("ClusterPair %s does not exist", key), nil
	case err != nil:
		return nil, "", err
	case pair.Status.SchedulerStatus != storkv1alpha1.ClusterPairStatusReady:
		return nil, fmt.Sprintf("ClusterPair %s is not ready: see its conditions", key), nil
	}
	cluster, err := r.Clusters.Get(ctx, pair)
	if err != nil {
		return nil, "", err
	}
	return cluster.Dynamic, "", nil
}

// createCopy makes the copy, in a namespace that the first Migration completes. A destination without the kind cannot fail over by
// Action, and is otherwise a good one.
func createCopy(ctx context.Context, destination dynamic.Interface, schedule *storkv1alpha1.MigrationSchedule) copyState {
	object, err := toUnstructured(copyOf(schedule))
	if err != nil {
		return copyState{problem: err.Error()}
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": schedule.Namespace},
	}}
	if _, err := destination.Resource(namespaces).Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.IsForbidden(err) {
		return copyState{unknown: true, problem: fmt.Sprintf("creating namespace %s at the destination: %v", schedule.Namespace, err), retryAfter: retryDelay}
	}
	_, err = destination.Resource(schedules).Namespace(schedule.Namespace).Create(ctx, object, metav1.CreateOptions{})
	switch {
	case err == nil:
		return copyState{}
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return copyState{problem: fmt.Sprintf("no copy can be made at the destination: %v: "+
			"install the CRDs there and let the credential of the pair write MigrationSchedules, to fail over by Action", err)}
	}
	return copyState{unknown: true, problem: fmt.Sprintf("creating the copy at the destination: %v", err), retryAfter: retryDelay}
}

// updateCopy changes what differs; the status is the destination's own.
func updateCopy(ctx context.Context, target dynamic.ResourceInterface, live *unstructured.Unstructured, schedule *storkv1alpha1.MigrationSchedule) copyState {
	found, wanted := &storkv1alpha1.MigrationSchedule{}, copyOf(schedule)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, found); err != nil {
		return copyState{unknown: true, problem: fmt.Sprintf("reading the copy at the destination: %v", err), retryAfter: retryDelay}
	}
	if found.Annotations[storkv1alpha1.AnnotationStaticCopy] != "true" {
		return copyState{unknown: true, problem: "a non static-copy migrationSchedule with the same name and namespace found in the remote cluster: " +
			"rename one of them"}
	}
	state := copyState{activated: found.Status.ApplicationActivated}
	if equality.Semantic.DeepEqual(found.Spec, wanted.Spec) && contains(found.Annotations, wanted.Annotations) {
		return state
	}
	object, err := toUnstructured(wanted)
	if err != nil {
		return copyState{unknown: true, problem: err.Error()}
	}
	annotations := live.GetAnnotations()
	maps.Copy(annotations, wanted.Annotations)
	live.SetAnnotations(annotations)
	live.Object["spec"] = object.Object["spec"]
	if _, err := target.Update(ctx, live, metav1.UpdateOptions{}); err != nil {
		state.problem, state.retryAfter = fmt.Sprintf("updating the copy at the destination: %v", err), retryDelay
	}
	return state
}

// copyOf returns what a schedule is like at the destination: suspended, and marked as a copy (Stork's static copy).
func copyOf(schedule *storkv1alpha1.MigrationSchedule) *storkv1alpha1.MigrationSchedule {
	copied := &storkv1alpha1.MigrationSchedule{
		TypeMeta: metav1.TypeMeta{APIVersion: storkv1alpha1.GroupVersion.String(), Kind: "MigrationSchedule"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: schedule.Namespace, Name: schedule.Name, Labels: schedule.Labels, Annotations: maps.Clone(schedule.Annotations),
		},
		Spec: *schedule.Spec.DeepCopy(),
	}
	copied.Spec.Suspend = new(true)
	if copied.Annotations == nil {
		copied.Annotations = map[string]string{}
	}
	delete(copied.Annotations, annotationLastApplied)
	copied.Annotations[storkv1alpha1.AnnotationStaticCopy] = "true"
	copied.Annotations[storkv1alpha1.AnnotationResourceHash] = hashOf(schedule.Spec.Template)
	return copied
}

// hashOf is opaque to everyone else; Stork has one there.
func hashOf(template storkv1alpha1.MigrationTemplateSpec) string {
	hash := fnv.New64a()
	_ = json.NewEncoder(hash).Encode(template) // Neither the type nor the hash can fail.
	return strconv.FormatUint(hash.Sum64(), 10)
}

func toUnstructured(schedule *storkv1alpha1.MigrationSchedule) (*unstructured.Unstructured, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(schedule)
	if err != nil {
		return nil, fmt.Errorf("copying the schedule: %w", err)
	}
	delete(object, "status")
	return &unstructured.Unstructured{Object: object}, nil
}

// contains tells whether all of some annotations are among others.
func contains(all, some map[string]string) bool {
	for key, value := range some {
		if found, ok := all[key]; !ok || found != value {
			return false
		}
	}
	return true
}
