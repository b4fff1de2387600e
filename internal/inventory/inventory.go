package inventory

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Namespace is a namespace to migrate and the one that it becomes.
type Namespace struct {
	// Source is its name in the cluster that is read.
	Source string
	// Destination is its name in the other cluster.
	Destination string
}

// Request says what belongs to a migration. The zero value of each field selects nothing in particular: no selectors means
// all objects, nil Include and Exclude lists mean the kinds that are migrated by default.
type Request struct {
	// Namespaces to migrate, each with both names. They are known to exist. None selects nothing at all.
	Namespaces []Namespace
	// Selectors are labels that an object must all have.
	Selectors map[string]string
	// ExcludeSelectors are labels of which an object has none.
	ExcludeSelectors map[string]string
	// IncludeOptionalTypes are kinds that are left out by default: Job, cluster-scoped kinds of custom resources, and whatever
	// else the source serves but for what belongs to a cluster itself. Written as ExcludeTypes are.
	IncludeOptionalTypes []string
	// ExcludeTypes are kinds to leave out. Kind, plural, singular, short name, each also with .group, in any case.
	ExcludeTypes []string
	// VolumesOnly selects PersistentVolumeClaims and PersistentVolumes only, with the Namespaces and StorageClasses they need.
	VolumesOnly bool
	// IncludeNetworkPolicyWithCIDR selects NetworkPolicies with address blocks too.
	IncludeNetworkPolicyWithCIDR bool
	// IgnoreOwnerReferences selects objects although their owner is selected, but for ReplicaSets of selected Deployments.
	IgnoreOwnerReferences bool
}

// Kind is one kind of object as both clusters serve it.
type Kind struct {
	// Resource is what it is listed by, in the version negotiated between the clusters.
	Resource schema.GroupVersionResource
	// Kind is what its objects carry.
	Kind schema.GroupVersionKind
	// Namespaced tells whether its objects are in namespaces.
	Namespaced bool
}

// Object is one object that belongs to the migration.
type Object struct {
	// Object is what was read, without managedFields. Whoever takes it over may change it.
	*unstructured.Unstructured
	// Kind is what it was listed by.
	Kind Kind
	// DestinationNamespace is the namespace that it goes to; empty for a cluster-scoped object.
	DestinationNamespace string
	// UID at the source, kept because Object loses it on the way.
	UID types.UID
}

// Skipped is an object that was left out for a reason that its owner would want to know, for example a claim that is not bound.
type Skipped struct {
	// Kind of the object.
	Kind schema.GroupVersionKind
	// Name of the object.
	types.NamespacedName
	// Reason in words.
	Reason string
}

// Set is what belongs to a migration.
type Set struct {
	// Objects in no particular order.
	Objects []*Object
	// Skipped are objects that were left out for a reason worth telling.
	Skipped []Skipped
	// Notices tell what could not be read, for example an API group whose server does not answer.
	Notices []string
	// Kinds are all kinds that were read, also those of which no object was found. Purge looks at these, so a kind of which
	// anything could not be read is not among them.
	Kinds []Kind
}

// OwnedClaims returns the PersistentVolumeClaims of the set that have an owner in it: by the owner's UID, the reference of each
// claim by the claim's name. A claim and its owner are always in the same namespace.
func (s *Set) OwnedClaims() map[types.UID]map[string]metav1.OwnerReference {
	selected := map[types.UID]bool{}
	for _, object := range s.Objects {
		selected[object.UID] = true
	}
	owned := map[types.UID]map[string]metav1.OwnerReference{}
	for _, object := range s.Objects {
		if object.Kind.Kind.GroupKind() != claimKind {
			continue
		}
		for _, owner := range object.GetOwnerReferences() {
			if !selected[owner.UID] {
				continue
			}
			if owned[owner.UID] == nil {
				owned[owner.UID] = map[string]metav1.OwnerReference{}
			}
			owned[owner.UID][object.GetName()] = owner
		}
	}
	return owned
}
