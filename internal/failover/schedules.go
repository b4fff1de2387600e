package failover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// concerned are the schedules whose Migrations take one of some namespaces from where the applications leave: the Action's own one
// comes first.
func (t *trip) concerned(ctx context.Context, namespaces []string) ([]storkv1alpha1.MigrationSchedule, error) {
	own, err := t.active(ctx)
	if err != nil {
		return nil, err
	}
	others, err := t.others(ctx, namespaces)
	return append([]storkv1alpha1.MigrationSchedule{*own}, others...), err
}

// others are the schedules beside the Action's own one that migrate one of some namespaces from the same cluster.
func (t *trip) others(ctx context.Context, namespaces []string) (others []storkv1alpha1.MigrationSchedule, _ error) {
	cluster, err := t.from(ctx)
	if err != nil {
		return nil, err
	}
	labels, err := labelsOf(ctx, cluster, namespaces)
	if err != nil {
		return nil, err
	}
	for _, in := range slices.Sorted(maps.Keys(t.homes(labels))) {
		found, err := activation.FindSchedules(ctx, cluster, map[string]bool{in: true})
		if apierrors.IsForbidden(err) && !t.mayReach(in) {
			continue // Whoever may not read there may not know.
		}
		if err != nil {
			return nil, err
		}
		for i := range found {
			if other := &found[i]; !isCopy(other) && keyOf(other) != t.key(t.schedule) && activation.MigratesAny(other, labels) {
				others = append(others, *other)
			}
		}
	}
	return others, nil
}

// checkOthers refuses to go on beside a schedule that would migrate in between and is not for this Action to suspend.
func (t *trip) checkOthers(schedules []storkv1alpha1.MigrationSchedule) error {
	for i := range schedules {
		if other := &schedules[i]; !isTrue(other.Spec.Suspend) && !t.mayReach(other.Namespace) {
			return refusef("MigrationSchedule %s at the %s migrates the same namespaces, and is not for an Action in namespace %s to suspend: suspend it there "+
				"(storkctl suspend migrationschedule %s -n %s), or perform the %s in namespace %s",
				keyOf(other), t.origin(), t.action.Namespace, other.Name, other.Namespace, t.action.Spec.ActionType, t.Options.AdminNamespace)
		}
	}
	return nil
}

// homes are the namespaces in which there may be schedules of some namespaces.
func (t *trip) homes(namespaces map[string]map[string]string) map[string]bool {
	in := map[string]bool{t.action.Namespace: true, t.Options.AdminNamespace: true}
	for namespace := range namespaces {
		in[namespace] = true
	}
	return in
}

// patchSchedule writes to a schedule where the applications leave unless somebody else wrote in between.
func (t *trip) patchSchedule(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, change map[string]any, subresources ...string) error {
	cluster, err := t.from(ctx)
	if err != nil {
		return err
	}
	metadata, _ := change["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		change["metadata"] = metadata
	}
	metadata["resourceVersion"] = schedule.ResourceVersion
	data, err := json.Marshal(change)
	if err != nil {
		return err
	}
	written, err := cluster.Dynamic.Resource(schedulesResource).Namespace(schedule.Namespace).
		Patch(ctx, schedule.Name, types.MergePatchType, data, metav1.PatchOptions{}, subresources...)
	if err == nil {
		schedule.ResourceVersion = written.GetResourceVersion()
	}
	return err
}

// releaseAll undoes the suspensions that are this Action's.
func (t *trip) releaseAll(ctx context.Context) error {
	own, err := t.active(ctx)
	if _, gone := errors.AsType[*refusal](err); !gone { // Otherwise there is nothing left to resume.
		if err == nil {
			err = t.release(ctx, own)
		}
		if err != nil {
			return err
		}
	}
	return t.releaseOthers(ctx)
}

// releaseOthers gives the other schedules back. They find out themselves whether their applications are active at the other side.
func (t *trip) releaseOthers(ctx context.Context) error {
	others, err := t.others(ctx, t.namespaces())
	for i := range others {
		err = errors.Join(err, t.release(ctx, &others[i]))
	}
	return err
}

func (t *trip) release(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	if schedule.Annotations[storkv1alpha1.AnnotationSuspendedBy] != t.uid() {
		return nil
	}
	return t.patchSchedule(ctx, schedule, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{storkv1alpha1.AnnotationSuspendedBy: nil}},
		"spec":     map[string]any{"suspend": false},
	})
}

// handOver leaves the schedule suspended. One with autoSuspend is told that it is so because its applications are active at the other
// side, as if it had found out itself: it resumes when they no longer are.
func (t *trip) handOver(ctx context.Context) error {
	schedule, err := t.active(ctx)
	if err != nil || schedule.Annotations[storkv1alpha1.AnnotationSuspendedBy] != t.uid() {
		return err
	}
	active, err := t.copyIsActive(ctx)
	if err != nil {
		return err
	}
	if schedule.Spec.AutoSuspend && active {
		if err := t.explainSuspension(ctx, schedule); err != nil {
			return err
		}
	}
	return t.patchSchedule(ctx, schedule, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{storkv1alpha1.AnnotationSuspendedBy: nil}},
	})
}

// copyIsActive tells whether the schedule can find out at the other side that its applications are active there.
func (t *trip) copyIsActive(ctx context.Context) (bool, error) {
	cluster, err := t.to(ctx)
	if err != nil {
		return false, err
	}
	copied, err := t.readSchedule(ctx, cluster)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil && isCopy(copied) && copied.Status.ApplicationActivated, err
}

func (t *trip) explainSuspension(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	changed := apimeta.SetStatusCondition(&schedule.Status.Conditions, metav1.Condition{
		Type: storkv1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: storkv1alpha1.ReasonApplicationsActive,
		Message:            fmt.Sprintf("suspended by %s %s: the migrated applications are active at the other cluster", t.action.Spec.ActionType, t.key(t.action.Name)),
		ObservedGeneration: schedule.Generation, LastTransitionTime: metav1.NewTime(t.Clock.Now()),
	})
	status, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&schedule.Status)
	if err != nil || !changed {
		return err
	}
	change := map[string]any{"status": map[string]any{"conditions": status["conditions"]}}
	err = t.patchSchedule(ctx, schedule, change, "status")
	if apierrors.IsNotFound(err) {
		err = t.patchSchedule(ctx, schedule, change) // Stork's CustomResourceDefinition has no status subresource.
	}
	return err
}
