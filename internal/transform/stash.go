package transform

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
)

// stash puts a custom resource whose registration says so into a ConfigMap, where its operator does not see it until it is
// activated. Name, labels and data are Stork's.
type stash struct {
	registrations workload.Registrations
	ownedClaims   map[types.UID]map[string]metav1.OwnerReference
}

func (stash) Name() string { return "Stash" }

func (s stash) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if !isStashed(s.registrations, source) {
		return false, nil
	}
	if source.Namespace == "" {
		return false, errors.New("a cluster-scoped custom resource cannot wait in a ConfigMap: remove stashStrategy from its ApplicationRegistration")
	}
	object, err := json.Marshal(obj.Object)
	if err != nil {
		return false, fmt.Errorf("custom resource as JSON: %w", err)
	}
	claims, err := json.Marshal(owners(s.ownedClaims[source.UID]))
	if err != nil {
		return false, fmt.Errorf("owned claims as JSON: %w", err)
	}
	configMap := map[string]any{"data": map[string]any{
		storkv1alpha1.StashKeyObject:    string(object),
		storkv1alpha1.StashKeyOwnedPVCs: string(claims),
		storkv1alpha1.StashKeyName:      obj.GetName(),
	}}
	name, namespace := stashName(source, obj.GetName()), obj.GetNamespace()
	obj.Object = configMap
	obj.SetGroupVersionKind(configMapKind)
	obj.SetName(name)
	obj.SetNamespace(namespace)
	obj.SetLabels(map[string]string{storkv1alpha1.LabelStashCR: "true", storkv1alpha1.LabelResourceKind: source.Kind})
	obj.SetAnnotations(map[string]string{
		storkv1alpha1.AnnotationSkipResource: "true", storkv1alpha1.AnnotationCreatedByStork: "true",
	})
	return true, nil
}

func isStashed(registrations workload.Registrations, source Source) bool {
	resource, _ := registrations.Lookup(source.GroupVersionKind)
	return resource.StashStrategy.StashCR
}

// stashName is <kind>-<group>-<name>, cut where names of objects end.
func stashName(source Source, name string) string {
	name = strings.ToLower(source.Kind) + "-" + strings.ToLower(source.Group) + "-" + name
	return strings.TrimRight(name[:min(len(name), 253)], "-.")
}

// owners drops from the references what is only true at the source. The UID is that of the object that activation will create.
func owners(claims map[string]metav1.OwnerReference) map[string]metav1.OwnerReference {
	references := make(map[string]metav1.OwnerReference, len(claims))
	for claim, owner := range claims {
		references[claim] = metav1.OwnerReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, Controller: owner.Controller}
	}
	return references
}
