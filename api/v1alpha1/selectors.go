package v1alpha1

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
)

// CheckSelectors returns an error that names each selector of a field that is not a label and its value, and could select
// nothing; nil if there is none.
func CheckSelectors(field string, selectors map[string]string) error {
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(selectors)) {
		if len(validation.IsQualifiedName(key)) > 0 {
			problems = append(problems, fmt.Errorf(
				"%s: %q is no label's key: write it as in app or example.com/team, with at most 63 characters after the slash", field, key))
		}
		if value := selectors[key]; len(validation.IsValidLabelValue(value)) > 0 {
			problems = append(problems, fmt.Errorf("%s: %s: %q is no label's value: write one value, such as web, "+
				"with at most 63 letters, digits, '-', '_' and '.': there are no lists and no operators", field, key, value))
		}
	}
	return errors.Join(problems...)
}

// CheckSelectors does so for all selectors of the spec, which is at a path in an object.
func (s *MigrationSpec) CheckSelectors(path string) error {
	return errors.Join(
		CheckSelectors(path+".namespaceSelectors", s.NamespaceSelectors),
		CheckSelectors(path+".selectors", s.Selectors),
		CheckSelectors(path+".excludeSelectors", s.ExcludeSelectors),
	)
}
