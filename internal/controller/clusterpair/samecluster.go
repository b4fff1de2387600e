package clusterpair

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/remote"
)

// leadsHereTimeout bounds a question that keeps a worker busy.
const leadsHereTimeout = 5 * time.Second

// pairsResource is that of ClusterPairs.
var pairsResource = storkv1alpha1.GroupVersion.WithResource("clusterpairs")

// apart remembers of which clients of pairs it was found out that they lead to another cluster. The zero value is empty.
type apart struct {
	mu    sync.Mutex
	known map[types.NamespacedName]*remote.Cluster
}

func (a *apart) has(name types.NamespacedName, cluster *remote.Cluster) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known[name] == cluster
}

func (a *apart) add(name types.NamespacedName, cluster *remote.Cluster) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[types.NamespacedName]*remote.Cluster{}
	}
	a.known[name] = cluster
}

func (a *apart) forget(name types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, name)
}

// leadsHere tells whether the other cluster is this one, where a migration would stop the workloads that it copies: it has this
// very pair. Where the credential may not read it, or there is none, that is not so as far as is known. It is asked once for each
// credential, and again after it could not be answered.
func (r *Reconciler) leadsHere(ctx context.Context, cluster *remote.Cluster, pair *storkv1alpha1.ClusterPair) bool {
	name := client.ObjectKeyFromObject(pair)
	if r.apart.has(name, cluster) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, leadsHereTimeout)
	defer cancel()
	same, err := cluster.Has(ctx, pairsResource, pair)
	if !same && err == nil {
		r.apart.add(name, cluster)
	}
	return same
}
