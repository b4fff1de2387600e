package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// maxRounds of reading an object again because somebody else changed it in the meantime.
	maxRounds = 6
	// roundPause is between two rounds, but for the first, since most conflicts are over at once.
	roundPause = 500 * time.Millisecond
)

// staleError says that the object is not what it was when it was read.
type staleError struct{ error }

func (e staleError) Unwrap() error { return e.error }

func (r *run) writeAll(ctx context.Context) {
	newScheduler(r.entries, r.options.ServiceWorkers).run(ctx, r.options.Workers, r.write)
}

// write brings an entry and ends it, at once or by the wait that it returns.
func (r *run) write(ctx context.Context, e *entry) (wait func(context.Context)) {
	action, err := r.bring(ctx, e)
	if err == nil && e.wave == waveDefinitions && action != ActionUnchanged && action != ActionSkipped {
		return func(ctx context.Context) { r.settle(e, action, r.awaitServed(ctx, e)) }
	}
	r.settle(e, action, err)
	return nil
}

// bring writes what has to be written, and looks again where somebody else was faster.
func (r *run) bring(ctx context.Context, e *entry) (Action, error) {
	if err := e.computeHash(); err != nil {
		return "", err
	}
	if err := e.checkServed(); err != nil {
		return "", err
	}
	if err := r.checkVolume(e); err != nil {
		return "", err
	}
	var err error
	for round := range maxRounds {
		if round > 1 && !pause(ctx, r.options.Clock, jittered(roundPause)) {
			return "", context.Cause(ctx)
		}
		var action Action
		if action, err = r.bringOnce(ctx, e); err == nil {
			return action, nil
		}
		if _, stale := errors.AsType[staleError](err); !stale {
			return "", err
		}
		if err := r.readAgain(ctx, e); err != nil {
			return "", err
		}
		if !r.wroteThis(e) {
			continue
		}
		if apierrors.IsAlreadyExists(err) {
			return ActionCreated, nil
		}
		return ActionUpdated, nil
	}
	return "", e.failure("somebody else keeps changing", err)
}

func (r *run) readAgain(ctx context.Context, e *entry) error {
	object, err := r.destination.get(ctx, e.target)
	e.live, e.uid = nil, ""
	switch {
	case isUnserved(err) && e.definition != nil:
		return nil // Another one of several API servers does not serve it yet.
	case err != nil:
		return e.failure("reading again", err)
	case object == nil:
		return nil
	default:
		return r.judge(e, object)
	}
}

// wroteThis tells whether the object is what this run wrote, by a request whose answer was lost.
func (r *run) wroteThis(e *entry) bool {
	if e.live == nil || !e.live.sameHash {
		return false
	}
	return maps.Equal(e.live.provenance, provenanceOf(r.provenance, e.hash))
}

func (r *run) bringOnce(ctx context.Context, e *entry) (Action, error) {
	switch {
	case e.live == nil:
		return r.create(ctx, e)
	case e.live.deleting:
		if err := r.awaitLeaving(ctx, e); err != nil {
			return "", err
		}
		return r.create(ctx, e)
	case e.merger() != nil:
		return r.merge(ctx, e)
	case r.guarded(e) && e.live.difference != "":
		r.notices.add(fmt.Sprintf("%ss that no migration brought are at the destination with another %s: they were left as they are; "+
			"to have them overwritten, annotate them there with stork.libopenstorage.org/migrated=true", e.target.kind, e.live.difference), e.target)
		return ActionSkipped, nil
	default:
		return r.update(ctx, e)
	}
}

func (r *run) create(ctx context.Context, e *entry) (Action, error) {
	created, err := r.createObject(ctx, e, r.newObject(e))
	switch {
	case err == nil:
		r.arrived(ctx, e, created)
		return ActionCreated, nil
	case apierrors.IsAlreadyExists(err), isUnserved(err) && e.definition != nil:
		return "", staleError{err}
	default:
		return "", e.failure("creating", err)
	}
}

// newObject returns what is sent to create the entry's object.
func (r *run) newObject(e *entry) *unstructured.Unstructured {
	provenance := provenanceOf(r.provenance, e.hash)
	if e.target.resource.GroupResource() == bindingResource {
		provenance[annotationSubjects] = recordSubjects(subjectsOf(e.object()))
	}
	object := stamped(e.object(), provenance, r.ownerReferences(e))
	if e.status != nil {
		object.Object["status"] = e.status
	}
	if e.wave == waveVolumes {
		r.claimFor(object)
	}
	return object
}

// createObject has the server choose ports of the nodes where those at the source are taken.
func (r *run) createObject(ctx context.Context, e *entry, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	created, err := r.destination.create(ctx, e.target, object, false)
	if isPortTaken(err) {
		r.notices.add("Services got other node ports than at the source, because those are taken at the destination", e.target)
		return r.destination.create(ctx, e.target, withoutNodePorts(object), false)
	}
	return created, err
}

// arrived notes what became of an object that was created.
func (r *run) arrived(ctx context.Context, e *entry, created *unstructured.Unstructured) {
	e.uid = created.GetUID()
	r.tellOverruled(e, created)
	if e.status != nil && created.Object["status"] == nil {
		r.restoreStatus(ctx, e)
	}
}

// tellOverruled tells what a webhook or another schema made of an object that was written.
func (r *run) tellOverruled(e *entry, written *unstructured.Unstructured) {
	wanted := e.object()
	if e.target.resource.GroupResource() == serviceResource {
		wanted = withoutNodePorts(wanted)
	}
	if path, same := difference(wanted.Object, written.Object); !same {
		r.notices.add(fmt.Sprintf("the destination dropped or changed %s of %ss", path, e.target.kind), e.target)
	}
}

// restoreStatus writes the status that a custom resource came with, because the server does not take it along with a creation.
func (r *run) restoreStatus(ctx context.Context, e *entry) {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": e.object().GetAPIVersion(), "kind": e.target.kind,
		"metadata": map[string]any{"name": e.target.Name, "namespace": e.target.Namespace}, "status": e.status,
	}}
	if _, err := r.destination.apply(ctx, e.target, object, "status"); err != nil {
		r.notices.add(fmt.Sprintf("the status of %ss could not be brought", e.target.kind), e.target)
	}
}

// update makes an object that is there as it should be.
func (r *run) update(ctx context.Context, e *entry) (Action, error) {
	owners := r.ownerReferences(e)
	if r.unchanged(e) && e.live.hasOwners(owners) {
		return ActionUnchanged, nil
	}
	provenance := provenanceOf(r.provenance, e.hash)
	if e.live.sameHash && e.live.hasOwners(owners) {
		return r.repair(ctx, e, provenance, owners)
	}
	if e.live.handover != nil {
		handedOver, err := r.destination.patch(ctx, e.target, types.JSONPatchType, e.live.handover)
		if err != nil {
			return r.refused(ctx, e, err)
		}
		e.live.resourceVersion = handedOver.GetResourceVersion()
	}
	applied, err := r.apply(ctx, e, provenance, owners)
	if err != nil {
		return r.refused(ctx, e, err)
	}
	r.tellOverruled(e, applied)
	if !e.live.ours {
		r.notices.add(fmt.Sprintf("%ss were at the destination that no migration had brought: they were overwritten, but for what only others set", e.target.kind), e.target)
	}
	return ActionUpdated, nil
}

// repair applies what was applied before, since it is not there any more. The old provenance goes with it, so that the server can
// find that nothing changes, which is so where a webhook overrules the object each time.
func (r *run) repair(ctx context.Context, e *entry, provenance map[string]any, owners []metav1.OwnerReference) (Action, error) {
	applied, err := r.apply(ctx, e, e.live.provenance, owners)
	if err != nil {
		return r.refused(ctx, e, err)
	}
	r.tellOverruled(e, applied)
	if fingerprint(applied) == e.live.content {
		return ActionUnchanged, nil
	}
	if _, err := r.apply(ctx, e, provenance, owners); err != nil {
		return r.refused(ctx, e, err)
	}
	return ActionUpdated, nil
}

// apply applies an object if it is still what was read: another operator may have brought a newer edition since, which took this one
// for dead.
func (r *run) apply(ctx context.Context, e *entry, provenance map[string]any, owners []metav1.OwnerReference) (*unstructured.Unstructured, error) {
	object := stamped(e.comparable(), provenance, owners)
	object.SetUID(e.live.uid) // It must not come into being by this.
	object.SetResourceVersion(e.live.resourceVersion)
	applied, err := r.destination.apply(ctx, e.target, object)
	if isPortTaken(err) {
		r.notices.add("Services keep their node ports at the destination, because those of the source are taken there", e.target)
		applied, err = r.destination.apply(ctx, e.target, withoutNodePorts(object))
	}
	if err != nil && (isUntypable(err) || apierrors.IsUnsupportedMediaType(err)) {
		applied, err = r.replace(ctx, e, object)
	}
	if err == nil {
		e.live.resourceVersion = applied.GetResourceVersion()
	}
	return applied, err
}

// replace updates an object that cannot be applied: all of it but the labels, annotations, finalizers and owners that it has beyond.
func (r *run) replace(ctx context.Context, e *entry, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	current, err := r.destination.get(ctx, e.target)
	if err != nil {
		return nil, err
	}
	if current == nil || current.GetUID() != e.live.uid {
		return nil, apierrors.NewConflict(e.target.resource.GroupResource(), e.target.Name, errors.New("it was deleted in the meantime"))
	}
	metadata := child(current.Object, "metadata")
	mergeMetadata(metadata, child(object.Object, "metadata"), nil)
	if owners, found := child(object.Object, "metadata")["ownerReferences"]; found {
		metadata["ownerReferences"] = owners
	}
	return r.destination.update(ctx, e.target, &unstructured.Unstructured{Object: overlay(object.Object, map[string]any{"metadata": metadata})})
}

// refused deals with a write that failed: with what has changed in the meantime, and with what cannot be changed.
func (r *run) refused(ctx context.Context, e *entry, err error) (Action, error) {
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return "", staleError{err}
	case isImmutable(err):
		return r.recreate(ctx, e, r.newObject(e), err)
	default:
		return "", e.failure("updating", err)
	}
}

var serviceResource = schema.GroupResource{Resource: "services"}

func isPortTaken(err error) bool {
	return apierrors.IsInvalid(err) && strings.Contains(err.Error(), "provided port is already allocated")
}

// withoutNodePorts returns a Service whose ports of the nodes the server chooses.
func withoutNodePorts(service *unstructured.Unstructured) *unstructured.Unstructured {
	spec := overlay(child(service.Object, "spec"), nil)
	delete(spec, "healthCheckNodePort")
	ports, _ := spec["ports"].([]any)
	chosen := make([]any, 0, len(ports))
	for _, port := range ports {
		if fields, isObject := port.(map[string]any); isObject {
			port = overlay(fields, nil)
			delete(port.(map[string]any), "nodePort")
		}
		chosen = append(chosen, port)
	}
	if len(ports) > 0 {
		spec["ports"] = chosen
	}
	return &unstructured.Unstructured{Object: overlay(service.Object, map[string]any{"spec": spec})}
}
