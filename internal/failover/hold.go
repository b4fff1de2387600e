package failover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// holdSchedule suspends the schedule and lets a Migration that runs come to its end, so that nothing is migrated in between.
func holdSchedule(ctx context.Context, t *trip) verdict {
	schedule, err := t.active(ctx)
	if err != nil {
		return t.retry("reading the MigrationSchedule at the "+t.origin(), err)
	}
	if !isTrue(schedule.Spec.Suspend) {
		// Suspending and who did it are one write: whether it has to be undone is never in doubt.
		err := t.patchSchedule(ctx, schedule, map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{storkv1alpha1.AnnotationSuspendedBy: t.uid()}},
			"spec":     map[string]any{"suspend": true},
		})
		if err != nil {
			return t.retry("suspending the MigrationSchedule at the "+t.origin(), err)
		}
	}
	running, err := t.runningMigration(ctx)
	if err != nil {
		return t.retry("looking for Migrations that run at the "+t.origin(), err)
	}
	if running != "" {
		return t.retry("", &runningError{running})
	}
	return proceed(t.stages.down, "stopping applications at the "+t.origin())
}

// runningMigration returns the name of a Migration of the schedule that is not finished; empty if there is none. It reads the schedule
// again, for it may have written one down just before it was suspended.
func (t *trip) runningMigration(ctx context.Context) (string, error) {
	schedule, err := t.active(ctx)
	if err != nil {
		return "", err
	}
	cluster, err := t.from(ctx)
	if err != nil {
		return "", err
	}
	list, err := cluster.Dynamic.Resource(migrationsResource).Namespace(t.action.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	final := map[string]bool{}
	for _, item := range list.Items {
		final[item.GetName()] = stageOf(&item) == storkv1alpha1.MigrationStageFinal
		if item.GetAnnotations()[storkv1alpha1.AnnotationMigrationScheduleName] == t.schedule && !final[item.GetName()] {
			return item.GetName(), nil
		}
	}
	for _, items := range schedule.Status.Items {
		for _, item := range items {
			// One that is Final may only not have been noted: nobody may run there who does. One that was written down and is not there
			// is still to be made.
			if item != nil && !complete(item.Status) && !final[item.Name] {
				return item.Name, nil
			}
		}
	}
	return "", nil
}

func stageOf(migration *unstructured.Unstructured) storkv1alpha1.MigrationStageType {
	stage, _, _ := unstructured.NestedString(migration.Object, "status", "stage")
	return storkv1alpha1.MigrationStageType(stage)
}

// patchSchedule writes to the schedule unless somebody else wrote in between.
func (t *trip) patchSchedule(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule, change map[string]any, subresources ...string) error {
	resource, err := t.schedules(ctx)
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
	written, err := resource.Patch(ctx, schedule.Name, types.MergePatchType, data, metav1.PatchOptions{}, subresources...)
	if err == nil {
		schedule.ResourceVersion = written.GetResourceVersion()
	}
	return err
}

func (t *trip) schedules(ctx context.Context) (dynamic.ResourceInterface, error) {
	cluster, err := t.from(ctx)
	if err != nil {
		return nil, err
	}
	return cluster.Dynamic.Resource(schedulesResource).Namespace(t.action.Namespace), nil
}

// releaseSchedule undoes the suspension if it is this Action's.
func (t *trip) releaseSchedule(ctx context.Context) error {
	schedule, err := t.active(ctx)
	if _, gone := errors.AsType[*refusal](err); gone {
		return nil // There is nothing left to resume.
	}
	if err != nil || schedule.Annotations[storkv1alpha1.AnnotationSuspendedBy] != t.uid() {
		return err
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
