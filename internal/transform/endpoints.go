package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// endpoints removes references to pods, nodes and zones of the source from Endpoints and EndpointSlices. The addresses stay: only
// objects that somebody wrote by hand, or asked for, are migrated.
type endpoints struct{}

func (endpoints) Name() string { return "Endpoints" }

func (endpoints) Transform(obj *unstructured.Unstructured, source Source) (changed bool, err error) {
	switch source.GroupKind() {
	case endpointsKind:
		for subset := range field.Maps(obj.Object, "subsets") {
			changed = removeFromEach(subset, "addresses", "targetRef", "nodeName") || changed
			changed = removeFromEach(subset, "notReadyAddresses", "targetRef", "nodeName") || changed
		}
	case endpointSliceKind:
		changed = removeFromEach(obj.Object, "endpoints", "targetRef", "nodeName", "zone", "hints", "deprecatedTopology")
	}
	return changed, nil
}

func removeFromEach(object map[string]any, list string, keys ...string) (removed bool) {
	for item := range field.Maps(object, list) {
		removed = field.Remove(item, keys...) || removed
	}
	return removed
}
