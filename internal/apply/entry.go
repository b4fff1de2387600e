package apply

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// objectName names an object at the destination, in whatever version it is read or written.
type objectName struct {
	schema.GroupResource
	types.NamespacedName
}

// target is an object at the destination and how it is addressed.
type target struct {
	resource   schema.GroupVersionResource
	kind       string
	namespaced bool
	types.NamespacedName
}

func (t target) name() objectName {
	return objectName{GroupResource: t.resource.GroupResource(), NamespacedName: t.NamespacedName}
}

// String names the object in messages.
func (t target) String() string {
	if t.Namespace == "" {
		return t.kind + " " + t.Name
	}
	return t.kind + " " + t.NamespacedName.String()
}

// entry is an Item on its way.
type entry struct {
	item   *Item
	target target
	// wave of its kind, and turn, the wave that it is written in: that of its owner if that is later.
	wave, turn int
	// owners are those of the Item's owners that are in the plan too.
	owners []owner
	// needs must be done before this entry is written.
	needs []*entry
	// definition is the entry of the CustomResourceDefinition that defines the kind; nil if it is not in the plan.
	definition *entry
	// status that the Item came with; nil unless it is a custom resource.
	status any
	// hash of the Item, computed by whichever worker needs it first.
	hash string

	// unserved says that the destination did not serve the resource when it was read.
	unserved bool
	// live is what was found at the destination; nil if there is nothing.
	live *live
	// uid at the destination; empty as long as there is nothing.
	uid types.UID

	action Action
	err    error
	done   bool
}

// object is what the destination shall have; nil once the entry is done.
func (e *entry) object() *unstructured.Unstructured { return e.item.Object }

// index makes the entries of the items. Those that cannot be brought as they are, are done at once.
func (r *run) index(items []*Item) {
	for _, item := range items {
		if item == nil {
			continue
		}
		e := newEntry(item)
		r.entries = append(r.entries, e)
		if err := r.admit(e); err != nil {
			r.settle(e, "", err)
		}
	}
	r.linkOwners()
	r.linkDefinitions()
}

func newEntry(item *Item) *entry {
	wave := waveOf(item.Resource.GroupResource())
	e := &entry{item: item, wave: wave, turn: wave, target: target{
		resource: item.Resource, kind: item.SourceKind.Kind, namespaced: item.Namespaced, NamespacedName: item.Source,
	}}
	if item.Object != nil {
		e.target.kind = item.Object.GetKind()
		e.target.NamespacedName = types.NamespacedName{Namespace: item.Object.GetNamespace(), Name: item.Object.GetName()}
	}
	return e
}

// admit checks that the entry can be brought at all, and registers it.
func (r *run) admit(e *entry) error {
	switch {
	case e.item.Object == nil || e.item.Object.Object == nil:
		return errors.New("there is no object to bring")
	case e.target.Name == "" || e.target.kind == "" || e.item.Object.GetAPIVersion() == "":
		return errors.New("the object has no name, kind or apiVersion")
	case e.target.namespaced != (e.target.Namespace != ""):
		return fmt.Errorf("%s has a namespace although its kind has none, or none although it needs one", e.target)
	case r.byName[e.target.name()] != nil:
		return fmt.Errorf("another object of the same migration becomes %s too: only the first one is brought", e.target)
	}
	r.byName[e.target.name()] = e
	if e.target.namespaced {
		r.namespaces[e.target.Namespace] = true
	} else if e.wave == waveNamespaces {
		r.namespaces[e.target.Name] = true
	}
	e.status = tidy(e.item.Object)
	if e.wave != waveCustomResources {
		e.status = nil
	}
	return nil
}

// settle ends an entry and lets its object go.
func (r *run) settle(e *entry, action Action, err error) {
	e.action, e.err, e.done = action, err, true
	if err != nil {
		e.action = ""
	}
	e.item.Object, e.status = nil, nil
	e.live.release()
	r.counts.done(err != nil)
}

// linkDefinitions has each custom resource wait for the definition of its kind.
func (r *run) linkDefinitions() {
	definitions := map[schema.GroupResource]*entry{}
	for _, e := range r.entries {
		if e.wave == waveDefinitions && !e.done {
			definitions[definedResource(e.object())] = e
		}
	}
	for _, e := range r.entries {
		if definition := definitions[e.target.resource.GroupResource()]; definition != nil && !e.done && e.wave != waveDefinitions {
			e.definition = definition
			e.needs = append(e.needs, definition)
		}
	}
}

// provenanceOf returns the annotations that an object is written with.
func provenanceOf(p Provenance, hash string) map[string]any {
	return map[string]any{
		storkv1alpha1.AnnotationMigrated:           "true",
		storkv1alpha1.AnnotationMigrationName:      p.MigrationName,
		storkv1alpha1.AnnotationMigrationNamespace: p.MigrationNamespace,
		storkv1alpha1.AnnotationMigrationTime:      p.Time.UTC().Format(storkv1alpha1.TimeLayout),
		storkv1alpha1.AnnotationResourceHash:       hash,
	}
}

// stamped returns an object with these annotations and owners that shares all else with the one given.
func stamped(object *unstructured.Unstructured, provenance map[string]any, owners []metav1.OwnerReference) *unstructured.Unstructured {
	metadata := overlay(child(object.Object, "metadata"), nil)
	metadata["annotations"] = overlay(child(metadata, "annotations"), provenance)
	if len(owners) > 0 {
		metadata["ownerReferences"] = ownersAsJSON(owners)
	}
	return &unstructured.Unstructured{Object: overlay(object.Object, map[string]any{"metadata": metadata})}
}
