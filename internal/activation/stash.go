package activation

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"

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
func (e *Engine) stashTasks(ctx context.Context, request Request) (tasks []*task, _ error) {
	if !request.Activate {
		return nil, nil
	}
	configMaps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	list, err := e.list(ctx, configMaps, request.Namespaces, storkv1alpha1.LabelStashCR+"=true")
	if err != nil {
		return nil, err
	}
	for _, item := range list {
		if t := e.stashTask(&item, request); t != nil {
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

// stashTask returns what to do with one of them; nil if it is not chosen.
func (e *Engine) stashTask(item *unstructured.Unstructured, request Request) *task {
	t := &task{Outcome: Outcome{Namespace: item.GetNamespace(), Name: item.GetName(), ConfigMap: item.GetName(), Step: StepCreate, rank: len(e.kinds)}}
	configMap := &corev1.ConfigMap{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, configMap); err != nil {
		t.Err = err
		return t
	}
	s, err := parseStash(configMap)
	if err != nil {
		t.Err = err
		return t
	}
	if request.ChooseStashed != nil && !request.ChooseStashed(s.object) {
		return nil
	}
	t.Kind, t.Object = s.object.GroupVersionKind(), s.object
	kind, err := e.checkStashed(s.object)
	if err != nil {
		t.Err = err
		return t
	}
	if request.By != "" {
		annotations := s.object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[Mark] = StartedBy(request.By)
		s.object.SetAnnotations(annotations)
	}
	t.run = func(ctx context.Context, o *Outcome) { e.unstash(ctx, kind, s, o) }
	return t
}

// unstash creates the custom resource that a ConfigMap holds, and makes it the owner of its claims. The ConfigMap stays.
func (e *Engine) unstash(ctx context.Context, kind Kind, s *stash, o *Outcome) {
	live, created, err := e.createStashed(ctx, kind, s.object)
	if err != nil {
		o.Err = err
		return
	}
	o.Object = live
	if !created {
		o.Step = StepNone
		o.Differs = !equality.Semantic.DeepEqual(live.Object["spec"], s.object.Object["spec"])
	}
	for _, claim := range slices.Sorted(maps.Keys(s.ownedClaims)) {
		owner := s.ownedClaims[claim]
		owner.UID = live.GetUID()
		if err := e.own(ctx, s.object.GetNamespace(), claim, &owner, isSame(owner)); err != nil {
			o.Err = fmt.Errorf("making it the owner of PersistentVolumeClaim %s: %w", claim, err)
			return
		}
	}
}

// previewStashed tells in the outcome whether the custom resource is there already, and then what it is like.
func (e *Engine) previewStashed(ctx context.Context, o *Outcome) {
	kind, err := e.checkStashed(o.Object)
	if err != nil {
		o.Err = err
		return
	}
	live, err := e.cluster.Dynamic.Resource(kind.Resource).Namespace(o.Namespace).Get(ctx, o.Object.GetName(), metav1.GetOptions{})
	switch {
	case err == nil:
		o.Step, o.Object = StepNone, live
	case !apierrors.IsNotFound(err):
		o.Err = err
	}
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
func (e *Engine) checkStashed(object *unstructured.Unstructured) (Kind, error) {
	wanted := object.GroupVersionKind()
	if registered, _ := e.registrations.Lookup(wanted); !registered.StashStrategy.StashCR {
		return Kind{}, fmt.Errorf("no ApplicationRegistration of this cluster has stashStrategy.stashCR for %s, group %q: "+
			"if it shall be created, register it and activate again", wanted.Kind, wanted.Group)
	}
	versions := e.served[wanted.GroupKind()]
	at := slices.IndexFunc(versions, func(k Kind) bool { return k.GroupVersionKind == wanted })
	if at < 0 {
		return Kind{}, fmt.Errorf("this cluster serves no namespaced %s of %s: install its CustomResourceDefinition and activate again",
			wanted.Kind, wanted.GroupVersion())
	}
	return versions[at], nil
}

// createStashed creates a custom resource and returns it as it is, also one that exists.
func (e *Engine) createStashed(ctx context.Context, kind Kind, object *unstructured.Unstructured) (_ *unstructured.Unstructured, created bool, _ error) {
	resource := e.cluster.Dynamic.Resource(kind.Resource).Namespace(object.GetNamespace())
	live, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		live, err = resource.Create(ctx, object, metav1.CreateOptions{})
		return live, err == nil, err
	}
	return live, false, err
}

// isSame tells which references are to an earlier object of the same name.
func isSame(owner metav1.OwnerReference) func(metav1.OwnerReference) bool {
	return func(r metav1.OwnerReference) bool {
		return r.Kind == owner.Kind && r.Name == owner.Name && r.APIVersion == owner.APIVersion
	}
}

// own replaces those owners of a claim that are obsolete by another one, or by none where that is nil. A claim that is not there is
// no error.
func (e *Engine) own(ctx context.Context, namespace, name string, owner *metav1.OwnerReference, obsolete func(metav1.OwnerReference) bool) error {
	claims := e.cluster.Dynamic.Resource(claimResource()).Namespace(namespace)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		claim, err := claims.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return ignoreNotFound(err)
		}
		before := claim.GetOwnerReferences()
		if owner != nil && slices.ContainsFunc(before, func(r metav1.OwnerReference) bool { return r.UID == owner.UID }) {
			return nil
		}
		after := slices.DeleteFunc(slices.Clone(before), obsolete)
		if owner != nil {
			after = append(after, *owner)
		}
		if len(after) == len(before) && owner == nil {
			return nil
		}
		wanted := claim.DeepCopy()
		wanted.SetOwnerReferences(after)
		_, err = patch(ctx, claims, claim, wanted)
		return err
	})
}

// RemoveCreated deletes the custom resources that somebody's activation created from ConfigMaps, which go on waiting there. Claims
// are taken from them first, so that no data goes with them.
func (e *Engine) RemoveCreated(ctx context.Context, namespaces []string, by string) []Outcome {
	stashed, err := e.stashTasks(ctx, Request{Activate: true, Namespaces: namespaces})
	if err != nil {
		return []Outcome{{Err: fmt.Errorf("listing stashed custom resources: %w", err)}}
	}
	var outcomes []Outcome
	for _, t := range stashed {
		if t.Err != nil {
			continue // Nothing can have been created of it.
		}
		if o := t.Outcome; e.removeCreated(ctx, &o, by) {
			outcomes = append(outcomes, o)
		}
	}
	return outcomes
}

// removeCreated tells whether it was there to be removed.
func (e *Engine) removeCreated(ctx context.Context, o *Outcome, by string) bool {
	kind, err := e.checkStashed(o.Object)
	if err != nil {
		return false
	}
	resource := e.cluster.Dynamic.Resource(kind.Resource).Namespace(o.Namespace)
	live, err := resource.Get(ctx, o.Object.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return false
	case err != nil:
		o.Err = err
		return true
	case live.GetAnnotations()[Mark] != StartedBy(by):
		return false
	}
	o.Object, o.Name = live, live.GetName()
	uid := live.GetUID()
	claims, err := e.list(ctx, claimResource(), []string{o.Namespace}, "")
	for _, claim := range claims {
		if err == nil {
			err = e.own(ctx, o.Namespace, claim.GetName(), nil, func(r metav1.OwnerReference) bool { return r.UID == uid })
		}
	}
	if err == nil {
		err = ignoreNotFound(resource.Delete(ctx, live.GetName(), metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(uid))}))
	}
	o.Err = err
	return true
}
