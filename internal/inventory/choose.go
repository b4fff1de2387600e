package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// choose judges everything that was read: by each kind's rule, then the classes by what refers to them, then by owners, and last
// the definitions by the custom resources that are left.
func (r *run) choose() *Set {
	set := &Set{}
	f := r.learn()
	selected := r.judged(false, f, set)
	for _, object := range selected {
		f.learnReferences(object.Unstructured)
	}
	selected = append(selected, r.judged(true, f, set)...)
	set.Objects = r.withoutOwned(selected)
	if r.allNamespaces.collected {
		set.Objects = append(set.Objects, r.allNamespaces.objects...)
	}
	if r.customDefinitions != nil && r.customDefinitions.collected {
		set.Objects = append(set.Objects, r.neededDefinitions(set.Objects)...)
	}
	r.describe(set)
	return set
}

// learn gathers the facts from all objects, selected or not.
func (r *run) learn() *facts {
	f := newFacts(sets.KeySet(r.namespaces), r.selector)
	f.addresses = r.request.IncludeNetworkPolicyWithCIDR
	for _, resource := range r.Source.Resources {
		if r.excluded.Has(resource.GroupResource) {
			f.excluded.Insert(resource.GroupKind())
		}
	}
	for _, k := range r.reads {
		_, custom := r.definitions[k.Resource.GroupResource()]
		for _, object := range k.objects {
			if k.learn != nil {
				k.learn(f, object.Unstructured)
			}
			if custom {
				f.customResources.Insert(identity{GroupKind: k.Kind.Kind.GroupKind(), NamespacedName: nameOf(object.Unstructured)})
			}
		}
	}
	return f
}

// judged returns the objects of the late kinds, or of all others, that their rules keep.
func (r *run) judged(late bool, f *facts, set *Set) []*Object {
	var kept []*Object
	for _, k := range r.reads {
		if k.late != late || !k.collected {
			continue
		}
		for _, object := range k.objects {
			verdict := judge(k.handling, object.Unstructured, f)
			switch {
			case verdict.kept:
				kept = append(kept, object)
			case verdict.reason != "":
				set.Skipped = append(set.Skipped, Skipped{Kind: k.Kind.Kind, NamespacedName: nameOf(object.Unstructured), Reason: verdict.reason})
			}
		}
	}
	return kept
}

// withoutOwned applies the rule of owners, and drops what was read twice because two kinds serve the same objects.
func (r *run) withoutOwned(selected []*Object) []*Object {
	owners := r.owners(selected)
	var kept []*Object
	seen := sets.New[types.UID]()
	for _, object := range selected {
		if object.UID != "" && seen.Has(object.UID) {
			continue
		}
		seen.Insert(object.UID)
		if !goesWithOwner(object, knownKinds[object.Kind.Kind.GroupKind()].ownedGoes, owners, r.request.IgnoreOwnerReferences) {
			kept = append(kept, object)
		}
	}
	return kept
}

func (r *run) owners(selected []*Object) owners {
	known := owners{selected: sets.New[types.UID](), complete: sets.New[schema.GroupKind](), alive: sets.New[types.UID]()}
	for _, object := range selected {
		known.selected.Insert(object.UID)
	}
	for _, k := range r.reads {
		if k.incomplete || r.options(k).LabelSelector != "" {
			continue
		}
		known.complete.Insert(k.Kind.Kind.GroupKind())
		for _, object := range k.objects {
			if !deleting(object.Unstructured) {
				known.alive.Insert(object.UID)
			}
		}
	}
	return known
}

func (r *run) neededDefinitions(objects []*Object) []*Object {
	groups := sets.New[string]()
	for _, object := range objects {
		resource := object.Kind.Resource.GroupResource()
		if _, custom := r.definitions[resource]; custom {
			groups.Insert(resource.Group)
		}
	}
	var needed []*Object
	for _, d := range r.definitions.neededBy(groups) {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(d.content); err != nil {
			r.notice("CustomResourceDefinition %s was left out: %v", d.resource, err)
			continue
		}
		needed = append(needed, &Object{Unstructured: object, Kind: r.customDefinitions.Kind, UID: object.GetUID()})
	}
	return needed
}

// describe adds the kinds and the notices.
func (r *run) describe(set *Set) {
	found := sets.New[Kind]()
	for _, object := range set.Objects {
		found.Insert(object.Kind)
	}
	reads := append(slices.Clone(r.reads), r.allNamespaces)
	if r.customDefinitions != nil {
		reads = append(reads, r.customDefinitions)
	}
	for _, k := range reads {
		if k.collected && !k.incomplete {
			set.Kinds = append(set.Kinds, k.Kind)
		}
		if k.notice != "" && found.Has(k.Kind) {
			r.notice("%s", k.notice)
		}
	}
	set.Notices = sets.List(r.notices)
}
