package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// facts are what rules know besides the object at hand: the request, and what other objects say.
type facts struct {
	// namespaces are the migrated ones, at the source.
	namespaces sets.Set[string]
	// selector is of the labels that objects must and must not have.
	selector labels.Selector
	// addresses keeps NetworkPolicies with address blocks.
	addresses bool
	// excluded are the kinds that are not to be migrated.
	excluded sets.Set[schema.GroupKind]

	// claims are the PersistentVolumeClaims that are migrated, with their UIDs.
	claims map[types.NamespacedName]types.UID
	// selecting are the Services that choose their pods, so that a controller makes their endpoints.
	selecting sets.Set[types.NamespacedName]
	// boundClusterRoles are the ClusterRoles that count in a migrated namespace.
	boundClusterRoles sets.Set[string]
	// customResources are all of the migrated namespaces.
	customResources sets.Set[identity]
	// references are the names of classes that objects refer to, by the kind of class.
	references map[schema.GroupKind]sets.Set[string]
}

// identity names an object.
type identity struct {
	schema.GroupKind
	types.NamespacedName
}

func newFacts(namespaces sets.Set[string], selector labels.Selector) *facts {
	return &facts{
		namespaces:        namespaces,
		selector:          selector,
		excluded:          sets.New[schema.GroupKind](),
		claims:            map[types.NamespacedName]types.UID{},
		selecting:         sets.New[types.NamespacedName](),
		boundClusterRoles: sets.New[string](),
		customResources:   sets.New[identity](),
		references:        map[schema.GroupKind]sets.Set[string]{},
	}
}

// refer notes that an object refers to a class; an empty name is none.
func (f *facts) refer(class schema.GroupKind, name string) {
	if name == "" {
		return
	}
	if f.references[class] == nil {
		f.references[class] = sets.New[string]()
	}
	f.references[class].Insert(name)
}

func nameOf(object *unstructured.Unstructured) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}
