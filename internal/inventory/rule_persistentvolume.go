package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// volumeRule keeps PersistentVolumes that are bound to a claim which is migrated. A volume that was released, even if a new claim
// has the name of its old one, is of nobody.
func volumeRule(volume *unstructured.Unstructured, f *facts) verdict {
	if text(volume.Object, "status", "phase") != "Bound" {
		return leaveOut
	}
	reference := field[map[string]any](volume.Object, "spec", "claimRef")
	claim, migrated := f.claims[types.NamespacedName{Namespace: text(reference, "namespace"), Name: text(reference, "name")}]
	uid := types.UID(text(reference, "uid"))
	return keepIf(migrated && (uid == "" || uid == claim))
}
