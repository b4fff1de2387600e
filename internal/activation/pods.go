package activation

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// maxOwners bounds a chain of owners, which may be a circle.
const maxOwners = 10

// Claims are the PersistentVolumeClaims that nothing may write to any more. The zero value is none.
type Claims struct {
	// Namespaces are where.
	Namespaces []string
	// Choose picks the claims. Nil picks none.
	Choose func(Kind, *unstructured.Unstructured) bool
	// Spare picks objects whose pods may go on. Nil spares none.
	Spare func(Kind, *unstructured.Unstructured) bool
}

// RemainingPods are pods that still run, as namespace/name.
type RemainingPods struct {
	// Owned are those of what was stopped.
	Owned []string
	// Mounting are others that use a claim. Nobody stops them.
	Mounting []string
}

// noteStopped notes what was stopped, and where, and returns the pods that custom resources name.
func (e *Engine) noteStopped(outcomes []Outcome, walk *ownerWalk, namespaces sets.Set[string]) map[types.NamespacedName]bool {
	named := map[types.NamespacedName]bool{}
	for _, o := range outcomes {
		if o.Object == nil || o.ConfigMap != "" || o.Step == StepSkip {
			continue
		}
		walk.stopped[o.Object.GetUID()] = true
		namespaces.Insert(o.Namespace)
		pods, _ := e.namedPods(o.Kind, o.Object) // Stopping has told of a status that cannot be read.
		for _, pod := range pods {
			named[types.NamespacedName{Namespace: o.Namespace, Name: pod}] = true
		}
	}
	return named
}

// RemainingPods returns the pods that still run for the objects of outcomes: those that they own, through whatever is in between, and
// those that custom resources name, and whatever else uses claims. Pods that have succeeded or failed run no more.
func (e *Engine) RemainingPods(ctx context.Context, outcomes []Outcome, claims Claims) (remaining RemainingPods, _ error) {
	walk := &ownerWalk{engine: e, stopped: map[types.UID]bool{}, owners: map[types.UID]*owner{}, spare: claims.Spare}
	namespaces := sets.New(claims.Namespaces...)
	named := e.noteStopped(outcomes, walk, namespaces)
	if len(namespaces) == 0 {
		return remaining, nil
	}
	used, err := e.chosenClaims(ctx, claims)
	if err != nil {
		return remaining, err
	}
	pods, err := e.list(ctx, podResource(), sets.List(namespaces), "")
	if err != nil {
		return remaining, fmt.Errorf("listing pods: %w", err)
	}
	for _, pod := range slices.DeleteFunc(pods, ended) {
		key := types.NamespacedName{Namespace: pod.GetNamespace(), Name: pod.GetName()}
		found, err := walk.up(ctx, pod.GetNamespace(), pod.GetOwnerReferences(), maxOwners)
		switch {
		case err != nil:
			return remaining, err
		case found.stopped, named[key]:
			remaining.Owned = append(remaining.Owned, key.String())
		case !found.spared && mounts(&pod, used):
			remaining.Mounting = append(remaining.Mounting, key.String())
		}
	}
	return remaining, nil
}

// chosenClaims lists the claims.
func (e *Engine) chosenClaims(ctx context.Context, claims Claims) (map[types.NamespacedName]bool, error) {
	if claims.Choose == nil || len(claims.Namespaces) == 0 {
		return nil, nil
	}
	kind := Kind{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"), Resource: claimResource()}
	list, err := e.list(ctx, kind.Resource, claims.Namespaces, "")
	if err != nil {
		return nil, fmt.Errorf("listing PersistentVolumeClaims: %w", err)
	}
	chosen := map[types.NamespacedName]bool{}
	for i := range list {
		if claims.Choose(kind, &list[i]) {
			chosen[types.NamespacedName{Namespace: list[i].GetNamespace(), Name: list[i].GetName()}] = true
		}
	}
	return chosen, nil
}

// mounts tells whether a pod uses one of the claims.
func mounts(pod *unstructured.Unstructured, claims map[types.NamespacedName]bool) bool {
	volumes, _, _ := unstructured.NestedSlice(pod.Object, "spec", "volumes")
	return slices.ContainsFunc(volumes, func(volume any) bool {
		fields, _ := volume.(map[string]any)
		name, _, _ := unstructured.NestedString(fields, "persistentVolumeClaim", "claimName")
		return claims[types.NamespacedName{Namespace: pod.GetNamespace(), Name: name}]
	})
}

func ended(pod unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
	return phase == string(corev1.PodSucceeded) || phase == string(corev1.PodFailed)
}

// ownerWalk goes up from pods to what was stopped, and reads each owner once.
type ownerWalk struct {
	engine  *Engine
	stopped map[types.UID]bool
	spare   func(Kind, *unstructured.Unstructured) bool
	owners  map[types.UID]*owner
}

// owner is what is known of an object that owns others. One that is gone, is in no namespace or may not be read has no owners as far as
// is known.
type owner struct {
	spared  bool
	parents []metav1.OwnerReference
}

// ownership tells whether something was stopped by way of what owns it, or its owner is to be spared.
type ownership struct{ stopped, spared bool }

func (w *ownerWalk) up(ctx context.Context, namespace string, owners []metav1.OwnerReference, left int) (all ownership, _ error) {
	for _, reference := range owners {
		if w.stopped[reference.UID] {
			all.stopped = true
			return all, nil
		}
		if left == 0 {
			continue
		}
		read, err := w.read(ctx, namespace, reference)
		if err != nil {
			return all, err
		}
		above, err := w.up(ctx, namespace, read.parents, left-1)
		if err != nil {
			return all, err
		}
		all.stopped = all.stopped || above.stopped
		all.spared = all.spared || read.spared || above.spared
	}
	return all, nil
}

// read reads an owner.
func (w *ownerWalk) read(ctx context.Context, namespace string, reference metav1.OwnerReference) (*owner, error) {
	if known := w.owners[reference.UID]; known != nil {
		return known, nil
	}
	found := &owner{}
	gv, err := schema.ParseGroupVersion(reference.APIVersion)
	if err != nil {
		return found, nil //nolint:nilerr // Whoever wrote that, it is no object.
	}
	versions := w.engine.served[gv.WithKind(reference.Kind).GroupKind()]
	if len(versions) == 0 {
		return found, nil
	}
	object, err := w.engine.cluster.Dynamic.Resource(versions[0].Resource).Namespace(namespace).Get(ctx, reference.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
	case err != nil:
		return nil, fmt.Errorf("reading %s %s/%s, which owns pods: %w", reference.Kind, namespace, reference.Name, err)
	case object.GetUID() == reference.UID:
		found.parents = object.GetOwnerReferences()
		found.spared = w.spare != nil && w.spare(versions[0], object)
	}
	w.owners[reference.UID] = found
	return found, nil
}
