package transform

import "testing"

func TestCustomResourceDefinition(t *testing.T) {
	runAll(t, customResourceDefinition{}, map[string]transformation{
		"says in its schemas that unknown fields are kept": {
			before: `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  preserveUnknownFields: true
  versions: [{name: v1}, {name: v2, schema: {openAPIV3Schema: {type: object, properties: {}}}}]`,
			after: `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  versions:
  - {name: v1, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v2, schema: {openAPIV3Schema: {type: object, properties: {}, x-kubernetes-preserve-unknown-fields: true}}}`,
		},
		"with real schemas is left alone": {
			before: "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {preserveUnknownFields: false, versions: [{name: v1}]}}",
		},
	})
}
