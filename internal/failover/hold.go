package failover

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// holdSchedules suspends the schedules that migrate the namespaces and lets a Migration that runs come to its end, so that nothing is
// migrated in between.
func holdSchedules(ctx context.Context, t *trip) verdict {
	if err := t.suspendAll(ctx); err != nil {
		return t.retry("suspending the MigrationSchedules at the "+t.origin(), err)
	}
	// Again, for a schedule may have written a Migration down just before it was suspended.
	schedules, err := t.concerned(ctx, t.namespaces())
	if err != nil {
		return t.retry("reading the MigrationSchedules at the "+t.origin(), err)
	}
	running, err := t.runningMigration(ctx, schedules)
	if err != nil {
		return t.retry("looking for Migrations that run at the "+t.origin(), err)
	}
	switch own := &schedules[0]; {
	case running != "":
		return t.retry("", &runningError{running})
	case !isTrue(t.filter.SkipLastMileMigration) && unseen(own):
		return wait(storkv1alpha1.ReasonWaitingForOperator, fmt.Sprintf("the operator at the %s has not seen yet that MigrationSchedule %s is suspended, so that it may not "+
			"make the last Migration either: find out whether it runs. Nothing has been stopped", t.origin(), keyOf(own)), t.Options.Patience)
	}
	return proceed(t.stages.down, "stopping applications at the "+t.origin())
}

// unseen tells whether a schedule has an operator that has not seen it as it is now. One that has never told what it has seen is not
// known to, as Stork does not.
func unseen(schedule *storkv1alpha1.MigrationSchedule) bool {
	return schedule.Status.ObservedGeneration != 0 && schedule.Status.ObservedGeneration < schedule.Generation
}

// suspendAll suspends the schedules that are not so already.
func (t *trip) suspendAll(ctx context.Context) error {
	schedules, err := t.concerned(ctx, t.namespaces())
	if err == nil {
		err = t.checkOthers(schedules)
	}
	if err != nil {
		return err
	}
	for i := range schedules {
		if isTrue(schedules[i].Spec.Suspend) {
			continue
		}
		// Suspending and who did it are one write: whether it has to be undone is never in doubt.
		if err := t.patchSchedule(ctx, &schedules[i], map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{storkv1alpha1.AnnotationSuspendedBy: t.uid()}},
			"spec":     map[string]any{"suspend": true},
		}); err != nil {
			return err
		}
	}
	return nil
}

// runningMigration returns the name of a Migration of the schedules that is not finished; empty if there is none.
func (t *trip) runningMigration(ctx context.Context, schedules []storkv1alpha1.MigrationSchedule) (string, error) {
	cluster, err := t.from(ctx)
	if err != nil {
		return "", err
	}
	lists := map[string]*unstructured.UnstructuredList{}
	for i := range schedules {
		namespace := schedules[i].Namespace
		if lists[namespace] == nil {
			if lists[namespace], err = cluster.Dynamic.Resource(migrationsResource).Namespace(namespace).List(ctx, metav1.ListOptions{}); err != nil {
				return "", err
			}
		}
		if name := runningOf(&schedules[i], lists[namespace].Items); name != "" {
			return name, nil
		}
	}
	return "", nil
}

// runningOf returns the name of a Migration of a schedule that is not finished, of all in its namespace.
func runningOf(schedule *storkv1alpha1.MigrationSchedule, migrations []unstructured.Unstructured) string {
	final := map[string]bool{}
	for i := range migrations {
		item := &migrations[i]
		final[item.GetName()] = stageOf(item) == storkv1alpha1.MigrationStageFinal
		if item.GetAnnotations()[storkv1alpha1.AnnotationMigrationScheduleName] == schedule.Name && !final[item.GetName()] {
			return item.GetName()
		}
	}
	for _, items := range schedule.Status.Items {
		for _, item := range items {
			// One that is Final may only not have been noted: nobody may run there who does. One that was written down and is not there
			// is still to be made.
			if item != nil && !complete(item.Status) && !final[item.Name] {
				return item.Name
			}
		}
	}
	return ""
}

func stageOf(migration *unstructured.Unstructured) storkv1alpha1.MigrationStageType {
	stage, _, _ := unstructured.NestedString(migration.Object, "status", "stage")
	return storkv1alpha1.MigrationStageType(stage)
}

func keyOf(schedule *storkv1alpha1.MigrationSchedule) types.NamespacedName {
	return types.NamespacedName{Namespace: schedule.Namespace, Name: schedule.Name}
}
