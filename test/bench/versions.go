package main

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/godwit-io/godwit/test/objects"
)

// version is an object's identity and version.
type version struct{ uid, version string }

// list reads the versions of all objects of a mix, by "kind/name".
func list(ctx context.Context, c dynamic.Interface, mix objects.Mix) (map[string]version, error) {
	found := map[string]version{}
	err := objects.Each(ctx, c, namespace, mix, func(one *unstructured.Unstructured) {
		found[one.GetKind()+"/"+one.GetName()] = version{uid: string(one.GetUID()), version: one.GetResourceVersion()}
	})
	return found, err
}

// differing counts the objects that were written between two lists.
func differing(before, after map[string]version) int {
	n := 0
	for name, version := range after {
		if before[name] != version {
			n++
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			n++
		}
	}
	return n
}

// recreated counts the objects that have another UID.
func recreated(before, after map[string]version) int {
	n := 0
	for name, version := range before {
		if after[name].uid != version.uid {
			n++
		}
	}
	return n
}

func abs(n int) int { return max(n, -n) }
