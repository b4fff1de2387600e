package inventory

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// goesWithOwner tells whether a selected object is left out after all because of its owners: what belongs to a Pod dies with it,
// what a controller made it makes again at the destination, and what the garbage collector is about to delete is no part of the
// application any more. ownedGoes is that of the object's kind.
//
// Claims are never left out here: they hold data.
func goesWithOwner(object *Object, ownedGoes bool, o owners, ignoreOwners bool) bool {
	kind := object.Kind.Kind.GroupKind()
	if kind == claimKind {
		return false
	}
	exempt := isTrue(object.GetAnnotations()[storkv1alpha1.AnnotationSkipOwnerRefCheck])
	return slices.ContainsFunc(object.GetOwnerReferences(), func(owner metav1.OwnerReference) bool {
		by := kindOf(owner)
		switch {
		// The records of protection are of this cluster, for example a Migration's reports.
		case by.Group == storkv1alpha1.GroupName:
			return true
		case exempt:
			return false
		// Both would run the same pods.
		case kind == replicaSetKind && by == deploymentKind:
			return o.selected.Has(owner.UID) || o.gone(owner)
		case ignoreOwners:
			return false
		case by == podKind:
			return true
		}
		return ownedGoes && (o.selected.Has(owner.UID) || o.gone(owner))
	})
}

// owners are what is known of objects that own others.
type owners struct {
	// selected are the objects that their own rules selected, whatever becomes of them by the rule of owners, so that a whole chain
	// of owners goes.
	selected sets.Set[types.UID]
	// complete are the kinds of which all objects were read, alive those objects of them that nobody is deleting.
	complete sets.Set[schema.GroupKind]
	alive    sets.Set[types.UID]
}

// gone tells whether an owner is known to be deleted.
func (o owners) gone(owner metav1.OwnerReference) bool {
	return o.complete.Has(kindOf(owner)) && !o.alive.Has(owner.UID)
}

func ownedBy(object *unstructured.Unstructured, kind schema.GroupKind) bool {
	return slices.ContainsFunc(object.GetOwnerReferences(), func(owner metav1.OwnerReference) bool {
		return kindOf(owner) == kind
	})
}

func kindOf(owner metav1.OwnerReference) schema.GroupKind {
	return schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind()
}
