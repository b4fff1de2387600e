package inventory

import (
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
	// Namespaces to migrate. They are known to exist.
	Namespaces []Namespace
	// Selectors are labels that an object must all have.
	Selectors map[string]string
	// ExcludeSelectors are labels of which an object has none.
	ExcludeSelectors map[string]string
	// IncludeOptionalTypes are kinds that are left out by default: Job, and cluster-scoped kinds of custom resources.
	IncludeOptionalTypes []string
	// ExcludeTypes are kinds to leave out. Kind, plural, singular, short name, each also with .group, in any case.
	ExcludeTypes []string
	// VolumesOnly selects PersistentVolumeClaims and PersistentVolumes only.
	VolumesOnly bool
	// IncludeNetworkPolicyWithCIDR selects NetworkPolicies with address blocks too.
	IncludeNetworkPolicyWithCIDR bool
	// IgnoreOwnerReferences selects objects although their owner is selected.
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
	// Kinds are all kinds that were read, also those of which no object was found. Purge looks at these.
	Kinds []Kind
}
