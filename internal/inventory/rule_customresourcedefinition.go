package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
)

// definition is a CustomResourceDefinition: what is needed to choose, and the whole of it in JSON, which takes a small part of the
// memory of the decoded form. Some clusters have a thousand of them, most of which no migration needs.
type definition struct {
	resource   schema.GroupResource
	categories []string
	// stays says that it is not migrated itself.
	stays   bool
	content []byte
}

// definitions are the CustomResourceDefinitions of the source, by the resource that they define.
type definitions map[schema.GroupResource]definition

// newDefinition is a take function: all definitions are kept.
func newDefinition(object *unstructured.Unstructured) (definition, bool) {
	d := definition{
		resource: schema.GroupResource{
			Group:    text(object.Object, "spec", "group"),
			Resource: text(object.Object, "spec", "names", "plural"),
		},
		stays: optedOut(object) || deleting(object),
	}
	// What was decoded can be encoded; if not, there is a notice when it is needed.
	d.content, _ = object.MarshalJSON()
	for _, category := range field[[]any](object.Object, "spec", "names", "categories") {
		if name, ok := category.(string); ok {
			d.categories = append(d.categories, name)
		}
	}
	return d, true
}

// neededBy returns the definitions that custom resources of these API groups need: all of those groups, because their operator
// expects them all, and those that share a category with them, by which some operators tie their groups together. This is
// Stork's rule.
func (all definitions) neededBy(groups sets.Set[string]) []definition {
	categories := sets.New[string]()
	for _, d := range all {
		if groups.Has(d.resource.Group) {
			categories.Insert(d.categories...)
		}
	}
	// Categories that unrelated operators use.
	categories.Delete("all", "olm", "coreoperators")

	var needed []definition
	for _, d := range all {
		related := groups.Has(d.resource.Group) || categories.HasAny(d.categories...)
		if related && !d.stays && !slices.Contains(bookkeepingGroups, d.resource.Group) {
			needed = append(needed, d)
		}
	}
	return needed
}
