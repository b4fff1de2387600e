package transform

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// userTransformations make the changes of ResourceTransformations, to objects of every kind. Objects are selected by the
// labels that they have at the source. A changed object gets the annotation resourcetransformation-name with the value true.
type userTransformations struct {
	byNamespace   map[string]*userTransformation
	clusterScoped bool
}

// userTransformation is one ResourceTransformation with its specs by kind.
type userTransformation struct {
	name  string
	specs map[schema.GroupKind][]storkv1alpha1.TransformSpec
}

func newUserTransformations(options Options) userTransformations {
	u := userTransformations{byNamespace: map[string]*userTransformation{}, clusterScoped: options.TransformClusterScoped}
	for namespace, transformation := range options.Transformations {
		if transformation != nil {
			u.byNamespace[namespace] = &userTransformation{name: transformation.Name, specs: specsByKind(transformation.Spec)}
		}
	}
	return u
}

func specsByKind(spec storkv1alpha1.ResourceTransformationSpec) map[schema.GroupKind][]storkv1alpha1.TransformSpec {
	byKind := map[schema.GroupKind][]storkv1alpha1.TransformSpec{}
	for _, s := range spec.Objects {
		if gvk, err := parseResource(s.Resource); err == nil {
			byKind[gvk.GroupKind()] = append(byKind[gvk.GroupKind()], s)
		}
	}
	return byKind
}

func (userTransformations) Name() string { return "ResourceTransformation" }

func (u userTransformations) Transform(obj *unstructured.Unstructured, source Source) (changed bool, err error) {
	for _, transformation := range u.forSource(source) {
		one, err := transformation.apply(obj, source)
		if err != nil {
			return changed, fmt.Errorf("%s: %w", transformation.name, err)
		}
		changed = changed || one
	}
	return changed, nil
}

// nameFor is the name of the transformation for an object. All that are there for one have the same name: that in the Migration.
func (u userTransformations) nameFor(source Source) string {
	for _, transformation := range u.forSource(source) {
		return transformation.name
	}
	return ""
}

func (u userTransformations) forSource(source Source) []*userTransformation {
	if len(u.byNamespace) == 0 {
		return nil
	}
	if clusterScoped := source.Namespace == "" || source.GroupKind() == persistentVolumeKind; clusterScoped && !u.clusterScoped {
		return nil
	}
	if source.Namespace != "" {
		if transformation := u.byNamespace[source.Namespace]; transformation != nil {
			return []*userTransformation{transformation}
		}
		return nil
	}
	var all []*userTransformation
	for _, namespace := range slices.Sorted(maps.Keys(u.byNamespace)) {
		all = append(all, u.byNamespace[namespace])
	}
	return all
}

func (t *userTransformation) apply(obj *unstructured.Unstructured, source Source) (changed bool, err error) {
	specs := matching(t.specs[source.GroupKind()], source)
	if len(specs) == 0 {
		return false, nil
	}
	before := identityOf(obj)
	for _, spec := range specs {
		for _, path := range spec.Paths {
			one, err := applyPath(obj, path)
			if err != nil {
				return changed, fmt.Errorf("transformation of %s: %w", spec.Resource, err)
			}
			changed = changed || one
		}
	}
	if identityOf(obj) != before {
		return changed, errors.New("it must not change which object this is: remove changes of apiVersion, kind, name and namespace")
	}
	if !changed {
		return false, nil
	}
	_, err = field.SetAnnotation(obj, storkv1alpha1.AnnotationTransformed, "true")
	return true, err
}

func applyPath(obj *unstructured.Unstructured, path storkv1alpha1.ResourcePath) (bool, error) {
	c, err := parseChange(path)
	if err != nil {
		return false, atPath(path, err)
	}
	changed, err := c.apply(obj.Object)
	if err != nil {
		return changed, fmt.Errorf("path %q, operation %s: %w", path.Path, path.Operation, err)
	}
	return changed, nil
}

// identityOf is what no transformation may change. A tenant could write to the namespaces of others with it.
func identityOf(obj *unstructured.Unstructured) [4]string {
	return [4]string{obj.GetAPIVersion(), obj.GetKind(), obj.GetNamespace(), obj.GetName()}
}

// matching returns the specs that select an object. Where no spec has its version, which is negotiated between the clusters,
// those of other versions count.
func matching(specs []storkv1alpha1.TransformSpec, source Source) []storkv1alpha1.TransformSpec {
	sameVersion := func(spec storkv1alpha1.TransformSpec) bool {
		gvk, _ := parseResource(spec.Resource)
		return gvk.Version == source.Version
	}
	anyVersion := !slices.ContainsFunc(specs, sameVersion)
	var matching []storkv1alpha1.TransformSpec
	for _, spec := range specs {
		if (anyVersion || sameVersion(spec)) && selects(spec.Selectors, source.Labels) {
			matching = append(matching, spec)
		}
	}
	return matching
}

func selects(selectors, labels map[string]string) bool {
	for key, want := range selectors {
		if value, ok := labels[key]; !ok || value != want {
			return false
		}
	}
	return true
}

func parseResource(resource string) (schema.GroupVersionKind, error) {
	parts := strings.Split(resource, "/")
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return schema.GroupVersionKind{}, fmt.Errorf("resource %q: write group/version/Kind, for the core group /v1/Kind", resource)
	}
	return schema.GroupVersionKind{Group: parts[0], Version: parts[1], Kind: parts[2]}, nil
}
