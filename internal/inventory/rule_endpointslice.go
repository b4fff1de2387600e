package inventory

import (
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// endpointSliceRule keeps EndpointSlices that no controller of Kubernetes makes: neither from the pods of a Service nor from
// Endpoints, which are migrated themselves.
func endpointSliceRule(slice *unstructured.Unstructured, f *facts) verdict {
	labels := slice.GetLabels()
	switch labels[discoveryv1.LabelManagedBy] {
	case "endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io":
		return leaveOut
	}
	service := types.NamespacedName{Namespace: slice.GetNamespace(), Name: labels[discoveryv1.LabelServiceName]}
	apiServer := types.NamespacedName{Namespace: "default", Name: apiServerService}
	return keepIf(service != apiServer && !f.selecting.Has(service))
}
