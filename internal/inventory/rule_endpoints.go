package inventory

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// endpointsRule keeps Endpoints that somebody wrote, and leaves out those that a controller makes: of a Service with a selector,
// with addresses of pods, or with annotations but not that of kubectl apply, which leader election and controllers leave.
func endpointsRule(endpoints *unstructured.Unstructured, f *facts) verdict {
	annotations := endpoints.GetAnnotations()
	_, applied := annotations[corev1.LastAppliedConfigAnnotation]
	_, headless := endpoints.GetLabels()[corev1.IsHeadlessService]
	switch {
	case endpoints.GetNamespace() == "default" && endpoints.GetName() == apiServerService:
		return leaveOut
	case hasAnnotation(endpoints, storkv1alpha1.AnnotationIncludeResource):
		return keep
	case f.selecting.Has(nameOf(endpoints)), headless, len(annotations) > 0 && !applied:
		return leaveOut
	}
	return keepIf(!pointsToPods(endpoints))
}

func pointsToPods(endpoints *unstructured.Unstructured) bool {
	for _, subset := range elements(endpoints.Object, "subsets") {
		for _, list := range []string{"addresses", "notReadyAddresses"} {
			for _, address := range elements(subset, list) {
				if address["targetRef"] != nil {
					return true
				}
			}
		}
	}
	return false
}
