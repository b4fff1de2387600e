package remote

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Has tells whether the cluster has an object that was read elsewhere, by its UID: if so, both are the same cluster. What the
// credential may not read, or what is no answer of an API server, is not there as far as is known. An error means that it could not be found out.
func (c *Cluster) Has(ctx context.Context, resource schema.GroupVersionResource, object metav1.Object) (bool, error) {
	ctx = expectRefusal(ctx)
	found, err := c.Dynamic.Resource(resource).Namespace(object.GetNamespace()).Get(ctx, object.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err), apierrors.IsRequestEntityTooLargeError(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("finding out whether %s is another cluster: %w", c.ServerHost, err)
	}
	return found.GetUID() == object.GetUID(), nil
}
