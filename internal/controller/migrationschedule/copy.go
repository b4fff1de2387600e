package migrationschedule

import (
	"context"
	"encoding/json"
	"errors"
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
	p := r.newPass(schedule)
	p.ready(storkv1alpha1.ReasonStaticCopy, "it is the copy of another cluster's schedule and makes no Migrations")
	return p.writeStatus(ctx)
}

// keepCopied writes the copy when what it is made of was changed since. Otherwise it sends nothing.
func (p *pass) keepCopied(ctx context.Context) copyState {
	if p.schedule.Status.CopiedHash == copiedHash(copyOf(p.schedule)) {
		return copyState{}
	}
	return p.synchronise(ctx)
}

// synchronise brings the copy to what it should be, and finds out whether the applications are active there.
func (p *pass) synchronise(ctx context.Context) copyState {
	state := p.writeCopy(ctx)
	if !state.unknown {
		p.leaveFormerDestination(ctx)
	}
	if state.problem != "" {
		p.schedule.Status.CopiedHash = ""
		if !apimeta.IsStatusConditionFalse(p.before.Status.Conditions, storkv1alpha1.ConditionCopied) {
			p.event(corev1.EventTypeWarning, storkv1alpha1.ReasonCopyFailed, "%s", cut(state.problem, maxNoteLength))
		}
		p.condition(storkv1alpha1.ConditionCopied, metav1.ConditionFalse, storkv1alpha1.ReasonCopyFailed, state.problem)
		return state
	}
	p.schedule.Status.CopiedHash = copiedHash(copyOf(p.schedule))
	p.condition(storkv1alpha1.ConditionCopied, metav1.ConditionTrue, storkv1alpha1.ReasonCopied, "the copy at the destination is as it should be")
	return state
}

func (p *pass) writeCopy(ctx context.Context) copyState {
	destination, err := p.destination(ctx, p.pairOf(p.schedule))
	if err != nil {
		state := copyState{unknown: true, problem: err.Error(), retryAfter: retryDelay}
		if _, watched := errors.AsType[*pairError](err); watched {
			state.retryAfter = 0
		}
		return state
	}
	target := destination.Resource(schedules).Namespace(p.schedule.Namespace)
	live, err := target.Get(ctx, p.schedule.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && p.autoSuspended():
		// A new one would say that no applications are active there.
		return copyState{unknown: true, problem: fmt.Sprintf("the copy at the destination, which said that the applications are active there, is gone: "+
			"if they run there no longer, run storkctl resume migrationschedule %s -n %s", p.schedule.Name, p.schedule.Namespace)}
	case apierrors.IsNotFound(err):
		return createCopy(ctx, destination, p.schedule)
	case apierrors.IsForbidden(err):
		return copyState{unknown: true, problem: fmt.Sprintf("reading the copy at the destination: %v: let the credential of the pair read and write MigrationSchedules there", err)}
	case err != nil:
		return copyState{unknown: true, problem: fmt.Sprintf("reading the copy at the destination: %v", err), retryAfter: retryDelay}
	}
	return updateCopy(ctx, target, live, p.schedule)
}

// pairError means that a ClusterPair leads nowhere. It is watched, so there is no need to try again.
type pairError struct {
	problem string
	// gone is true where there is no such pair.
	gone bool
}

func (e *pairError) Error() string { return e.problem }

// destination reaches the cluster that a pair leads to.
func (r *Reconciler) destination(ctx context.Context, key types.NamespacedName) (dynamic.Interface, error) {
	pair := &storkv1alpha1.ClusterPair{}
	err := r.Client.Get(ctx, key, pair)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &pairError{gone: true, problem: fmt.Sprintf("ClusterPair %s does not exist: create it or correct the schedule's template", key)}
	case err != nil:
		return nil, err
	case pair.Status.SchedulerStatus != storkv1alpha1.ClusterPairStatusReady:
		return nil, &pairError{problem: fmt.Sprintf("ClusterPair %s is not ready: see its conditions", key)}
	}
	cluster, err := r.Clusters.Get(ctx, pair)
	if err != nil {
		return nil, err
	}
	return cluster.Dynamic, nil
}

// pairOf names the pair that leads to the copy: that of what is in namespaces.
func (r *Reconciler) pairOf(schedule *storkv1alpha1.MigrationSchedule) types.NamespacedName {
	spec := schedule.Spec.Template.Spec
	if spec.ClusterPair == "" {
		return types.NamespacedName{Namespace: r.Options.AdminNamespace, Name: spec.AdminClusterPair}
	}
	return types.NamespacedName{Namespace: schedule.Namespace, Name: spec.ClusterPair}
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
	annotations, labels := follow(found, wanted)
	if equality.Semantic.DeepEqual(found.Spec, wanted.Spec) && maps.Equal(annotations, found.Annotations) && maps.Equal(labels, found.Labels) {
		return state
	}
	object, err := toUnstructured(wanted)
	if err != nil {
		return copyState{unknown: true, problem: err.Error()}
	}
	live.SetAnnotations(annotations)
	live.SetLabels(labels)
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
	dropOwn(copied.Annotations)
	copied.Annotations[storkv1alpha1.AnnotationStaticCopy] = "true"
	copied.Annotations[storkv1alpha1.AnnotationResourceHash] = hashOf(schedule.Spec.Template)
	copied.Annotations[storkv1alpha1.AnnotationCopiedKeys] = recordOf(copied).String()
	return copied
}

// dropOwn drops annotations that say something of the schedule alone: its manifest, what is to go into its status, and what an Action
// notes on it.
func dropOwn(annotations map[string]string) {
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	delete(annotations, storkv1alpha1.AnnotationApplicationActivated)
	delete(annotations, storkv1alpha1.AnnotationSuspendedBy)
	delete(annotations, storkv1alpha1.AnnotationActivation)
}

// copiedHash tells whether a copy has to be written anew.
func copiedHash(copied *storkv1alpha1.MigrationSchedule) string {
	return hashOf([]any{copied.Labels, copied.Annotations, copied.Spec})
}

// hashOf is opaque to everyone else; Stork has one on the copy.
func hashOf(value any) string {
	hash := fnv.New64a()
	_ = json.NewEncoder(hash).Encode(value) // Neither the types nor the hash can fail.
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
