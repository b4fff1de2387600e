package workload

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Registrations tell how custom resources are stopped. The zero value knows none. They are safe for concurrent use.
type Registrations struct {
	byKind map[schema.GroupKind][]storkv1alpha1.ApplicationResource
}

// NewRegistrations combines the resources of all ApplicationRegistrations. Where two of them tell differently how one kind and
// version is stopped the earlier one counts, so users' registrations come before those of Builtin.
func NewRegistrations(resources []storkv1alpha1.ApplicationResource) Registrations {
	byKind := map[schema.GroupKind][]storkv1alpha1.ApplicationResource{}
	for _, resource := range resources {
		if resource.Kind != "" {
			kind := schema.GroupKind{Group: resource.Group, Kind: resource.Kind}
			byKind[kind] = append(byKind[kind], resource)
		}
	}
	return Registrations{byKind: byKind}
}

// Lookup returns what is registered for a kind, of any version where there is nothing for the version of gvk: versions are
// negotiated between clusters. A registration without suspend options, such as Stork makes for every kind that it finds, never
// hides one that has some. The status is kept and the object is stashed if any registration of the kind says so.
func (r Registrations) Lookup(gvk schema.GroupVersionKind) (storkv1alpha1.ApplicationResource, bool) {
	candidates := r.byKind[gvk.GroupKind()]
	if len(candidates) == 0 {
		return storkv1alpha1.ApplicationResource{}, false
	}
	best := slices.MaxFunc(candidates, func(a, b storkv1alpha1.ApplicationResource) int {
		return cmp.Compare(fitness(a, gvk.Version), fitness(b, gvk.Version))
	})
	for _, candidate := range candidates {
		best.KeepStatus = best.KeepStatus || candidate.KeepStatus
		best.StashStrategy.StashCR = best.StashStrategy.StashCR || candidate.StashStrategy.StashCR
		best.PodsPath = cmp.Or(best.PodsPath, candidate.PodsPath)
	}
	return best, true
}

func fitness(resource storkv1alpha1.ApplicationResource, version string) int {
	points := 0
	if resource.SuspendOptions.Path != "" || len(resource.NestedSuspendOptions) > 0 {
		points += 2
	}
	if resource.Version == version {
		points++
	}
	return points
}

// stoppers are the registered ways to stop obj, except what its built-in stopper does already.
func (r Registrations) stoppers(obj *unstructured.Unstructured, gvk schema.GroupVersionKind, builtIn stopper) ([]stopper, error) {
	resource, ok := r.Lookup(gvk)
	if !ok {
		return nil, nil
	}
	var stoppers []stopper
	for i, option := range options(resource) {
		s, ok, err := newFieldSwitch(option)
		if err != nil {
			return nil, err
		}
		s.early = i == len(resource.NestedSuspendOptions)
		done := builtIn == replicas{} && s.path == replicasPath
		if ok && !done {
			stoppers = append(stoppers, forVirtualMachine(obj, s))
		}
	}
	return stoppers, nil
}

// options are all suspend options in the order in which they are set.
func options(resource storkv1alpha1.ApplicationResource) []storkv1alpha1.SuspendOptions {
	return append(slices.Clone(resource.NestedSuspendOptions), resource.SuspendOptions)
}
