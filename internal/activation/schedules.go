package activation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var (
	schedulesResource  = storkv1alpha1.GroupVersion.WithResource("migrationschedules")
	namespacesResource = corev1.SchemeGroupVersion.WithResource("namespaces")
)

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
	// Takes tells what counts as an application of a migration beside what migrations brought; nil means nothing else.
	Takes func(*storkv1alpha1.MigrationSpec, Kind, *unstructured.Unstructured) bool
	// MarkedBy, unless empty, takes only those that carry this mark of somebody, and takes back what that one has told them.
	MarkedBy string
}

// ScheduleOutcome is what became of a schedule.
type ScheduleOutcome struct {
	types.NamespacedName
	// Active is what of the schedule still runs here. As long as there is any, it is not told that its applications have left: its
	// Migrations would go over these.
	Active []string
	Err    error
}

// TellSchedules tells the MigrationSchedules that migrate one of the namespaces whether its applications run in this cluster. The
// error is about finding them; a cluster without the kind has none to tell.
func (e *Engine) TellSchedules(ctx context.Context, request ScheduleRequest) (outcomes []ScheduleOutcome, err error) {
	schedules, err := FindSchedules(ctx, e.cluster, request.In)
	for i := range schedules {
		schedule := &schedules[i]
		_, static := schedule.Annotations[storkv1alpha1.AnnotationStaticCopy]
		marked := request.MarkedBy == "" || schedule.Annotations[Mark] == request.MarkedBy
		if request.CopiesOnly && !static || !marked || !MigratesAny(schedule, request.Labels) {
			continue
		}
		outcomes = append(outcomes, e.tellUnlessActive(ctx, request, schedule))
	}
	return outcomes, err
}

// tellUnlessActive tells one schedule, unless it would be told that applications have left of which some have not.
func (e *Engine) tellUnlessActive(ctx context.Context, request ScheduleRequest, schedule *storkv1alpha1.MigrationSchedule) ScheduleOutcome {
	outcome := ScheduleOutcome{NamespacedName: types.NamespacedName{Namespace: schedule.Namespace, Name: schedule.Name}}
	if schedule.Status.ApplicationActivated == request.Active {
		return outcome
	}
	if !request.Active && request.MarkedBy == "" {
		if outcome.Active, outcome.Err = e.active(ctx, request, schedule); outcome.Err != nil || len(outcome.Active) > 0 {
			return outcome
		}
	}
	outcome.Err = request.tell(ctx, e.cluster, schedule)
	return outcome
}

// active returns what a schedule migrates and runs in this cluster, in whatever namespace.
func (e *Engine) active(ctx context.Context, request ScheduleRequest, schedule *storkv1alpha1.MigrationSchedule) (names []string, _ error) {
	spec := &schedule.Spec.Template.Spec
	namespaces, err := MigratedNamespaces(ctx, e.cluster, spec)
	if err != nil || len(namespaces) == 0 {
		return nil, err
	}
	filter := FilterOf(spec)
	found, err := e.running(ctx, Request{Namespaces: namespaces, Choose: func(kind Kind, object *unstructured.Unstructured) bool {
		return filter.Matches(kind, object) && (Brought(object) || request.Takes != nil && request.Takes(spec, kind, object))
	}}, func(o *Outcome) bool { return o.ConfigMap != "" }) // What cannot be created from where it waits does not run.
	if err != nil {
		return nil, fmt.Errorf("finding out what of it still runs: %w", err)
	}
	for _, namespace := range namespaces {
		in := found[namespace]
		// Nobody stops what was created. What is left of it in the namespaces that were just stopped is known, and where all else is
		// stopped it is left over as well.
		if _, stopped := request.Labels[namespace]; !stopped && len(in.Stopped) == 0 {
			in.Active = append(in.Active, in.Created...)
		}
		for _, name := range in.Active {
			names = append(names, name+" in namespace "+namespace)
		}
	}
	return names, nil
}

// FindSchedules reads the MigrationSchedules of namespaces, of all where none are given. A cluster without the kind has none. Those
// that could be read are returned beside an error.
func FindSchedules(ctx context.Context, cluster Cluster, in map[string]bool) (schedules []storkv1alpha1.MigrationSchedule, failed error) {
	namespaces := slices.Sorted(maps.Keys(in))
	if len(in) == 0 {
		namespaces = []string{""}
	}
	for _, namespace := range namespaces {
		list, err := cluster.Dynamic.Resource(schedulesResource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			if err = ignoreNotFound(err); err != nil {
				failed = errors.Join(failed, fmt.Errorf("finding MigrationSchedules of the applications: %w", err))
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

// MigratesAny tells whether a schedule migrates one of some namespaces, of which the labels are given, by name or by label.
func MigratesAny(schedule *storkv1alpha1.MigrationSchedule, namespaces map[string]map[string]string) bool {
	spec := &schedule.Spec.Template.Spec
	for namespace, labels := range namespaces {
		if slices.Contains(spec.Namespaces, namespace) || hasAny(labels, spec.NamespaceSelectors) {
			return true
		}
	}
	return false
}

// MigratedNamespaces returns the namespaces that are migrated by a spec, sorted, with those of its labels as a cluster has them.
func MigratedNamespaces(ctx context.Context, cluster Cluster, spec *storkv1alpha1.MigrationSpec) ([]string, error) {
	names := slices.Clone(spec.Namespaces)
	if len(spec.NamespaceSelectors) > 0 {
		list, err := cluster.Dynamic.Resource(namespacesResource).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("listing namespaces: %w", err)
		}
		for _, namespace := range list.Items {
			if hasAny(namespace.GetLabels(), spec.NamespaceSelectors) {
				names = append(names, namespace.GetName())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// tell writes the status, by a write to the object itself where its CustomResourceDefinition is one of Stork's, which have no
// status subresource. The mark comes first: it says of whom the status may be.
func (r ScheduleRequest) tell(ctx context.Context, cluster Cluster, schedule *storkv1alpha1.MigrationSchedule) error {
	resource := cluster.Dynamic.Resource(schedulesResource).Namespace(schedule.Namespace)
	write := func(text string, subresources ...string) error {
		_, err := resource.Patch(ctx, schedule.Name, types.MergePatchType, []byte(text), metav1.PatchOptions{}, subresources...)
		return err
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
