package migration

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var (
	pairsResource      = storkv1alpha1.GroupVersion.WithResource("clusterpairs")
	namespacesResource = corev1.SchemeGroupVersion.WithResource("namespaces")
)

// landmark is an object of the source by which it is known again.
type landmark struct {
	resource schema.GroupVersionResource
	object   metav1.Object
}

// refuseOwnCluster ends a Migration whose destination is the cluster that it reads: it would stop the workloads that it copies.
// That a pair is Ready is no proof, because its credential may have become another one since.
func (r *run) refuseOwnCluster(ctx context.Context) error {
	landmarks, err := r.landmarks(ctx)
	if err != nil {
		return err
	}
	pairs := []*storkv1alpha1.ClusterPair{r.job.pair}
	if r.job.adminPair.UID != r.job.pair.UID {
		pairs = append(pairs, r.job.adminPair)
	}
	for _, pair := range pairs {
		cluster, err := r.Clusters.Get(ctx, pair)
		if err != nil {
			return fmt.Errorf("connecting to the cluster of ClusterPair %s: %w", client.ObjectKeyFromObject(pair), err)
		}
		for _, known := range landmarks {
			same := false
			err := patiently(ctx, func() (err error) {
				same, err = cluster.Has(ctx, known.resource, known.object)
				return err
			})
			if err != nil {
				return err
			}
			if same {
				return &terminalError{reason: storkv1alpha1.ReasonSameCluster, message: fmt.Sprintf(
					"ClusterPair %s leads to %s, which is the source itself: put the kubeconfig of the other cluster there",
					client.ObjectKeyFromObject(pair), cluster.ServerHost)}
			}
		}
	}
	return nil
}

// landmarks are the ClusterPair and the first namespace. That both are asked for lets a credential be known that may read one only.
func (r *run) landmarks(ctx context.Context) ([]landmark, error) {
	landmarks := []landmark{{pairsResource, r.job.pair}}
	first := r.job.namespaces[0].Source
	var namespace metav1.Object
	err := patiently(ctx, func() (err error) {
		namespace, err = r.Source.Dynamic.Resource(namespacesResource).Get(ctx, first, metav1.GetOptions{})
		return err
	})
	switch {
	case err == nil:
		landmarks = append(landmarks, landmark{namespacesResource, namespace})
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading namespace %s: %w", first, err)
	}
	return landmarks, nil
}
