package apply

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// serverMetadata are fields that the destination sets, or that this package sets with what is the destination's.
var serverMetadata = []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "ownerReferences"}

// provenanceKeys are the annotations that every object is written with. An object that a migration brought to the source has
// them too, of that other migration.
var provenanceKeys = []string{
	storkv1alpha1.AnnotationMigrated, storkv1alpha1.AnnotationMigrationName, storkv1alpha1.AnnotationMigrationNamespace,
	storkv1alpha1.AnnotationMigrationTime, storkv1alpha1.AnnotationResourceHash,
}

// tidy removes from an object what it must not be compared, hashed and written with, and returns the status that it had.
func tidy(object *unstructured.Unstructured) (status any) {
	status = object.Object["status"]
	delete(object.Object, "status")
	metadata := child(object.Object, "metadata")
	for _, field := range serverMetadata {
		delete(metadata, field)
	}
	annotations := child(metadata, "annotations")
	for _, key := range append(slices.Clone(provenanceKeys), annotationSubjects) {
		delete(annotations, key)
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	if object.GroupVersionKind().GroupKind() == (schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}) {
		dropAggregatedRules(object)
	}
	return status
}

// dropAggregatedRules removes rules that a controller fills in, from the ClusterRoles of the cluster that it runs in: it would
// overwrite them each time.
func dropAggregatedRules(role *unstructured.Unstructured) {
	if len(child(role.Object, "aggregationRule")) > 0 {
		delete(role.Object, "rules")
	}
}
