package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// serverMetadata removes what the API server and the controllers of the source wrote into the metadata. Name, namespace, labels
// and annotations stay, as in Stork. Owner references are the caller's to map, finalizers would wait for controllers that the
// destination may not have.
//
// kubectl's last-applied-configuration stays: with it kubectl apply knows at the destination, too, which fields it may remove,
// and Endpoints without it would be taken for generated ones on the way back.
type serverMetadata struct{}

func (serverMetadata) Name() string { return "" }

func (serverMetadata) Transform(obj *unstructured.Unstructured, _ Source) (bool, error) {
	metadata := field.Map(obj.Object, "metadata")
	changed := false
	for key := range metadata {
		if !isUserMetadata(key, metadata) {
			delete(metadata, key)
			changed = true
		}
	}
	for key := range field.Map(metadata, "annotations") {
		if isServerAnnotation(key) {
			changed = field.RemoveAnnotations(obj, key) || changed
		}
	}
	return changed, nil
}

func isUserMetadata(key string, metadata map[string]any) bool {
	switch key {
	case "name", "namespace", "labels", "annotations":
		return true
	case "generateName":
		return field.String(metadata, "name") == ""
	default:
		return false
	}
}

// isServerAnnotation tells whether controllers write the annotation and would take its value for one of this cluster.
func isServerAnnotation(key string) bool {
	switch key {
	case "deployment.kubernetes.io/revision",
		"deployment.kubernetes.io/revision-history",
		"deployment.kubernetes.io/desired-replicas",
		"deployment.kubernetes.io/max-replicas",
		"deprecated.daemonset.template.generation",
		"autoscaling.alpha.kubernetes.io/conditions",
		"autoscaling.alpha.kubernetes.io/current-metrics",
		"endpoints.kubernetes.io/last-change-trigger-time",
		// Who stopped or started it at the source.
		storkv1alpha1.AnnotationActivation,
		// A lock of the source's leader would keep the destination's candidates waiting.
		"control-plane.alpha.kubernetes.io/leader":
		return true
	default:
		return false
	}
}
