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

// RemainingPods returns the pods, as namespace/name, that still run for the objects of outcomes: those that they own, through
// whatever is in between, and those that custom resources name. Pods that have succeeded or failed run no more.
func (e *Engine) RemainingPods(ctx context.Context, outcomes []Outcome) (remaining []string, _ error) {
	walk := &ownerWalk{engine: e, stopped: map[types.UID]bool{}, parents: map[types.UID][]metav1.OwnerReference{}}
	named, namespaces := map[types.NamespacedName]bool{}, sets.New[string]()
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
	if len(namespaces) == 0 {
		return nil, nil
	}
	pods, err := e.list(ctx, podResource(), sets.List(namespaces), "")
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	for _, pod := range slices.DeleteFunc(pods, ended) {
		key := types.NamespacedName{Namespace: pod.GetNamespace(), Name: pod.GetName()}
		owned, err := walk.leadsToStopped(ctx, pod.GetNamespace(), pod.GetOwnerReferences(), maxOwners)
		if err != nil {
			return nil, err
		}
		if owned || named[key] {
			remaining = append(remaining, key.String())
		}
	}
	return remaining, nil
}

func ended(pod unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
	return phase == string(corev1.PodSucceeded) || phase == string(corev1.PodFailed)
}

// ownerWalk goes up from pods to what was stopped, and reads each owner once.
type ownerWalk struct {
	engine  *Engine
	stopped map[types.UID]bool
	parents map[types.UID][]metav1.OwnerReference
}

func (w *ownerWalk) leadsToStopped(ctx context.Context, namespace string, owners []metav1.OwnerReference, left int) (bool, error) {
	for _, owner := range owners {
		if w.stopped[owner.UID] {
			return true, nil
		}
		if left == 0 {
			continue
		}
		parents, err := w.read(ctx, namespace, owner)
		if err != nil {
			return false, err
		}
		if found, err := w.leadsToStopped(ctx, namespace, parents, left-1); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// read returns the owners of an owner. What is gone, is in no namespace or may not be read has none as far as is known.
func (w *ownerWalk) read(ctx context.Context, namespace string, owner metav1.OwnerReference) ([]metav1.OwnerReference, error) {
	if parents, known := w.parents[owner.UID]; known {
		return parents, nil
	}
	gv, err := schema.ParseGroupVersion(owner.APIVersion)
	if err != nil {
		return nil, nil //nolint:nilerr // Whoever wrote that, it is no object.
	}
	kind := gv.WithKind(owner.Kind)
	versions := w.engine.served[kind.GroupKind()]
	if len(versions) == 0 {
		return nil, nil
	}
	object, err := w.engine.cluster.Dynamic.Resource(versions[0].Resource).Namespace(namespace).Get(ctx, owner.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		w.parents[owner.UID] = nil
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s %s/%s, which owns pods: %w", owner.Kind, namespace, owner.Name, err)
	}
	var parents []metav1.OwnerReference
	if object.GetUID() == owner.UID {
		parents = object.GetOwnerReferences()
	}
	w.parents[owner.UID] = parents
	return parents, nil
}
