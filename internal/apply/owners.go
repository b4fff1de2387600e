package apply

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// owner is an owner of an entry that is in the plan too.
type owner struct {
	entry *entry
	// reference at the destination, but for the UID.
	reference metav1.OwnerReference
}

// linkOwners finds the owners of each entry and has it written after them.
func (r *run) linkOwners() {
	bySource := map[types.UID]*entry{}
	for _, e := range r.entries {
		if !e.done && e.item.SourceUID != "" {
			bySource[e.item.SourceUID] = e
		}
	}
	for _, e := range r.entries {
		if !e.done {
			r.findOwners(e, bySource)
		}
	}
	order := &ownerOrder{visited: map[*entry]bool{}, notices: r.notices}
	for _, e := range r.entries {
		order.visit(e)
	}
}

func (r *run) findOwners(e *entry, bySource map[types.UID]*entry) {
	for _, reference := range e.item.Owners {
		found := bySource[reference.UID]
		if found == nil {
			continue
		}
		if found.target.namespaced && found.target.Namespace != e.target.Namespace {
			r.notices.add("objects were brought without an owner that is in another namespace at the destination, where it would get them deleted", e.target)
			continue
		}
		e.owners = append(e.owners, owner{entry: found, reference: metav1.OwnerReference{
			APIVersion:         found.target.resource.GroupVersion().String(),
			Kind:               found.target.kind,
			Name:               found.target.Name,
			Controller:         reference.Controller,
			BlockOwnerDeletion: reference.BlockOwnerDeletion,
		}})
	}
}

// ownerOrder has owners come first, and breaks circles.
type ownerOrder struct {
	// visited entries are true once they have their turn, false while their owners are visited.
	visited map[*entry]bool
	notices *notices
}

func (o *ownerOrder) visit(e *entry) {
	if _, visited := o.visited[e]; visited || len(e.owners) == 0 {
		return
	}
	o.visited[e] = false
	kept := e.owners[:0]
	for _, owner := range e.owners {
		if ordered, visited := o.visited[owner.entry]; visited && !ordered {
			o.notices.add("objects own each other in a circle: they were brought without the reference that closes it", e.target)
			continue
		}
		o.visit(owner.entry)
		kept = append(kept, owner)
		if !e.early() {
			e.turn = max(e.turn, owner.entry.turn)
			e.needs = append(e.needs, owner.entry)
		}
	}
	e.owners = kept
	o.visited[e] = true
}

// early entries do not wait for their owners, because these wait for them: a StatefulSet would make its claims itself, and a custom
// resource cannot be there before its definition. They get their owners afterwards, see adopt.
func (e *entry) early() bool { return e.wave < waveRoles }

// ownerReferences returns those that an entry is written with; early ones are written without.
func (r *run) ownerReferences(e *entry) []metav1.OwnerReference {
	if e.early() {
		return nil
	}
	return r.arrivedOwners(e)
}

// arrivedOwners returns the references to the owners, which are done. Those that did not arrive are left out, with a notice.
func (r *run) arrivedOwners(e *entry) []metav1.OwnerReference {
	var references []metav1.OwnerReference
	for _, owner := range e.owners {
		if owner.entry.uid == "" {
			r.notices.add(fmt.Sprintf("objects were brought without their owner %s, which did not arrive", owner.entry.target), e.target)
			continue
		}
		reference := owner.reference
		reference.UID = owner.entry.uid
		references = append(references, reference)
	}
	return references
}

func ownersAsJSON(references []metav1.OwnerReference) []any {
	list := make([]any, 0, len(references))
	for _, reference := range references {
		owner := map[string]any{
			"apiVersion": reference.APIVersion, "kind": reference.Kind, "name": reference.Name, "uid": string(reference.UID),
		}
		if reference.Controller != nil {
			owner["controller"] = *reference.Controller
		}
		if reference.BlockOwnerDeletion != nil {
			owner["blockOwnerDeletion"] = *reference.BlockOwnerDeletion
		}
		list = append(list, owner)
	}
	return list
}

// adoptEarly gives the early entries their owners, which have arrived in the meantime.
func (r *run) adoptEarly(ctx context.Context) {
	var owned []*entry
	for _, e := range r.entries {
		if e.early() && len(e.owners) > 0 && e.done && e.err == nil && e.action != ActionSkipped {
			owned = append(owned, e)
		}
	}
	inParallel(r.options.Workers, owned, func(e *entry) { r.adopt(ctx, e) })
}

func (r *run) adopt(ctx context.Context, e *entry) {
	references := r.arrivedOwners(e)
	if len(references) == 0 || e.action == ActionUnchanged && e.live.hasOwners(references) {
		return
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": e.uid, "ownerReferences": ownersAsJSON(references)}})
	if err == nil {
		// A strategic merge adds to the references that are there. It exists for built-in kinds only, which early ones are.
		_, err = r.destination.patch(ctx, e.target, types.StrategicMergePatchType, patch)
	}
	if err != nil {
		r.notices.add("objects did not get their owner: "+err.Error(), e.target)
		return
	}
	if e.action == ActionUnchanged {
		e.action = ActionUpdated
	}
}
