package workload

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// ValidateRegistration returns all that is wrong with the suspend options of a registered kind, each with what to do about it.
func ValidateRegistration(resource storkv1alpha1.ApplicationResource) error {
	var problems []error
	for i, option := range options(resource) {
		name := "suspendOptions"
		if i < len(resource.NestedSuspendOptions) {
			name = fmt.Sprintf("customSuspendOptions[%d]", i)
		}
		if _, _, err := newFieldSwitch(option); err != nil {
			problems = append(problems, fmt.Errorf("%s of %s: %w", name, resource.Kind, err))
		}
	}
	return errors.Join(problems...)
}

// newFieldSwitch reads a suspend option. It is not ok, without an error, where there is nothing to do: a path without a dot
// counts as none, as in Stork.
func newFieldSwitch(option storkv1alpha1.SuspendOptions) (s fieldSwitch, ok bool, err error) {
	if !strings.Contains(option.Path, ".") {
		return fieldSwitch{}, false, nil
	}
	keys, err := splitPath(option.Path)
	if err != nil {
		return fieldSwitch{}, false, err
	}
	suspended, err := suspendedValue(option)
	if err != nil {
		return fieldSwitch{}, false, fmt.Errorf("path %q: %w", option.Path, err)
	}
	return fieldSwitch{path: option.Path, keys: keys, suspended: suspended}, true, nil
}

func splitPath(path string) ([]string, error) {
	if strings.ContainsAny(path, "[]") {
		return nil, fmt.Errorf("path %q: indexes of lists are not supported in suspend paths: choose a field outside of lists", path)
	}
	keys := strings.Split(path, ".")
	if slices.Contains(keys, "") {
		return nil, fmt.Errorf("path %q: a part is empty: write it as in spec.replicas", path)
	}
	// The path is part of an annotation's key, which the API server limits.
	if problems := validation.IsQualifiedName(storkv1alpha1.SuspendMemoAnnotation(path)); len(problems) > 0 {
		return nil, fmt.Errorf("path %q: cannot be remembered in an annotation: %s", path, strings.Join(problems, ", "))
	}
	return keys, nil
}

// suspendedValue is the value of the stopped state: true for a boolean without one, and always 0 for a whole number.
func suspendedValue(option storkv1alpha1.SuspendOptions) (any, error) {
	switch option.Type {
	case storkv1alpha1.SuspendValueBool:
		if option.Value == "" {
			return true, nil
		}
		value, err := strconv.ParseBool(option.Value)
		if err != nil {
			return nil, fmt.Errorf("value %q of type bool: write true, false or nothing, which means true", option.Value)
		}
		return value, nil
	case storkv1alpha1.SuspendValueInt:
		return int64(0), nil
	case storkv1alpha1.SuspendValueString:
		if option.Value == "" {
			return nil, errors.New("value of type string is empty: write the one that stops it, for example Halted")
		}
		return option.Value, nil
	default:
		return nil, fmt.Errorf("type %q: write bool, int or string", option.Type)
	}
}
