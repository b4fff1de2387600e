package migration

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/inventory"
)

// leaveCredentials takes the Secrets of ClusterPairs out of a set: the credential of another cluster belongs to this one, and would
// overwrite the one that a pair back has under the same name.
func (f *flow) leaveCredentials(ctx context.Context, set *inventory.Set) error {
	credentials := map[types.NamespacedName]string{}
	for _, namespace := range f.job.namespaceNames() {
		pairs := &storkv1alpha1.ClusterPairList{}
		if err := f.Client.List(ctx, pairs, client.InNamespace(namespace)); err != nil {
			return fmt.Errorf("finding the credentials of ClusterPairs in %s: %w", namespace, err)
		}
		for _, pair := range pairs.Items {
			if ref := pair.Spec.KubeconfigSecretRef; ref != nil {
				credentials[types.NamespacedName{Namespace: namespace, Name: ref.Name}] = pair.Name
			}
		}
	}
	set.Objects = slices.DeleteFunc(set.Objects, func(object *inventory.Object) bool {
		key := client.ObjectKeyFromObject(object.Unstructured)
		pair, found := credentials[key]
		if !found || object.Kind.Resource.Resource != "secrets" || object.Kind.Resource.Group != "" {
			return false
		}
		set.Skipped = append(set.Skipped, inventory.Skipped{
			Kind: object.Kind.Kind, NamespacedName: key, Reason: "it is the credential of ClusterPair " + pair,
		})
		return true
	})
	return nil
}
