package apply

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

// goneTimeout bounds the wait for an object to go.
const goneTimeout = 30 * time.Second

// recreation is the policy for a kind whose objects may be deleted and created again when a field that cannot be changed differs.
type recreation struct {
	// refuse returns why this very object must stay; empty if it may go. Nil refuses none.
	refuse func(live *unstructured.Unstructured) string
	// orphan keeps what belongs to the object.
	orphan bool
	// oursOnly spares objects that no migration brought.
	oursOnly bool
}

// recreations are the kinds that may be deleted and created again; no other kind is. A PersistentVolume, PersistentVolumeClaim or
// Namespace would take data along, a CustomResourceDefinition all its objects, a Service its address, and what a custom resource
// would take along only its operator knows.
//
//   - Bindings hold nothing but what is written again at once.
//   - Immutable ConfigMaps and Secrets, and Secrets of another type: pods that mounted them keep what they have.
//   - What runs pods, as long as it runs none: at a standby site that is always so. A StatefulSet leaves its claims behind, which
//     it might own.
//   - Classes that a migration brought: objects refer to them by name.
var recreations = map[schema.GroupResource]recreation{
	{Group: "rbac.authorization.k8s.io", Resource: "rolebindings"}: {},
	bindingResource:                                                {oursOnly: true},
	{Resource: "configmaps"}:                                       {},
	{Resource: "secrets"}:                                          {},
	{Group: "batch", Resource: "jobs"}:                             {refuse: hasActivePods},
	{Group: "apps", Resource: "deployments"}:                       {refuse: hasReplicas},
	{Group: "apps", Resource: "replicasets"}:                       {refuse: hasReplicas},
	{Group: "apps", Resource: "statefulsets"}:                      {refuse: hasReplicas, orphan: true},
	{Group: "apps", Resource: "daemonsets"}:                        {refuse: hasScheduledPods},
	{Group: "storage.k8s.io", Resource: "storageclasses"}:          {oursOnly: true},
	{Group: "scheduling.k8s.io", Resource: "priorityclasses"}:      {oursOnly: true},
	{Group: "networking.k8s.io", Resource: "ingressclasses"}:       {oursOnly: true},
	{Group: "node.k8s.io", Resource: "runtimeclasses"}:             {oursOnly: true},
	{Group: "storage.k8s.io", Resource: "volumeattributesclasses"}: {oursOnly: true},
}

const runsPods = "it runs pods at the destination: scale it to zero or delete it there, then run again"

func hasReplicas(live *unstructured.Unstructured) string {
	if replicas, found, _ := unstructured.NestedInt64(live.Object, "spec", "replicas"); found && replicas == 0 {
		return ""
	}
	return runsPods
}

func hasActivePods(live *unstructured.Unstructured) string {
	return refuseIfAny(live, "active")
}

func hasScheduledPods(live *unstructured.Unstructured) string {
	return refuseIfAny(live, "currentNumberScheduled")
}

func refuseIfAny(live *unstructured.Unstructured, count string) string {
	if pods, _, _ := unstructured.NestedInt64(live.Object, "status", count); pods > 0 {
		return runsPods
	}
	return ""
}

// isImmutable tells whether a write was refused because it changes what cannot be changed.
func isImmutable(err error) bool {
	if !apierrors.IsInvalid(err) {
		return false
	}
	message := strings.ToLower(err.Error())
	for _, phrase := range []string{"immutable", "may not be changed", "may not change", "cannot change", "updates to "} {
		if strings.Contains(message, phrase) {
			return true
		}
	}
	return false
}

// recreate deletes the object at the destination and creates it again as given. It first has the server check, by a dry run under
// another name, that it would take the new one.
func (r *run) recreate(ctx context.Context, e *entry, object *unstructured.Unstructured, cause error) (Action, error) {
	current, err := r.destination.get(ctx, e.target)
	if err != nil {
		return "", e.failure("reading again", err)
	}
	if current == nil || current.GetUID() != e.live.uid {
		return "", staleError{cause}
	}
	policy, allowed := recreations[e.target.resource.GroupResource()]
	if !allowed || policy.oursOnly && !e.live.ours {
		return "", fmt.Errorf("%w; delete it at the destination to have it created anew, or leave it out of the migration", e.failure("updating", cause))
	}
	if policy.refuse != nil {
		if reason := policy.refuse(current); reason != "" {
			return "", fmt.Errorf("%w; %s", e.failure("updating", cause), reason)
		}
	}
	if err := r.rehearse(ctx, e, object); err != nil {
		return "", err
	}
	if err := r.remove(ctx, e, current, policy.orphan); err != nil {
		return "", err
	}
	created, err := r.createObject(ctx, e, withoutIdentity(object))
	if err != nil {
		return "", e.failure("deleted what could not be updated, but failed in creating", err)
	}
	r.arrived(ctx, e, created)
	return ActionRecreated, nil
}

func (r *run) rehearse(ctx context.Context, e *entry, object *unstructured.Unstructured) error {
	rehearsed := withoutIdentity(object)
	rehearsed.SetName("")
	rehearsed.SetGenerateName(e.target.Name[:min(len(e.target.Name), 40)] + "-")
	_, err := r.destination.create(ctx, e.target, rehearsed, true)
	if err != nil && !isUnrehearsable(err) {
		return e.failure("it has to be deleted and created again, but the destination would refuse", err)
	}
	return nil
}

// isUnrehearsable tells whether a webhook lets nothing pass that is a dry run.
func isUnrehearsable(err error) bool {
	return apierrors.IsBadRequest(err) && strings.Contains(err.Error(), "does not support dry run")
}

// withoutIdentity returns the object as a new one. A merged object has what the server set.
func withoutIdentity(object *unstructured.Unstructured) *unstructured.Unstructured {
	metadata := without(child(object.Object, "metadata"), "uid", "resourceVersion", "generation", "creationTimestamp")
	return &unstructured.Unstructured{Object: overlay(object.Object, map[string]any{"metadata": metadata})}
}

// remove deletes what was found at the destination and waits until it is gone. Finalizers are left to those who set them.
func (r *run) remove(ctx context.Context, e *entry, current *unstructured.Unstructured, orphan bool) error {
	propagation := metav1.DeletePropagationBackground
	if orphan {
		propagation = metav1.DeletePropagationOrphan
	}
	err := r.destination.delete(ctx, e.target, propagation, metav1.Preconditions{
		UID: new(current.GetUID()), ResourceVersion: new(current.GetResourceVersion()),
	})
	switch {
	case apierrors.IsConflict(err):
		return staleError{err}
	case err != nil && !apierrors.IsNotFound(err):
		return e.failure("deleting", err)
	}
	return r.awaitGone(ctx, e, goneTimeout)
}

// awaitLeaving waits for an object that was told to go before the run. All such objects together get the time of one, since there
// may be thousands that never go.
func (r *run) awaitLeaving(ctx context.Context, e *entry) error {
	return r.awaitGone(ctx, e, max(r.leaving.left(r.options.Clock), time.Second))
}

// patience is a time limit that many waits share. It runs from the first one.
type patience struct {
	mu  sync.Mutex
	end time.Time
}

func (p *patience) left(c clock.PassiveClock) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := c.Now()
	if p.end.IsZero() {
		p.end = now.Add(goneTimeout)
	}
	return p.end.Sub(now)
}

// awaitGone waits until an object that is being deleted is gone.
func (r *run) awaitGone(ctx context.Context, e *entry, limit time.Duration) error {
	uid := e.live.uid
	isGone := func(object *unstructured.Unstructured) bool { return object == nil || object.GetUID() != uid }
	bounded, cancel := withLimit(ctx, r.options.Clock, limit)
	defer cancel()
	last, err := r.destination.await(bounded, e.target, isGone)
	if bounded.Err() != nil && ctx.Err() == nil {
		last, err = r.destination.get(ctx, e.target) // The last look.
	}
	switch {
	case err != nil:
		return e.failure("waiting for the deletion of", err)
	case !isGone(last):
		return fmt.Errorf("%s is being deleted at the destination, and still there; finalizers %q: run again when it is gone", e.target, last.GetFinalizers())
	case last != nil:
		return staleError{apierrors.NewAlreadyExists(e.target.resource.GroupResource(), e.target.Name)}
	default:
		e.live, e.uid = nil, ""
		return nil
	}
}
