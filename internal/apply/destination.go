package apply

import (
	"cmp"
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

const (
	// requestTimeout bounds one request, so that a server which accepts but does not answer is noticed.
	requestTimeout = time.Minute
	// awaitPause is between two looks at an object that cannot be watched.
	awaitPause = time.Second
	// maxPages of a LIST are a million objects: a server that always has another page would be read for ever.
	maxPages = 2_000
	// maxRestarts bounds how often a LIST is begun anew because its token has expired, after five minutes by default.
	maxRestarts = 3
	// shorterPages is how much shorter pages get when one was too large.
	shorterPages = 8
)

// destination sends requests, each with retries.
type destination struct {
	clients Clients
	options Options
	retry   *retrier
}

func newDestination(clients Clients, options Options) *destination {
	return &destination{clients: clients, options: options, retry: newRetrier(options.Clock)}
}

var claimResource = schema.GroupResource{Resource: "persistentvolumeclaims"}

func (d *destination) resource(resource schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	client := d.clients.Namespaced
	if namespace == "" || resource.GroupResource() == claimResource {
		client = d.clients.Cluster
	}
	if namespace == "" {
		return client.Resource(resource)
	}
	return client.Resource(resource).Namespace(namespace)
}

// do sends a request that returns an object, and repeats it as long as it fails for a reason that passes.
func (d *destination) do(
	ctx context.Context, t target, request func(context.Context, dynamic.ResourceInterface) (*unstructured.Unstructured, error),
) (object *unstructured.Unstructured, err error) {
	err = d.retry.do(ctx, t.resource.GroupResource(), func(ctx context.Context) (err error) {
		object, err = request(ctx, d.resource(t.resource, t.Namespace))
		return err
	})
	if err != nil {
		return nil, err
	}
	return object, nil
}

// get returns nil if there is no such object.
func (d *destination) get(ctx context.Context, t target) (*unstructured.Unstructured, error) {
	object, err := d.do(ctx, t, func(ctx context.Context, client dynamic.ResourceInterface) (*unstructured.Unstructured, error) {
		return client.Get(ctx, t.Name, metav1.GetOptions{})
	})
	if apierrors.IsNotFound(err) && !isUnserved(err) {
		return nil, nil
	}
	return object, err
}

// list calls each for every object, page by page. When a page's token has expired it starts anew, so that each may meet an object
// again.
func (d *destination) list(
	ctx context.Context, resource schema.GroupVersionResource, namespace, selector string, each func(*unstructured.Unstructured),
) error {
	options := metav1.ListOptions{Limit: d.options.PageSize, LabelSelector: selector}
	return d.pages(ctx, resource, &options, func(ctx context.Context) (string, error) {
		page, err := d.resource(resource, namespace).List(ctx, options)
		if err != nil {
			return "", err
		}
		for i := range page.Items {
			each(&page.Items[i])
		}
		return page.GetContinue(), nil
	})
}

// pages calls page for each page in turn; it returns the token of the next one. Pages that are too large are made shorter.
func (d *destination) pages(
	ctx context.Context, resource schema.GroupVersionResource, options *metav1.ListOptions, page func(context.Context) (string, error),
) error {
	restarts := 0
	for range maxPages {
		var next string
		err := d.retry.do(ctx, resource.GroupResource(), func(ctx context.Context) (err error) {
			next, err = page(ctx)
			return err
		})
		switch {
		case err == nil && next == "":
			return nil
		case err == nil:
			options.Continue = next
		case apierrors.IsRequestEntityTooLargeError(err) && options.Limit != 1:
			options.Limit = max(1, cmp.Or(options.Limit, d.options.PageSize)/shorterPages)
		case apierrors.IsResourceExpired(err) && options.Continue != "" && restarts < maxRestarts:
			options.Continue, options.Limit = "", 0 // In one piece nothing can expire, again and again.
			restarts++
		default:
			return err
		}
	}
	return fmt.Errorf("the list of %s has no end: gave up after %d pages", resource.GroupResource(), maxPages)
}

// probe asks whether a resource is served.
func (d *destination) probe(ctx context.Context, resource schema.GroupVersionResource) error {
	return d.retry.do(ctx, resource.GroupResource(), func(ctx context.Context) error {
		_, err := d.clients.Cluster.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1})
		return err
	})
}

// listMetadata is like list, without the contents of the objects if there is a client for that.
func (d *destination) listMetadata(
	ctx context.Context, resource schema.GroupVersionResource, namespace, selector string, each func(metav1.Object),
) error {
	client := d.clients.Metadata
	if client == nil {
		return d.list(ctx, resource, namespace, selector, func(object *unstructured.Unstructured) { each(object) })
	}
	options := metav1.ListOptions{Limit: d.options.PageSize, LabelSelector: selector}
	return d.pages(ctx, resource, &options, func(ctx context.Context) (string, error) {
		page, err := client.Resource(resource).Namespace(namespace).List(ctx, options)
		if err != nil {
			return "", err
		}
		for i := range page.Items {
			each(&page.Items[i])
		}
		return page.GetContinue(), nil
	})
}

func (d *destination) create(ctx context.Context, t target, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	options := metav1.CreateOptions{FieldManager: d.options.FieldManager}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return d.do(ctx, t, func(ctx context.Context, client dynamic.ResourceInterface) (*unstructured.Unstructured, error) {
		return client.Create(ctx, object, options)
	})
}

func (d *destination) apply(ctx context.Context, t target, object *unstructured.Unstructured, subresources ...string) (*unstructured.Unstructured, error) {
	options := metav1.ApplyOptions{FieldManager: d.options.FieldManager, Force: true}
	return d.do(ctx, t, func(ctx context.Context, client dynamic.ResourceInterface) (*unstructured.Unstructured, error) {
		return client.Apply(ctx, t.Name, object, options, subresources...)
	})
}

func (d *destination) update(ctx context.Context, t target, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return d.do(ctx, t, func(ctx context.Context, client dynamic.ResourceInterface) (*unstructured.Unstructured, error) {
		return client.Update(ctx, object, metav1.UpdateOptions{FieldManager: d.options.FieldManager})
	})
}

func (d *destination) patch(ctx context.Context, t target, kind types.PatchType, patch []byte) (*unstructured.Unstructured, error) {
	return d.do(ctx, t, func(ctx context.Context, client dynamic.ResourceInterface) (*unstructured.Unstructured, error) {
		return client.Patch(ctx, t.Name, kind, patch, metav1.PatchOptions{FieldManager: d.options.FieldManager})
	})
}

// delete deletes an object that was there. One that is gone when the request is repeated was deleted by it the first time, though the
// answer said otherwise or was lost.
func (d *destination) delete(ctx context.Context, t target, propagation metav1.DeletionPropagation, preconditions metav1.Preconditions) error {
	options := metav1.DeleteOptions{PropagationPolicy: &propagation, Preconditions: &preconditions}
	repeated := false
	_, err := d.do(ctx, t, func(ctx context.Context, client dynamic.ResourceInterface) (*unstructured.Unstructured, error) {
		err := client.Delete(ctx, t.Name, options)
		if repeated && apierrors.IsNotFound(err) {
			return nil, nil
		}
		repeated = true
		return nil, err
	})
	return err
}

// await returns the object as soon as it is as wanted; a nil object is one that is gone. It watches, and looks now and then where
// it may not.
func (d *destination) await(
	ctx context.Context, t target, wanted func(*unstructured.Unstructured) bool,
) (*unstructured.Unstructured, error) {
	for {
		object, err := d.get(ctx, t)
		if err != nil {
			return nil, err
		}
		if wanted(object) {
			return object, nil
		}
		if !d.watch(ctx, t, object, wanted) && !pause(ctx, d.options.Clock, awaitPause) {
			return nil, context.Cause(ctx)
		}
	}
}

// watch returns when the object seems to be as wanted, or the watch ended; true says that it is worth to look at once.
func (d *destination) watch(
	ctx context.Context, t target, object *unstructured.Unstructured, wanted func(*unstructured.Unstructured) bool,
) bool {
	if object == nil {
		return false
	}
	watcher, err := d.resource(t.resource, t.Namespace).Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("metadata.name", t.Name).String(),
		ResourceVersion: object.GetResourceVersion(),
	})
	if err != nil {
		return false
	}
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		found, isObject := event.Object.(*unstructured.Unstructured)
		if event.Type == watch.Deleted || isObject && wanted(found) {
			return true
		}
	}
	return false
}
