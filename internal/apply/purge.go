package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// purge deletes objects at the destination that a migration brought and that are gone from the source.
//
// An object is a candidate if it is in a namespace to look in, of a kind to look at, and not in the plan; if it has the migrated
// annotation and a migration's manager among those of its fields, since operators copy annotations to what they make; if it is
// nobody's controlled child and not being deleted already. ServiceAccounts stay, as with Stork: pods and controllers use them.
// What holds a custom resource until activation is judged by that resource. Purge.Keep has the last word.
type purge struct {
	Purge
	run      *run
	selector labels.Selector
	// kinds by resource, those that are looked at.
	kinds map[schema.GroupVersionResource]Kind

	mu         sync.Mutex
	candidates []*candidate
	// seen are the scopes that were read for the plan already.
	seen map[scope]bool
}

const (
	// maxCandidates of one run; what is more goes with the next one.
	maxCandidates = 100_000
	// longestName of what is in a namespace.
	longestName = 253
)

// isObjectOf tells whether an object can be in a scope at all. Its name is asked for at the source, and its server may lie.
func isObjectOf(s scope, object metav1.Object) bool {
	return object.GetNamespace() == s.namespace && len(object.GetName()) <= longestName &&
		object.GetName() != "" && len(content.IsPathSegmentName(object.GetName())) == 0 &&
		!strings.ContainsFunc(object.GetName(), unicode.IsControl)
}

type candidate struct {
	kind   Kind
	target target
	uid    types.UID
	stash  bool
	// gone says that it was deleted; a candidate that is not gone and has no error stays.
	gone bool
	err  error
}

func newPurge(r *run, plan Purge) *purge {
	p := &purge{Purge: plan, run: r, kinds: map[schema.GroupVersionResource]Kind{}, seen: map[scope]bool{}}
	if !plan.Enabled {
		return p
	}
	var err error
	if p.selector, err = labels.Parse(plan.LabelSelector); err != nil {
		r.notices.add(fmt.Sprintf("nothing was purged, because the label selector %q is invalid: %v", plan.LabelSelector, err), target{})
		return p
	}
	for _, kind := range plan.Kinds {
		if kind.Namespaced && kind.Resource.GroupResource() != (schema.GroupResource{Resource: "serviceaccounts"}) {
			p.kinds[kind.Resource] = kind
		}
	}
	for namespace := range plan.Namespaces {
		r.namespaces[namespace] = true
	}
	return p
}

// wants tells whether the objects of a scope may have to be purged.
func (p *purge) wants(s scope) bool {
	_, inNamespace := p.Namespaces[s.namespace]
	_, ofKind := p.kinds[s.resource]
	return inNamespace && ofKind
}

// consider makes an object that is not in the plan a candidate if it may be purged.
func (p *purge) consider(s scope, object metav1.Object) {
	if !isObjectOf(s, object) || !p.mayGo(object) {
		return
	}
	kind := p.kinds[s.resource]
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.candidates) >= maxCandidates {
		return
	}
	p.candidates = append(p.candidates, &candidate{
		kind: kind, uid: object.GetUID(), stash: object.GetLabels()[storkv1alpha1.LabelStashCR] == "true",
		target: target{
			resource: kind.Resource, kind: kind.Kind.Kind, namespaced: true,
			NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()},
		},
	})
}

func (p *purge) mayGo(object metav1.Object) bool {
	migrated, _ := strconv.ParseBool(object.GetAnnotations()[storkv1alpha1.AnnotationMigrated])
	return migrated && object.GetDeletionTimestamp() == nil && metav1.GetControllerOfNoCopy(object) == nil &&
		p.selector.Matches(labels.Set(object.GetLabels())) &&
		slices.ContainsFunc(object.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
			return entry.Manager == p.run.options.FieldManager || entry.Manager == "stork"
		})
}

// markSeen notes that the objects of a scope were all met.
func (p *purge) markSeen(s scope) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[s] = true
}

// giveUp leaves the objects of a scope alone that could not be listed to its end.
func (p *purge) giveUp(s scope, err error) {
	p.mu.Lock()
	p.seen[s] = true
	p.candidates = slices.DeleteFunc(p.candidates, func(c *candidate) bool {
		return c.target.resource == s.resource && c.target.Namespace == s.namespace
	})
	p.mu.Unlock()
	p.run.notices.add(fmt.Sprintf("%ss were not purged, because they could not be listed: %v", p.kinds[s.resource].Kind.Kind, err), target{})
}

// purgeAll looks at what was not read for the plan, and deletes the candidates that need not stay.
func (p *purge) purgeAll(ctx context.Context) {
	if len(p.kinds) == 0 || ctx.Err() != nil {
		return
	}
	p.findRest(ctx)
	p.candidates = slices.DeleteFunc(p.candidates, func(c *candidate) bool { return p.run.byName[c.target.name()] != nil })
	// What comes last goes first.
	slices.SortFunc(p.candidates, func(a, b *candidate) int {
		return -compareTargets(a.target, b.target)
	})
	p.candidates = slices.CompactFunc(p.candidates, func(a, b *candidate) bool { return a.target.name() == b.target.name() })
	inParallel(p.run.options.Workers, p.candidates, func(c *candidate) { c.gone, c.err = p.delete(ctx, c) })
}

// findRest lists the kinds of which the plan has nothing in a namespace.
func (p *purge) findRest(ctx context.Context) {
	var unseen []scope
	for _, kind := range p.kinds {
		for namespace := range p.Namespaces {
			if s := (scope{kind.Resource, namespace}); !p.seen[s] {
				unseen = append(unseen, s)
			}
		}
	}
	inParallel(parallelReads, unseen, func(s scope) {
		err := p.run.destination.listMetadata(ctx, s.resource, s.namespace, p.LabelSelector, func(object metav1.Object) { p.consider(s, object) })
		if err != nil && !isUnserved(err) && ctx.Err() == nil {
			p.giveUp(s, err)
		}
	})
}

// delete deletes the very object that was judged, if it need not stay.
func (p *purge) delete(ctx context.Context, c *candidate) (bool, error) {
	stays, err := p.stays(ctx, c)
	if err != nil {
		return false, fmt.Errorf("%s was not purged, because it is unknown whether it is still at the source: %w", c.target, err)
	}
	if stays {
		return false, nil
	}
	err = p.run.destination.delete(ctx, c.target, metav1.DeletePropagationBackground, metav1.Preconditions{UID: &c.uid})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return false, nil // Somebody else deleted it, and perhaps made another one.
	}
	if err != nil {
		return false, fmt.Errorf("purging %s: %w%s", c.target, err, adviceFor(err))
	}
	return true, nil
}

func (p *purge) stays(ctx context.Context, c *candidate) (bool, error) {
	if !c.stash {
		return p.keep(ctx, c.kind, c.target.NamespacedName)
	}
	kind, name, found, err := p.stashed(ctx, c)
	if err != nil || !found {
		return true, err
	}
	return p.keep(ctx, kind, name)
}

func (p *purge) keep(ctx context.Context, kind Kind, name types.NamespacedName) (bool, error) {
	if p.Keep == nil {
		return false, nil
	}
	return p.Keep(ctx, kind, types.NamespacedName{Namespace: p.Namespaces[name.Namespace], Name: name.Name})
}

// stashed returns the custom resource that a ConfigMap holds; not found means that it is none of the kinds to look at.
func (p *purge) stashed(ctx context.Context, c *candidate) (Kind, types.NamespacedName, bool, error) {
	holder, err := p.run.destination.get(ctx, c.target)
	if err != nil || holder == nil {
		return Kind{}, types.NamespacedName{}, false, err
	}
	held := heldBy(holder)
	for _, kind := range p.kinds {
		if kind.Kind.GroupKind() == held.GroupVersionKind().GroupKind() {
			return kind, types.NamespacedName{Namespace: c.target.Namespace, Name: held.GetName()}, true, nil
		}
	}
	return Kind{}, types.NamespacedName{}, false, nil
}

// heldBy returns the custom resource in a ConfigMap; an empty object if somebody spoilt it.
func heldBy(holder *unstructured.Unstructured) *unstructured.Unstructured {
	held := &unstructured.Unstructured{}
	text, _ := child(holder.Object, "data")[storkv1alpha1.StashKeyObject].(string)
	if err := json.Unmarshal([]byte(text), &held.Object); err != nil {
		return &unstructured.Unstructured{}
	}
	return held
}
