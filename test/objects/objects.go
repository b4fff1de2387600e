// Package objects makes namespaces full of objects of many kinds, and reads them back: what the benchmarks and the soak test share.
//
// It must not know what is done with the objects.
package objects

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

// Kind makes the i-th object of one kind.
type Kind struct {
	Resource schema.GroupVersionResource
	Make     func(namespace string, i int) *unstructured.Unstructured
}

// Share is how many of each hundred objects are of a kind.
type Share struct {
	Kind
	PerHundred int
}

// Mix is a namespace's kinds.
type Mix []Share

// ConfigMaps have one key, "content".
var ConfigMaps = Kind{gvr("", "configmaps"), configMap}

var (
	secrets     = Kind{gvr("", "secrets"), secret}
	services    = Kind{gvr("", "services"), service}
	deployments = Kind{gvr("apps", "deployments"), deployment}
	accounts    = Kind{gvr("", "serviceaccounts"), account}
	roles       = Kind{gvr("rbac.authorization.k8s.io", "roles"), role}
	bindings    = Kind{gvr("rbac.authorization.k8s.io", "rolebindings"), binding}
	databases   = Kind{gvr("bench.example.com", "databases"), database}
	queues      = Kind{gvr("bench.example.com", "queues"), queue}
)

// Mixes are by name: plain has kinds of Kubernetes only, custom has resources of CRDs too, small fits into five objects.
var Mixes = map[string]Mix{
	"small":  {{ConfigMaps, 80}, {deployments, 20}},
	"plain":  {{ConfigMaps, 40}, {secrets, 20}, {services, 10}, {deployments, 10}, {accounts, 8}, {roles, 6}, {bindings, 6}},
	"custom": {{ConfigMaps, 20}, {secrets, 10}, {services, 10}, {deployments, 10}, {accounts, 5}, {roles, 5}, {databases, 20}, {queues, 20}},
}

func gvr(group, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}
}

func object(namespace, apiVersion, kind, name string, content map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: content}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	u.SetLabels(map[string]string{"app.kubernetes.io/name": "bench", "app.kubernetes.io/component": kind})
	return u
}

func configMap(namespace string, i int) *unstructured.Unstructured {
	return object(namespace, "v1", "ConfigMap", fmt.Sprintf("config-%05d", i), map[string]any{"data": map[string]any{"content": text(i, 1024)}})
}

func secret(namespace string, i int) *unstructured.Unstructured {
	return object(namespace, "v1", "Secret", fmt.Sprintf("secret-%05d", i), map[string]any{
		"type": "Opaque", "stringData": map[string]any{"password": text(i, 64)}})
}

func service(namespace string, i int) *unstructured.Unstructured {
	return object(namespace, "v1", "Service", fmt.Sprintf("service-%05d", i), map[string]any{"spec": map[string]any{
		"selector": map[string]any{"app": fmt.Sprintf("app-%05d", i)},
		"ports":    []any{map[string]any{"name": "http", "port": int64(80), "targetPort": int64(8080)}}}})
}

func deployment(namespace string, i int) *unstructured.Unstructured {
	labels := map[string]any{"app": fmt.Sprintf("app-%05d", i)}
	return object(namespace, "apps/v1", "Deployment", fmt.Sprintf("app-%05d", i), map[string]any{"spec": map[string]any{
		"replicas": int64(3),
		"selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			"spec": map[string]any{"containers": []any{map[string]any{
				"name": "app", "image": "example.com/app:1.0",
				"env":       []any{map[string]any{"name": "MODE", "value": "bench"}},
				"resources": map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "64Mi"}}}}}}}})
}

func account(namespace string, i int) *unstructured.Unstructured {
	return object(namespace, "v1", "ServiceAccount", fmt.Sprintf("account-%05d", i), map[string]any{})
}

func role(namespace string, i int) *unstructured.Unstructured {
	return object(namespace, "rbac.authorization.k8s.io/v1", "Role", fmt.Sprintf("role-%05d", i), map[string]any{"rules": []any{
		map[string]any{"apiGroups": []any{""}, "resources": []any{"configmaps"}, "verbs": []any{"get", "list"}}}})
}

func binding(namespace string, i int) *unstructured.Unstructured {
	return object(namespace, "rbac.authorization.k8s.io/v1", "RoleBinding", fmt.Sprintf("binding-%05d", i), map[string]any{
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": fmt.Sprintf("role-%05d", i)},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": "account-00000", "namespace": namespace}}})
}

func database(namespace string, i int) *unstructured.Unstructured {
	return object(namespace, "bench.example.com/v1", "Database", fmt.Sprintf("database-%05d", i), map[string]any{"spec": map[string]any{
		"replicas": int64(3), "version": "16.2", "storage": map[string]any{"size": "10Gi", "class": "fast"}, "note": text(i, 256)}})
}

func queue(namespace string, i int) *unstructured.Unstructured {
	return object(namespace, "bench.example.com/v1", "Queue", fmt.Sprintf("queue-%05d", i), map[string]any{"spec": map[string]any{
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

// Item is one object of a mix.
type Item struct {
	Kind
	Index int
}

// Items lists n objects of a mix, kind after kind as in real namespaces.
func (m Mix) Items(n int) []Item {
	all := make([]Item, 0, n)
	for _, share := range m {
		for i := range n * share.PerHundred / 100 {
			all = append(all, Item{share.Kind, i})
		}
	}
	return all
}

// Create creates objects in a namespace, so many at once.
func Create(ctx context.Context, c dynamic.Interface, namespace string, all []Item, workers int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, one := range all {
		group.Go(func() error {
			_, err := c.Resource(one.Resource).Namespace(namespace).Create(ctx, one.Make(namespace, one.Index), metav1.CreateOptions{})
			return err
		})
	}
	return group.Wait()
}

// Each reads all objects of a mix in a namespace, in pages, and passes each on.
func Each(ctx context.Context, c dynamic.Interface, namespace string, mix Mix, do func(*unstructured.Unstructured)) error {
	for _, share := range mix {
		options := metav1.ListOptions{Limit: 500}
		for {
			page, err := c.Resource(share.Resource).Namespace(namespace).List(ctx, options)
			if err != nil {
				return err
			}
			for i := range page.Items {
				do(&page.Items[i])
			}
			if options.Continue = page.GetContinue(); options.Continue == "" {
				break
			}
		}
	}
	return nil
}
