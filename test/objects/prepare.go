package objects

import (
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Prepare creates what the objects of a mix need: their namespace, and their definitions where these are not there yet.
func Prepare(ctx context.Context, c client.Client, namespace string, mix Mix) error {
	ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace}}}
	if err := c.Create(ctx, ns); err != nil {
		return err
	}
	for _, crd := range definitions(mix) {
		if err := c.Create(ctx, crd); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
		err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "listKind")
			u := &unstructured.UnstructuredList{}
			u.SetGroupVersionKind(schema.GroupVersionKind{Group: customGroup, Version: "v1", Kind: kind})
			return c.List(ctx, u, client.InNamespace(namespace)) == nil, nil
		})
		if err != nil {
			return fmt.Errorf("waiting for CRD %s: %w", crd.GetName(), err)
		}
	}
	return nil
}

// customGroup is the group of the custom kinds.
const customGroup = "bench.example.com"

// customKinds are by their plural.
var customKinds = map[string]string{"databases": "Database", "queues": "Queue"}

// definitions are the CRDs of the custom kinds in a mix.
func definitions(mix Mix) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, share := range mix {
		plural := share.Resource.Resource
		kind, custom := customKinds[plural]
		if !custom {
			continue
		}
		crd := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": plural + "." + customGroup},
			"spec": map[string]any{
				"group": customGroup, "scope": "Namespaced",
				"names": map[string]any{"kind": kind, "plural": plural, "singular": strings.ToLower(kind), "listKind": kind + "List"},
				"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
					"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
						"spec": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}},
			}}}
		all = append(all, crd)
	}
	return all
}
