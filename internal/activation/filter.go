package activation

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Filter chooses among objects. The zero value lets all of them pass.
type Filter struct {
	// Selectors are labels that an object must all have; ExcludeSelectors are labels of which it must have none.
	Selectors, ExcludeSelectors map[string]string
	// Types are the only kinds where there are any; ExcludeTypes are none of them. A kind, its plural, and either with .group are
	// understood, in any case.
	Types, ExcludeTypes []string
	// IncludeObjects are the only objects where there are any; ExcludeObjects are none of them. What is empty in one matches all.
	IncludeObjects, ExcludeObjects []storkv1alpha1.ObjectInfo
}

// FilterOf is what a migration selects.
func FilterOf(spec *storkv1alpha1.MigrationSpec) Filter {
	return Filter{Selectors: spec.Selectors, ExcludeSelectors: spec.ExcludeSelectors, ExcludeTypes: spec.ExcludeResourceTypes}
}

// Matches tells whether an object of a kind passes. The kind's resource may be empty where it is not known.
func (f Filter) Matches(kind Kind, object *unstructured.Unstructured) bool {
	named := func(info storkv1alpha1.ObjectInfo) bool { return NamesObject(info, kind, object) }
	switch {
	case !hasAll(object.GetLabels(), f.Selectors), hasAny(object.GetLabels(), f.ExcludeSelectors):
		return false
	case len(f.Types) > 0 && !NamesKind(f.Types, kind), NamesKind(f.ExcludeTypes, kind):
		return false
	case len(f.IncludeObjects) > 0 && !slices.ContainsFunc(f.IncludeObjects, named):
		return false
	}
	return !slices.ContainsFunc(f.ExcludeObjects, named)
}

// IsZero tells whether all objects pass.
func (f Filter) IsZero() bool {
	return len(f.Selectors)+len(f.ExcludeSelectors)+len(f.Types)+len(f.ExcludeTypes)+len(f.IncludeObjects)+len(f.ExcludeObjects) == 0
}

// NamesObject tells whether an object of a kind is the one that is named. What is empty in the name matches all.
func NamesObject(info storkv1alpha1.ObjectInfo, kind Kind, object *unstructured.Unstructured) bool {
	same := func(wanted, actual string) bool { return wanted == "" || strings.EqualFold(wanted, actual) }
	group := info.Group
	if strings.EqualFold(group, coreGroup) {
		group = ""
	}
	// Without a kind's group and version, as in KIND/NAMESPACE/NAME, any do. The version may differ: it is negotiated.
	return info.Name == object.GetName() && same(info.Namespace, object.GetNamespace()) && same(info.Kind, kind.Kind) &&
		(info.Group == "" || strings.EqualFold(group, kind.Group))
}

// coreGroup is how Stork writes the name of the core API group, which is empty.
const coreGroup = "core"

// NamesKind tells whether one of the names is that of a kind: its kind or resource, alone, before its group, as in Deployment.apps, or
// after its group and version, as in apps/v1/Deployment. Which version it is makes no difference.
func NamesKind(names []string, kind Kind) bool {
	return slices.ContainsFunc(names, func(text string) bool {
		name, group, qualified := splitKind(strings.TrimSpace(text))
		if name == "" || qualified && !strings.EqualFold(group, kind.Group) {
			return false
		}
		return strings.EqualFold(name, kind.Kind) || strings.EqualFold(name, kind.Resource.Resource)
	})
}

func splitKind(text string) (name, group string, qualified bool) {
	parts := strings.Split(text, "/")
	switch len(parts) {
	case 3:
		name, group, qualified = parts[2], parts[0], true
	case 2:
		name, qualified = parts[1], true // The core group has a version only.
	default:
		name, group, qualified = strings.Cut(text, ".")
	}
	if strings.EqualFold(group, coreGroup) {
		group = ""
	}
	return name, group, qualified
}

func hasAll(labels, wanted map[string]string) bool {
	for key, value := range wanted {
		if actual, ok := labels[key]; !ok || actual != value {
			return false
		}
	}
	return true
}

func hasAny(labels, unwanted map[string]string) bool {
	for key, value := range unwanted {
		if actual, ok := labels[key]; ok && actual == value {
			return true
		}
	}
	return false
}
