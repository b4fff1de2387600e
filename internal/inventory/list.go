package inventory

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

const (
	// defaultPageSize is where larger pages no longer make a list faster.
	defaultPageSize = 500
	// maxRestarts bounds how often a list is begun anew because it took longer than the API server keeps its state, five
	// minutes by default.
	maxRestarts = 3
)

// take makes of an object whatever is kept of it; false keeps nothing.
type take[T any] func(*unstructured.Unstructured) (T, bool)

// list reads a list page by page and returns what is taken of each object. Nothing else of a page is kept, and managedFields, often
// the larger part of an object, are gone before.
func list[T any](ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions, take take[T]) ([]T, error) {
	for restarts := 0; ; restarts++ {
		taken, err := listOnce(ctx, client, options, take)
		expired := apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
		if !expired || restarts == maxRestarts {
			return taken, err
		}
		if restarts == maxRestarts-1 {
			options.Limit = 0 // In one piece nothing can expire.
		}
	}
}

func listOnce[T any](ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions, take take[T]) ([]T, error) {
	var taken []T
	for {
		page, err := patiently(ctx, func(ctx context.Context) (*unstructured.UnstructuredList, error) {
			return client.List(ctx, options)
		})
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			object := &page.Items[i]
			unstructured.RemoveNestedField(object.Object, "metadata", "managedFields")
			if result, wanted := take(object); wanted {
				taken = append(taken, result)
			}
		}
		options.Continue = page.GetContinue()
		if options.Continue == "" {
			return taken, nil
		}
	}
}
