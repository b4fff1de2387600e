package transform

import "testing"

func TestNamespace(t *testing.T) {
	runAll(t, namespace{}, map[string]transformation{
		"loses what the server writes": {
			before: "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, a: b}}, spec: {finalizers: [kubernetes]}}",
			after:  "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {a: b}}}",
		},
		"is the only kind that does": {
			before: "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {kubernetes.io/metadata.name: shop}}}",
		},
	})
}
