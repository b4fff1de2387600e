package transform

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// ValidateTransformation returns all that is wrong with a ResourceTransformation and can be told without objects. Each problem
// names the path where it is, what is there and what to write in its place.
func ValidateTransformation(spec storkv1alpha1.ResourceTransformationSpec) error {
	var problems []error
	for i, object := range spec.Objects {
		if _, err := parseResource(object.Resource); err != nil {
			problems = append(problems, fmt.Errorf("specs.transformSpecs[%d]: %w", i, err))
		}
		if err := storkv1alpha1.CheckSelectors(fmt.Sprintf("specs.transformSpecs[%d].selectors", i), object.Selectors); err != nil {
			problems = append(problems, err)
		}
		for j, path := range object.Paths {
			if _, err := parseChange(path); err != nil {
				problems = append(problems, fmt.Errorf("specs.transformSpecs[%d].paths[%d]: %w", i, j, atPath(path, err)))
			}
		}
	}
	return errors.Join(problems...)
}

// SelectedSpecs returns the specs that select obj by its kind and labels, in order; nil if none does.
func SelectedSpecs(spec storkv1alpha1.ResourceTransformationSpec, obj *unstructured.Unstructured) []storkv1alpha1.TransformSpec {
	source := SourceOf(obj)
	return matching(specsByKind(spec)[source.GroupKind()], source)
}

// ApplyTransformation makes the changes of those specs that select obj, in place and in order, as a migration would, and tells
// whether they made a difference. The error names the path; obj must not be used then.
func ApplyTransformation(spec storkv1alpha1.ResourceTransformationSpec, obj *unstructured.Unstructured) (changed bool, err error) {
	if obj == nil || obj.Object == nil {
		return false, errors.New("the object is empty")
	}
	t := userTransformation{specs: specsByKind(spec)}
	return t.apply(obj, SourceOf(obj))
}
