package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// stash is what a stash ConfigMap holds.
type stash struct {
	object *unstructured.Unstructured
	// ownedClaims are the owner references of PersistentVolumeClaims to the object, by the claim's name. Their UIDs are those
	// of the source.
	ownedClaims map[string]metav1.OwnerReference
}

// stashTasks returns what to do with the custom resources that wait in ConfigMaps. Deactivation leaves them alone: they are
// stopped by their registrations, if at all.
func (a *activation) stashTasks(ctx context.Context) ([]task, error) {
	if !a.activate {
		return nil, nil
	}
	list := &corev1.ConfigMapList{}
	if err := a.client.List(ctx, list, client.InNamespace(a.scope()), client.MatchingLabels{storkv1alpha1.LabelStashCR: "true"}); err != nil {
		return nil, err
	}
	var tasks []task
	for _, configMap := range list.Items {
		tasks = append(tasks, task{namespace: configMap.Namespace, rank: len(a.kinds), name: configMap.Name, run: func(ctx context.Context) outcome {
			return a.unstash(ctx, &configMap)
		}})
	}
	return tasks, nil
}

// unstash creates the custom resource that a ConfigMap holds, and makes it the owner of its claims. The ConfigMap stays.
func (a *activation) unstash(ctx context.Context, configMap *corev1.ConfigMap) outcome {
	fail := func(err error) outcome {
		return outcome{failures: []string{fmt.Sprintf("Error creating the CR from the stashed configmap %s/%s : %v", configMap.Namespace, configMap.Name, err)}}
	}
	s, err := parseStash(configMap)
	if err != nil {
		return fail(err)
	}
	if err := a.checkStashed(s.object); err != nil {
		return fail(err)
	}
	uid, created, err := a.createStashed(ctx, s.object)
	if err != nil {
		return fail(err)
	}
	for _, claim := range slices.Sorted(maps.Keys(s.ownedClaims)) {
		owner := s.ownedClaims[claim]
		owner.UID = uid
		if err := a.own(ctx, client.ObjectKey{Namespace: configMap.Namespace, Name: claim}, owner); err != nil {
			return fail(fmt.Errorf("making it the owner of PersistentVolumeClaim %s: %w", claim, err))
		}
	}
	if !created {
		return outcome{}
	}
	return outcome{lines: []string{fmt.Sprintf("Successfully created the CRs from the stashed configmaps %s/%s", s.object.GetKind(), s.object.GetName())}}
}

// parseStash reads a stash ConfigMap.
func parseStash(configMap *corev1.ConfigMap) (*stash, error) {
	s := &stash{object: &unstructured.Unstructured{}}
	if err := json.Unmarshal([]byte(configMap.Data[storkv1alpha1.StashKeyObject]), s.object); err != nil {
		return nil, fmt.Errorf("key %s: %w", storkv1alpha1.StashKeyObject, err)
	}
	if s.object.GetName() == "" || s.object.GetKind() == "" {
		return nil, fmt.Errorf("key %s: it is no object with a kind and a name", storkv1alpha1.StashKeyObject)
	}
	if owned := configMap.Data[storkv1alpha1.StashKeyOwnedPVCs]; owned != "" {
		if err := json.Unmarshal([]byte(owned), &s.ownedClaims); err != nil {
			return nil, fmt.Errorf("key %s: %w", storkv1alpha1.StashKeyOwnedPVCs, err)
		}
	}
	s.object.SetNamespace(configMap.Namespace)
	// What belongs to the object at the source would keep it from being created.
	s.object.SetUID("")
	s.object.SetResourceVersion("")
	s.object.SetManagedFields(nil)
	return s, nil
}

// checkStashed refuses what no administrator of this cluster has registered as stashed. Whoever may write a ConfigMap could
// otherwise have it create anything, with the rights of whoever activates.
func (a *activation) checkStashed(object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	if registered, _ := a.registrations.Lookup(kind); !registered.StashStrategy.StashCR {
		return fmt.Errorf("no ApplicationRegistration of this cluster has stashStrategy.stashCR for %s, group %q: "+
			"if it shall be created, register it and activate again", kind.Kind, kind.Group)
	}
	namespaced, err := a.client.IsObjectNamespaced(object)
	if err == nil && !namespaced {
		err = fmt.Errorf("%s is in no namespace, so it cannot have been stashed", kind.Kind)
	}
	return err
}

// createStashed creates a custom resource and returns its UID, also that of one that exists.
func (a *activation) createStashed(ctx context.Context, object *unstructured.Unstructured) (uid types.UID, created bool, err error) {
	live := object.DeepCopy()
	err = a.client.Create(ctx, live)
	if apierrors.IsAlreadyExists(err) {
		err = a.client.Get(ctx, client.ObjectKeyFromObject(object), live)
		return live.GetUID(), false, err
	}
	return live.GetUID(), err == nil, err
}

// own adds owner to a claim, in place of a reference to an earlier object of that name. A claim that is not there is no error.
func (a *activation) own(ctx context.Context, key client.ObjectKey, owner metav1.OwnerReference) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		claim := &corev1.PersistentVolumeClaim{}
		if err := a.client.Get(ctx, key, claim); err != nil {
			return client.IgnoreNotFound(err)
		}
		if slices.ContainsFunc(claim.OwnerReferences, func(r metav1.OwnerReference) bool { return r.UID == owner.UID }) {
			return nil
		}
		before := claim.DeepCopy()
		claim.OwnerReferences = slices.DeleteFunc(claim.OwnerReferences, func(r metav1.OwnerReference) bool {
			return r.Kind == owner.Kind && r.Name == owner.Name && r.APIVersion == owner.APIVersion
		})
		claim.OwnerReferences = append(claim.OwnerReferences, owner)
		return a.client.Patch(ctx, claim, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
}
