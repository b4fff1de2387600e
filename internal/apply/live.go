package apply

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	// parallelReads bounds the LISTs under way, each of which holds a page in memory.
	parallelReads = 8
	// fewInCluster objects of a cluster-scoped kind are read one by one. A GET costs the server about as much as 20 objects of a
	// LIST, and clusters have hundreds of ClusterRoles, of which a migration brings a few.
	fewInCluster = 8
	// fewInNamespace is that number for kinds in a namespace, which the migration brings most objects of.
	fewInNamespace = 1
)

// live is what is kept of an object at the destination: what decides about how its entry is written.
type live struct {
	uid             types.UID
	resourceVersion string
	// deleting objects have been told to go.
	deleting bool
	// ours says that a migration brought it.
	ours bool
	// sameHash says that what was applied last is what would be applied now.
	sameHash bool
	// difference is the path of the first field of the Item that it does not have; empty if it has all.
	difference string
	owners     []types.UID
	// provenance are the annotations that tell which migration wrote the object last.
	provenance map[string]any
	// content is the fingerprint of all that an apply may change, if it may turn out to change nothing.
	content uint64
	// handover is the patch that makes fields of earlier creations and updates those of server-side apply; nil if there are none.
	handover []byte
	// volume that a claim is bound to.
	volume any
	// object is all of it but managedFields and resourceVersion, for kinds that are merged.
	object *unstructured.Unstructured
}

// hasOwners tells whether the object has all these owners.
func (l *live) hasOwners(references []metav1.OwnerReference) bool {
	for _, reference := range references {
		if !slices.Contains(l.owners, reference.UID) {
			return false
		}
	}
	return true
}

// provenanceIn returns those of the annotations that tell which migration wrote the object last.
func provenanceIn(annotations map[string]any) map[string]any {
	provenance := map[string]any{}
	for _, key := range provenanceKeys {
		if value, found := annotations[key]; found {
			provenance[key] = value
		}
	}
	return provenance
}

// mostKept bounds, in bytes, what is kept of an object's metadata as long as all objects are: a server may answer with anything.
const mostKept = 8 << 10

var errNoMetadata = errors.New("the destination answers with metadata that no API server gives: is it one?")

// checkSize refuses an object of which too much would be kept.
func (l *live) checkSize() error {
	size := len(l.uid) + len(l.resourceVersion)
	for _, value := range l.provenance {
		text, _ := value.(string)
		size += len(text)
	}
	if size > mostKept {
		return errNoMetadata
	}
	return nil
}

// release lets go what only a write needs.
func (l *live) release() {
	if l != nil {
		l.object, l.handover, l.provenance = nil, nil, nil
	}
}

// scope is what one LIST reads.
type scope struct {
	resource  schema.GroupVersionResource
	namespace string
}

// read looks up what the destination has of the plan's objects, and ends the entries that are as they should be.
func (r *run) read(ctx context.Context) {
	scopes := map[scope][]*entry{}
	for _, e := range r.entries {
		if !e.done {
			key := scope{e.target.resource, e.target.Namespace}
			scopes[key] = append(scopes[key], e)
		}
	}
	var reads []func()
	for scope, entries := range scopes {
		if !r.readsOneByOne(scope, entries) {
			reads = append(reads, func() { r.readScope(ctx, scope, entries) })
			continue
		}
		for _, e := range entries {
			reads = append(reads, func() { r.readOne(ctx, e) })
		}
	}
	inParallel(parallelReads, reads, func(read func()) { read() })
}

func (r *run) readsOneByOne(s scope, entries []*entry) bool {
	switch {
	case entries[0].wave == waveDefinitions:
		return true // A cluster may have a thousand, of hundreds of kilobytes each.
	case s.namespace == "":
		return len(entries) <= fewInCluster
	default:
		return len(entries) <= fewInNamespace && !r.purge.wants(s)
	}
}

func (r *run) readOne(ctx context.Context, e *entry) {
	object, err := r.destination.get(ctx, e.target)
	switch {
	case err != nil:
		r.unread(ctx, []*entry{e}, err)
	case object != nil:
		r.meet(e, object)
	}
}

func (r *run) readScope(ctx context.Context, s scope, entries []*entry) {
	byName := make(map[string]*entry, len(entries))
	for _, e := range entries {
		byName[e.target.Name] = e
	}
	purging := r.purge.wants(s)
	err := r.destination.list(ctx, s.resource, s.namespace, "", func(object *unstructured.Unstructured) {
		if e := byName[object.GetName()]; e != nil {
			if !e.done {
				r.meet(e, object)
			}
		} else if purging {
			r.purge.consider(s, object)
		}
	})
	switch {
	case err != nil:
		r.unread(ctx, entries, err)
		if purging && !isUnserved(err) && ctx.Err() == nil {
			r.purge.giveUp(s, err)
		}
	case purging:
		r.purge.markSeen(s)
	}
}

// unread deals with entries whose state at the destination is unknown.
func (r *run) unread(ctx context.Context, entries []*entry, err error) {
	for _, e := range entries {
		switch {
		case e.done || ctx.Err() != nil:
		case isUnserved(err):
			e.unserved = true
		default:
			r.settle(e, "", e.failure("reading what the destination has of", err))
		}
	}
}

// meet compares an entry with what was found of it, and ends it if it is as it should be.
func (r *run) meet(e *entry, object *unstructured.Unstructured) {
	if err := r.judge(e, object); err != nil {
		r.settle(e, "", err)
		return
	}
	// What becomes of a volume depends on its claim, which may not have been read yet.
	if e.live.deleting || len(e.owners) > 0 || e.wave == waveVolumes || !r.unchanged(e) {
		return
	}
	r.settle(e, ActionUnchanged, nil)
}

// judge keeps of what was found what decides about the entry.
func (r *run) judge(e *entry, object *unstructured.Unstructured) error {
	if err := e.computeHash(); err != nil {
		return err
	}
	annotations := child(child(object.Object, "metadata"), "annotations")
	l := &live{
		uid:             object.GetUID(),
		resourceVersion: object.GetResourceVersion(),
		deleting:        object.GetDeletionTimestamp() != nil,
		ours:            annotations[storkv1alpha1.AnnotationMigrated] == "true",
		sameHash:        annotations[storkv1alpha1.AnnotationResourceHash] == e.hash,
		provenance:      provenanceIn(annotations),
	}
	if err := l.checkSize(); err != nil {
		return e.failure("reading what the destination has of", err)
	}
	e.live, e.uid = l, l.uid
	if e.merger() != nil {
		object.SetManagedFields(nil)
		object.SetResourceVersion("")
		l.object, l.volume = object, child(object.Object, "spec")["volumeName"]
	} else {
		if e.wave == waveDefinitions {
			keepStoredVersions(e.object(), object)
		}
		keepInjected(e.object(), object)
		var same bool
		if l.difference, same = difference(e.comparable().Object, object.Object); same && l.sameHash && len(e.owners) == 0 {
			return nil // The usual case. All that follows is for a write.
		}
	}
	for _, owner := range object.GetOwnerReferences() {
		l.owners = append(l.owners, owner.UID)
	}
	if l.object != nil || l.deleting {
		return nil
	}
	return r.judgeForApply(e, object)
}

// judgeForApply keeps what an apply needs to know.
func (r *run) judgeForApply(e *entry, object *unstructured.Unstructured) (err error) {
	if e.live.sameHash {
		e.live.content = fingerprint(object)
	}
	if e.live.handover, err = r.handover(object, e.live.ours); err != nil {
		return e.failure("reading who set the fields of", err)
	}
	return nil
}

// unchanged tells whether nothing has to be written, whoever owns the object.
func (r *run) unchanged(e *entry) bool {
	switch {
	case e.merger() != nil:
		merged, err := e.merger()(r, e)
		return err == nil && e.isMerged(merged)
	case r.guarded(e):
		return e.live.difference == ""
	default:
		return e.live.sameHash && e.live.difference == ""
	}
}

// guarded tells whether the object at the destination is somebody else's, and used by more than the namespaces that are migrated.
func (r *run) guarded(e *entry) bool {
	return !e.target.namespaced && !e.live.ours && e.merger() == nil
}

// comparable returns what must be found at the destination.
func (e *entry) comparable() *unstructured.Unstructured {
	if e.live.sameHash && e.target.resource.GroupResource() == serviceResource {
		// A port of the nodes that was taken when the Service was created is another one ever since.
		return withoutNodePorts(e.object())
	}
	return e.object()
}

func (e *entry) computeHash() (err error) {
	if e.hash == "" {
		e.hash, err = contentHash(withoutInjected(e.object()).Object, e.owners)
	}
	return err
}

// handover returns the patch that makes the fields which this manager set by creating and updating the object, and those which Stork
// set if it brought the object, fields that the manager applies; nil if there are none.
func (r *run) handover(object *unstructured.Unstructured, ours bool) ([]byte, error) {
	managers := sets.New(r.options.FieldManager)
	if ours {
		// The second is what the server calls Stork where it sends no user agent of its own.
		managers.Insert("stork", "Go-http-client")
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(object, managers, r.options.FieldManager)
	if err != nil {
		return nil, fmt.Errorf("its managedFields: %w", err)
	}
	return patch, nil
}

// fingerprint returns a hash of the object without what every write changes.
func fingerprint(object *unstructured.Unstructured) uint64 {
	metadata := overlay(child(object.Object, "metadata"), nil)
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		delete(metadata, field)
	}
	hash := fnv.New64a()
	content, err := (&unstructured.Unstructured{Object: overlay(object.Object, map[string]any{"metadata": metadata, "status": nil})}).MarshalJSON()
	if err != nil {
		return 0 // It came as JSON.
	}
	_, _ = hash.Write(content)
	return hash.Sum64()
}
