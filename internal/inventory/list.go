package inventory

import (
	"context"
	"errors"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
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
		page, err := listPage(ctx, client, options)
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

// pageBackoff has a page read again for some three seconds: a source of hundreds of lists could not be read otherwise if one request
// in a hundred fails.
var pageBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 6}

// listPage reads one page, and again where a failure may pass.
func listPage(ctx context.Context, client dynamic.ResourceInterface, options metav1.ListOptions) (page *unstructured.UnstructuredList, err error) {
	again := wait.ExponentialBackoffWithContext(ctx, pageBackoff, func(ctx context.Context) (bool, error) {
		page, err = client.List(ctx, options)
		return err == nil || !mayPass(err), nil
	})
	if err == nil {
		err = again // ctx ended before the first attempt.
	}
	return page, err
}

// mayPass tells whether the same request may succeed a moment later: the API server is overloaded or starts, or the connection broke.
func mayPass(err error) bool {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		return true
	}
	code := status.Status().Code
	return !concernsKindOnly(err) && (code == http.StatusTooManyRequests || code >= http.StatusInternalServerError)
}
