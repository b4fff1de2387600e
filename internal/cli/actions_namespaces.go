package cli

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// namespaces returns those to act on. It is empty, which means all of the schedule's, where only the other cluster can tell which
// these are: the schedule chooses them by their labels.
func (o *performAction) namespaces(ctx context.Context, c client.Client, schedule *storkv1alpha1.MigrationSchedule, filter *storkv1alpha1.ActionFilter) ([]string, error) {
	spec := &schedule.Spec.Template.Spec
	migrated, err := migratedNamespaces(ctx, c, spec)
	if err != nil {
		return nil, err
	}
	given := slices.Concat(o.filter.includeNamespaces, o.filter.excludeNamespaces)
	if strange := without(given, migrated); len(strange) > 0 {
		return nil, fmt.Errorf("provided namespaces %v are not a subset of the namespaces being migrated by the given MigrationSchedule", strange)
	}
	chosen := migrated
	switch {
	case len(o.filter.includeNamespaces) > 0:
		chosen = slices.Compact(slices.Sorted(slices.Values(o.filter.includeNamespaces)))
	case len(o.filter.excludeNamespaces) > 0:
		chosen = without(migrated, o.filter.excludeNamespaces)
	case len(spec.NamespaceSelectors) > 0:
		return nil, nil
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no namespace is left to act on: MigrationSchedule %s/%s migrates %v", o.namespace, o.reference, migrated)
	}
	for _, info := range slices.Concat(filter.IncludeObjects, filter.ExcludeObjects) {
		if !slices.Contains(chosen, info.Namespace) {
			return nil, fmt.Errorf("object %s/%s/%s is in none of the namespaces to act on, which are %v", info.Kind, info.Namespace, info.Name, chosen)
		}
	}
	return chosen, nil
}

// migratedNamespaces returns the namespaces that a schedule migrates, sorted, with those of its labels as they are in this cluster.
func migratedNamespaces(ctx context.Context, c client.Client, spec *storkv1alpha1.MigrationSpec) ([]string, error) {
	names := slices.Clone(spec.Namespaces)
	if len(spec.NamespaceSelectors) > 0 {
		list := &corev1.NamespaceList{}
		if err := c.List(ctx, list); err != nil {
			return nil, fmt.Errorf("listing namespaces: %w", err)
		}
		for _, namespace := range list.Items {
			for key, value := range spec.NamespaceSelectors {
				if actual, ok := namespace.Labels[key]; ok && actual == value {
					names = append(names, namespace.Name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// without returns those that are not among others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}
