package action

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
	"github.com/godwit-io/godwit/internal/remote"
)

// Clusters reaches the clusters of Actions. It implements failover.Clusters. All fields are required.
type Clusters struct {
	// Reader reads ClusterPairs.
	Reader client.Reader
	// Here is the operator's own cluster.
	Here activation.Cluster
	// Pool connects to the others.
	Pool interface {
		Get(ctx context.Context, pair *storkv1alpha1.ClusterPair) (*remote.Cluster, error)
	}
}

// Local returns the operator's own cluster.
func (c *Clusters) Local() activation.Cluster { return c.Here }

// Paired returns the cluster that a ClusterPair leads to.
func (c *Clusters) Paired(ctx context.Context, name types.NamespacedName) (activation.Cluster, error) {
	pair := &storkv1alpha1.ClusterPair{}
	if err := c.Reader.Get(ctx, name, pair); err != nil {
		return activation.Cluster{}, err
	}
	cluster, err := c.Pool.Get(ctx, pair)
	if err != nil {
		return activation.Cluster{}, fmt.Errorf("connecting to the cluster of ClusterPair %s: %w", name, err)
	}
	return activation.Cluster{Dynamic: cluster.Dynamic, Discovery: cluster.Discovery}, nil
}
