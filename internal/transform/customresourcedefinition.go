package transform

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// customResourceDefinition says in each version's schema what preserveUnknownFields says for all of them: that field is left
// from v1beta1 and v1 refuses true.
type customResourceDefinition struct{}

func (customResourceDefinition) Name() string { return "CustomResourceDefinition" }

func (customResourceDefinition) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	spec := field.Map(obj.Object, "spec")
	if source.GroupKind() != customResourceDefinitionKind || source.Version != "v1" || spec["preserveUnknownFields"] != true {
		return false, nil
	}
	delete(spec, "preserveUnknownFields")
	for version := range field.Maps(spec, "versions") {
		if field.Map(version, "schema", "openAPIV3Schema") == nil {
			version["schema"] = map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}
		}
		field.Map(version, "schema", "openAPIV3Schema")["x-kubernetes-preserve-unknown-fields"] = true
	}
	return true, nil
}
