package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// dataVolumeRule keeps KubeVirt's DataVolumes whose claim is migrated, so that they adopt it at the destination, as Stork does
// since 25.3. Without the claim a DataVolume would import or clone there anew.
func dataVolumeRule(volume *unstructured.Unstructured, f *facts) verdict {
	// A DataVolume's claim has its name.
	if _, migrated := f.claims[nameOf(volume)]; !migrated {
		return skip("its PersistentVolumeClaim is not migrated")
	}
	return keep
}
