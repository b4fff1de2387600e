package activation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var schedulesResource = storkv1alpha1.GroupVersion.WithResource("migrationschedules")

// ScheduleRequest says which MigrationSchedules are told whether their applications run in a cluster.
type ScheduleRequest struct {
	// Active is what they are told.
	Active bool
	// Labels are those of the namespaces whose applications were started or stopped, by name.
	Labels map[string]map[string]string
	// In are the namespaces to look for schedules in; empty means all.
	In map[string]bool
	// CopiesOnly leaves out schedules that are not the copies which a source keeps here.
	CopiesOnly bool
	// By is who says so, which is marked on each that is changed; see Mark. Empty means a person, whose word leaves no mark.
	By string
	// MarkedBy, unless empty, takes only those that carry this mark of somebody.
	MarkedBy string
}

// ScheduleOutcome is what became of a schedule.
type ScheduleOutcome struct {
	types.NamespacedName
	Err error
}

// TellSchedules tells the MigrationSchedules that migrate one of the namespaces whether its applications run in this cluster. The
// error is about finding them; a cluster without the kind has none to tell.
func TellSchedules(ctx context.Context, cluster Cluster, request ScheduleRequest) (outcomes []ScheduleOutcome, err error) {
	schedules, err := findSchedules(ctx, cluster, request.In)
	for _, schedule := range schedules {
		_, static := schedule.Annotations[storkv1alpha1.AnnotationStaticCopy]
		marked := request.MarkedBy == "" || schedule.Annotations[Mark] == request.MarkedBy
		if request.CopiesOnly && !static || !marked || !request.migratesAny(&schedule) {
			continue
		}
		outcomes = append(outcomes, ScheduleOutcome{
			NamespacedName: types.NamespacedName{Namespace: schedule.Namespace, Name: schedule.Name}, Err: request.tell(ctx, cluster, &schedule),
		})
	}
	return outcomes, err
}

func findSchedules(ctx context.Context, cluster Cluster, in map[string]bool) (schedules []storkv1alpha1.MigrationSchedule, failed error) {
	namespaces := slices.Sorted(maps.Keys(in))
	if len(in) == 0 {
		namespaces = []string{""}
	}
	for _, namespace := range namespaces {
		list, err := cluster.Dynamic.Resource(schedulesResource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			if err = ignoreNotFound(err); err != nil {
				failed = errors.Join(failed, fmt.Errorf("finding MigrationSchedules of the activated applications: %w", err))
			}
			continue
		}
		for _, item := range list.Items {
			schedule := storkv1alpha1.MigrationSchedule{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &schedule); err != nil {
				failed = errors.Join(failed, fmt.Errorf("reading MigrationSchedule %s/%s: %w", item.GetNamespace(), item.GetName(), err))
				continue
			}
			schedules = append(schedules, schedule)
		}
	}
	return schedules, failed
}

// migratesAny tells whether a schedule migrates one of the namespaces, by name or by label.
func (r ScheduleRequest) migratesAny(schedule *storkv1alpha1.MigrationSchedule) bool {
	spec := &schedule.Spec.Template.Spec
	for namespace, labels := range r.Labels {
		if slices.Contains(spec.Namespaces, namespace) {
			return true
		}
		for key, value := range spec.NamespaceSelectors {
			if actual, ok := labels[key]; ok && actual == value {
				return true
			}
		}
	}
	return false
}

// tell writes the status, by a write to the object itself where its CustomResourceDefinition is one of Stork's, which have no
// status subresource. The mark comes first: it says of whom the status may be.
func (r ScheduleRequest) tell(ctx context.Context, cluster Cluster, schedule *storkv1alpha1.MigrationSchedule) error {
	resource := cluster.Dynamic.Resource(schedulesResource).Namespace(schedule.Namespace)
	write := func(text string, subresources ...string) error {
		_, err := resource.Patch(ctx, schedule.Name, types.MergePatchType, []byte(text), metav1.PatchOptions{}, subresources...)
		return err
	}
	if schedule.Status.ApplicationActivated == r.Active {
		return nil
	}
	wanted := StoppedBy(r.By)
	if r.Active {
		wanted = StartedBy(r.By)
	}
	if r.By != "" && schedule.Annotations[Mark] != wanted {
		if err := write(fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, Mark, wanted)); err != nil {
			return err
		}
	}
	status := fmt.Sprintf(`{"status":{"applicationActivated":%t}}`, r.Active)
	err := write(status, "status")
	if apierrors.IsNotFound(err) {
		err = write(status)
	}
	return err
}
