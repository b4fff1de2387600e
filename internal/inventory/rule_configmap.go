package inventory

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// configMapRule leaves out the certificates that a cluster puts into each namespace, and the stash of a custom resource that was
// activated: the custom resource itself is migrated then, and may be stashed anew under the same name. A stash that still waits
// is the only copy of its custom resource here, so it stays part of the application, unless custom resources of the kind are not
// to be migrated.
func configMapRule(configMap *unstructured.Unstructured, f *facts) verdict {
	switch configMap.GetName() {
	case "kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert":
		return leaveOut
	}
	if !isTrue(configMap.GetLabels()[storkv1alpha1.LabelStashCR]) {
		return keep
	}
	resource := stashed(configMap)
	return keepIf(!f.customResources.Has(resource) && !f.excluded.Has(resource.GroupKind))
}

// stashed names the custom resource in a stash. Content that cannot be read names nothing that exists.
func stashed(configMap *unstructured.Unstructured) identity {
	var object metav1.PartialObjectMetadata
	if json.Unmarshal([]byte(text(configMap.Object, "data", storkv1alpha1.StashKeyObject)), &object) != nil {
		return identity{}
	}
	return identity{
		GroupKind:      schema.FromAPIVersionAndKind(object.APIVersion, object.Kind).GroupKind(),
		NamespacedName: types.NamespacedName{Namespace: configMap.GetNamespace(), Name: object.Name},
	}
}
