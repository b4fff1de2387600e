package takeover_test

import (
	"context"
	"reflect"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// kindsOfStork are those that Godwit serves.
var kindsOfStork = []string{
	"Action", "ApplicationRegistration", "BackupLocation", "ClusterPair", "Migration", "MigrationSchedule", "NamespacedSchedulePolicy",
	"ResourceTransformation", "Rule", "SchedulePolicy",
}

func id(object client.Object) string {
	return object.GetObjectKind().GroupVersionKind().Kind + " " + object.GetNamespace() + "/" + object.GetName()
}

// ofStork returns an object of one of Stork's kinds, with nothing but its name.
func ofStork(kind, namespace, name string) *unstructured.Unstructured {
	return named(storkv1alpha1.GroupVersion.WithKind(kind), namespace, name)
}

func named(kind schema.GroupVersionKind, namespace, name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

// get returns an object as it is now.
func get(ctx context.Context, cluster client.Client, of *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	found := named(of.GroupVersionKind(), of.GetNamespace(), of.GetName())
	Expect(cluster.Get(ctx, client.ObjectKeyFromObject(of), found)).To(Succeed(), id(of))
	return found
}

// snapshot returns all objects of Stork's kinds.
func snapshot(ctx context.Context, cluster client.Client) map[string]*unstructured.Unstructured {
	GinkgoHelper()
	found := map[string]*unstructured.Unstructured{}
	for _, kind := range kindsOfStork {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(storkv1alpha1.GroupVersion.WithKind(kind + "List"))
		Expect(cluster.List(ctx, list)).To(Succeed())
		for i := range list.Items {
			found[id(&list.Items[i])] = &list.Items[i]
		}
	}
	return found
}

// decode reads the objects of a file and puts those that can be in a namespace there.
func decode(content, namespace string) []*unstructured.Unstructured {
	GinkgoHelper()
	var objects []*unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(content), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); err != nil {
			Expect(err).To(MatchError("EOF"))
			return objects
		}
		if !strings.HasPrefix(object.GetKind(), "Cluster") && object.GetKind() != "CustomResourceDefinition" {
			object.SetNamespace(namespace)
		}
		objects = append(objects, object)
	}
}

// lost returns paths of what one object has and another one lacks, or has another value for. Null and empty stand for nothing, as
// they do for Stork.
func lost(before, after any, path string) []string {
	if before == nil || reflect.ValueOf(before).IsZero() || reflect.DeepEqual(before, after) {
		return nil
	}
	var paths []string
	switch before := before.(type) {
	case map[string]any:
		fields, _ := after.(map[string]any)
		for key := range before {
			paths = append(paths, lost(before[key], fields[key], path+"."+key)...)
		}
	case []any:
		items, _ := after.([]any)
		if len(items) != len(before) {
			return []string{path}
		}
		for i := range before {
			paths = append(paths, lost(before[i], items[i], path+"[]")...)
		}
	default:
		paths = append(paths, path)
	}
	return paths
}

// payload is all of an object but its metadata and status.
func payload(object *unstructured.Unstructured) map[string]any {
	fields := object.DeepCopy().Object
	delete(fields, "metadata")
	delete(fields, "status")
	return fields
}

var customResourceDefinition = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
