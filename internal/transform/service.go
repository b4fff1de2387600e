package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// service removes addresses that the source's cluster assigned, so that the destination assigns its own. A headless Service
// stays headless. Node ports stay, as in Stork: clients outside of the cluster know them.
//
// A Service with the annotation skip-modify-resource, whatever its value, keeps all addresses.
type service struct {
	keepAddresses bool
}

func (service) Name() string { return "Service" }

func (s service) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != serviceKind || s.keepAddresses {
		return false, nil
	}
	if _, skip := field.Annotation(obj, storkv1alpha1.AnnotationSkipModifyResource); skip {
		return false, nil
	}
	spec := field.Map(obj.Object, "spec")
	changed := field.Remove(spec, "loadBalancerIP", "healthCheckNodePort")
	if field.String(spec, "clusterIP") != "None" {
		changed = field.Remove(spec, "clusterIP", "clusterIPs") || changed
	}
	return changed, nil
}
