package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// markSchedules tells the MigrationSchedules that migrate one of the namespaces whether its applications run here. Activation
// tells all of them, deactivation only the copies that a source keeps here. origins are the namespaces of the Migrations that
// brought something.
func (a *activation) markSchedules(ctx context.Context, origins map[string]bool) error {
	schedules, err := a.findSchedules(ctx, origins)
	for _, schedule := range schedules {
		_, static := schedule.Annotations[storkv1alpha1.AnnotationStaticCopy]
		if !a.activate && !static || !a.migratesAny(&schedule) {
			continue
		}
		a.println(fmt.Sprintf("Setting the ApplicationActivated status in the MigrationSchedule %s/%s to %t", schedule.Namespace, schedule.Name, a.activate))
		if markErr := a.mark(ctx, &schedule); markErr != nil {
			err = errors.Join(err, fmt.Errorf("telling MigrationSchedule %s/%s: %w", schedule.Namespace, schedule.Name, markErr))
		}
	}
	return err
}

// findSchedules returns the schedules in all namespaces that can hold one for the activated namespace: its own, the admin
// namespace, and those that brought something.
func (a *activation) findSchedules(ctx context.Context, origins map[string]bool) ([]storkv1alpha1.MigrationSchedule, error) {
	namespaces := map[string]bool{"": true}
	if !a.everywhere {
		admin, err := adminNamespace(ctx, a.client)
		if err != nil && !apierrors.IsForbidden(err) {
			return nil, err
		}
		namespaces = map[string]bool{a.namespace: true, admin: true}
		maps.Copy(namespaces, origins)
		delete(namespaces, "")
	}
	var schedules []storkv1alpha1.MigrationSchedule
	var failed error
	for _, namespace := range slices.Sorted(maps.Keys(namespaces)) {
		list := &storkv1alpha1.MigrationScheduleList{}
		err := a.client.List(ctx, list, client.InNamespace(namespace))
		if apimeta.IsNoMatchError(err) {
			return nil, nil // A destination needs no CRDs: then nothing here is to be told.
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("finding MigrationSchedules of the activated applications: %w", err))
		}
		schedules = append(schedules, list.Items...)
	}
	return schedules, failed
}

// migratesAny tells whether a schedule migrates one of the namespaces, by name or by label.
func (a *activation) migratesAny(schedule *storkv1alpha1.MigrationSchedule) bool {
	spec := &schedule.Spec.Template.Spec
	return slices.ContainsFunc(a.namespaces, func(namespace corev1.Namespace) bool {
		if slices.Contains(spec.Namespaces, namespace.Name) {
			return true
		}
		for key, value := range spec.NamespaceSelectors {
			if actual, ok := namespace.Labels[key]; ok && actual == value {
				return true
			}
		}
		return false
	})
}

// mark writes the status, by a write to the object itself where its CustomResourceDefinition is one of Stork's, which have no
// status subresource.
func (a *activation) mark(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) error {
	patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"status":{"applicationActivated":%t}}`, a.activate))
	err := a.client.Status().Patch(ctx, schedule.DeepCopy(), patch)
	if apierrors.IsNotFound(err) {
		err = a.client.Patch(ctx, schedule.DeepCopy(), patch)
	}
	return err
}
