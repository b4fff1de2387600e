package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// namespace is where all objects are.
const namespace = "bench"

// kind makes the i-th object of one kind.
type kind struct {
	resource schema.GroupVersionResource
	make     func(i int) *unstructured.Unstructured
}

// share is how many of each hundred objects are of a kind.
type share struct {
	kind
	perHundred int
}

var (
	configMaps  = kind{gvr("", "configmaps"), configMap}
	secrets     = kind{gvr("", "secrets"), secret}
	services    = kind{gvr("", "services"), service}
	deployments = kind{gvr("apps", "deployments"), deployment}
	accounts    = kind{gvr("", "serviceaccounts"), account}
	roles       = kind{gvr("rbac.authorization.k8s.io", "roles"), role}
	bindings    = kind{gvr("rbac.authorization.k8s.io", "rolebindings"), binding}
	databases   = kind{gvr("bench.example.com", "databases"), database}
	queues      = kind{gvr("bench.example.com", "queues"), queue}
)

var mixes = map[string][]share{
	"plain":  {{configMaps, 40}, {secrets, 20}, {services, 10}, {deployments, 10}, {accounts, 8}, {roles, 6}, {bindings, 6}},
	"custom": {{configMaps, 20}, {secrets, 10}, {services, 10}, {deployments, 10}, {accounts, 5}, {roles, 5}, {databases, 20}, {queues, 20}},
}

func gvr(group, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}
}

func object(apiVersion, kind, name string, content map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: content}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	u.SetLabels(map[string]string{"app.kubernetes.io/name": "bench", "app.kubernetes.io/component": kind})
	return u
}

func configMap(i int) *unstructured.Unstructured {
	return object("v1", "ConfigMap", fmt.Sprintf("config-%05d", i), map[string]any{"data": map[string]any{"content": text(i, 1024)}})
}

func secret(i int) *unstructured.Unstructured {
	return object("v1", "Secret", fmt.Sprintf("secret-%05d", i), map[string]any{
		"type": "Opaque", "stringData": map[string]any{"password": text(i, 64)}})
}

func service(i int) *unstructured.Unstructured {
	return object("v1", "Service", fmt.Sprintf("service-%05d", i), map[string]any{"spec": map[string]any{
		"selector": map[string]any{"app": fmt.Sprintf("app-%05d", i)},
		"ports":    []any{map[string]any{"name": "http", "port": int64(80), "targetPort": int64(8080)}}}})
}

func deployment(i int) *unstructured.Unstructured {
	labels := map[string]any{"app": fmt.Sprintf("app-%05d", i)}
	return object("apps/v1", "Deployment", fmt.Sprintf("app-%05d", i), map[string]any{"spec": map[string]any{
		"replicas": int64(3),
		"selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			"spec": map[string]any{"containers": []any{map[string]any{
				"name": "app", "image": "example.com/app:1.0",
				"env":       []any{map[string]any{"name": "MODE", "value": "bench"}},
				"resources": map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "64Mi"}}}}}}}})
}

func account(i int) *unstructured.Unstructured {
	return object("v1", "ServiceAccount", fmt.Sprintf("account-%05d", i), map[string]any{})
}

func role(i int) *unstructured.Unstructured {
	return object("rbac.authorization.k8s.io/v1", "Role", fmt.Sprintf("role-%05d", i), map[string]any{"rules": []any{
		map[string]any{"apiGroups": []any{""}, "resources": []any{"configmaps"}, "verbs": []any{"get", "list"}}}})
}

func binding(i int) *unstructured.Unstructured {
	return object("rbac.authorization.k8s.io/v1", "RoleBinding", fmt.Sprintf("binding-%05d", i), map[string]any{
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": fmt.Sprintf("role-%05d", i)},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": "account-00000", "namespace": namespace}}})
}

func database(i int) *unstructured.Unstructured {
	return object("bench.example.com/v1", "Database", fmt.Sprintf("database-%05d", i), map[string]any{"spec": map[string]any{
		"replicas": int64(3), "version": "16.2", "storage": map[string]any{"size": "10Gi", "class": "fast"}, "note": text(i, 256)}})
}

func queue(i int) *unstructured.Unstructured {
	return object("bench.example.com/v1", "Queue", fmt.Sprintf("queue-%05d", i), map[string]any{"spec": map[string]any{
		"replicas": int64(1), "note": text(i, 128)}})
}

// text makes so many letters that compress badly, the same for the same i.
func text(i, length int) string {
	random := rand.New(rand.NewPCG(uint64(i), 42))
	var builder strings.Builder
	for range length {
		builder.WriteByte(byte('a' + random.IntN(26)))
	}
	return builder.String()
}

// item is one object of a mix.
type item struct {
	kind
	index int
}

// items lists n objects of a mix, kind after kind as in real namespaces.
func items(mix []share, n int) []item {
	all := make([]item, 0, n)
	for _, share := range mix {
		for i := range n * share.perHundred / 100 {
			all = append(all, item{share.kind, i})
		}
	}
	return all
}

// create creates objects with the bare client: the floor, and the set-up of the source.
func create(ctx context.Context, c dynamic.Interface, all []item, workers int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, one := range all {
		group.Go(func() error {
			_, err := c.Resource(one.resource).Namespace(namespace).Create(ctx, one.make(one.index), metav1.CreateOptions{})
			return err
		})
	}
	return group.Wait()
}

// list reads all objects of a mix in pages and returns their identity and version.
func list(ctx context.Context, c dynamic.Interface, mix []share) (map[string]version, error) {
	found := map[string]version{}
	for _, share := range mix {
		options := metav1.ListOptions{Limit: 500}
		for {
			page, err := c.Resource(share.resource).Namespace(namespace).List(ctx, options)
			if err != nil {
				return nil, err
			}
			for i := range page.Items {
				one := &page.Items[i]
				found[one.GetKind()+"/"+one.GetName()] = version{uid: string(one.GetUID()), version: one.GetResourceVersion()}
			}
			if options.Continue = page.GetContinue(); options.Continue == "" {
				break
			}
		}
	}
	return found, nil
}

type version struct{ uid, version string }

// definitions are the CRDs of the custom kinds in a mix.
func definitions(mix []share) []*unstructured.Unstructured {
	kinds := map[string]string{"databases": "Database", "queues": "Queue"}
	var all []*unstructured.Unstructured
	for _, share := range mix {
		plural := share.resource.Resource
		kind, custom := kinds[plural]
		if !custom {
			continue
		}
		crd := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": plural + ".bench.example.com"},
			"spec": map[string]any{
				"group": "bench.example.com", "scope": "Namespaced",
				"names": map[string]any{"kind": kind, "plural": plural, "singular": strings.ToLower(kind), "listKind": kind + "List"},
				"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
					"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
						"spec": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}},
			}}}
		all = append(all, crd)
	}
	return all
}
