package inventory

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// goesWithOwner tells whether a selected object is left out after all because of its owners: what belongs to a Pod dies with it,
// what a controller made it makes again at the destination. selected tells of a UID whether an object was selected by its own
// rule, whatever became of it by this one, so that a whole chain of owners goes. ownedGoes is that of the object's kind.
//
// Claims are never left out here: they hold data.
func goesWithOwner(object *Object, ownedGoes bool, selected func(types.UID) bool, ignoreOwners bool) bool {
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
			return selected(owner.UID)
		case ignoreOwners:
			return false
		case by == podKind:
			return true
		}
		return ownedGoes && selected(owner.UID)
	})
}

func ownedBy(object *unstructured.Unstructured, kind schema.GroupKind) bool {
	return slices.ContainsFunc(object.GetOwnerReferences(), func(owner metav1.OwnerReference) bool {
		return kindOf(owner) == kind
	})
}

func kindOf(owner metav1.OwnerReference) schema.GroupKind {
	return schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind()
}
