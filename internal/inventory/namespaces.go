package inventory

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
)

// Namespaces resolves which namespaces are meant: those that are named and those that have any of the labels. Those of them that
// do not exist or are being deleted are missing. Both results are sorted and without duplicates.
func Namespaces(
	ctx context.Context, client dynamic.Interface, names []string, selectors map[string]string,
) (found, missing []string, err error) {
	namespaces := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
	meant, alive := sets.New(names...), sets.New[string]()
	note := func(namespace *unstructured.Unstructured) {
		if hasAnyLabel(namespace, selectors) {
			meant.Insert(namespace.GetName())
		}
		if !deleting(namespace) {
			alive.Insert(namespace.GetName())
		}
	}
	if len(selectors) > 0 {
		err = listNamespaces(ctx, namespaces, note)
	} else {
		err = getNamespaces(ctx, namespaces, meant.UnsortedList(), note)
	}
	if err != nil {
		return nil, nil, err
	}
	return sets.List(meant.Intersection(alive)), sets.List(meant.Difference(alive)), nil
}

func listNamespaces(ctx context.Context, client dynamic.ResourceInterface, note func(*unstructured.Unstructured)) error {
	noteOnly := func(namespace *unstructured.Unstructured) (any, bool) {
		note(namespace)
		return nil, false
	}
	if _, err := list(ctx, client, metav1.ListOptions{Limit: defaultPageSize}, noteOnly); err != nil {
		return fmt.Errorf("listing namespaces: %w", err)
	}
	return nil
}

// getNamespaces skips those that do not exist.
func getNamespaces(
	ctx context.Context, client dynamic.ResourceInterface, names []string, note func(*unstructured.Unstructured),
) error {
	for _, name := range names {
		namespace, err := client.Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return fmt.Errorf("reading namespace %s: %w", name, err)
		default:
			note(namespace)
		}
	}
	return nil
}

func hasAnyLabel(object *unstructured.Unstructured, wanted map[string]string) bool {
	labels := object.GetLabels()
	for key, value := range wanted {
		if actual, present := labels[key]; present && actual == value {
			return true
		}
	}
	return false
}
