package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// namespace removes from a Namespace what the API server writes itself: the finalizers in its spec and the label with its name.
type namespace struct{}

func (namespace) Name() string { return "" }

func (namespace) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	if source.GroupKind() != namespaceKind {
		return false, nil
	}
	changed := field.RemoveAndPrune(obj.Object, "spec", "finalizers")
	return field.RemoveLabels(obj, labelNamespaceName) || changed, nil
}
