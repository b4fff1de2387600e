package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// apiServerService is the name of the Service, the Endpoints and the EndpointSlice by which pods reach the API server.
const apiServerService = "kubernetes"

// serviceRule leaves out the API server's own Service. Stork takes any Service of that name for it; in another namespace its owner
// is told.
func serviceRule(service *unstructured.Unstructured, _ *facts) verdict {
	switch {
	case service.GetName() != apiServerService:
		return keep
	case service.GetNamespace() == "default":
		return leaveOut
	}
	return skip("a Service of this name is taken for that of the API server")
}

func learnService(f *facts, service *unstructured.Unstructured) {
	if len(field[map[string]any](service.Object, "spec", "selector")) > 0 {
		f.selecting.Insert(nameOf(service))
	}
}
