package apply

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// merger returns what an object that is there shall become. It must not change the objects of the entry. It returns a leftAloneError
// if the object has to be left as it is.
type merger func(*run, *entry) (*unstructured.Unstructured, error)

// merger returns how the entry is merged into an object of its kind that is there; nil if it is applied instead.
//
//   - ServiceAccount: labels and annotations are added or overwritten, never removed; secrets and imagePullSecrets are united;
//     automountServiceAccountToken is overwritten if the source sets it.
//   - Namespace: of one that a migration brought, labels and annotations are added or overwritten, never removed. To any other one,
//     only those that it lacks are added, and no level of pod security: its owner decides what may run in it.
//   - ClusterRoleBinding: see mergeBinding.
//   - PersistentVolume, PersistentVolumeClaim: see mergeVolume and mergeClaim.
func (e *entry) merger() merger {
	switch e.target.resource.GroupResource() {
	case schema.GroupResource{Resource: "serviceaccounts"}:
		return mergeServiceAccount
	case schema.GroupResource{Resource: "namespaces"}:
		return mergeNamespace
	case bindingResource:
		return mergeBinding
	case schema.GroupResource{Resource: "persistentvolumes"}:
		return mergeVolume
	case claimResource:
		return mergeClaim
	default:
		return nil
	}
}

// leftAloneError tells why an object at the destination is left as it is.
type leftAloneError struct{ reason string }

func (e leftAloneError) Error() string { return e.reason }

// isMerged tells whether the object at the destination is what it shall become already, mark included.
func (e *entry) isMerged(merged *unstructured.Unstructured) bool {
	return (e.live.ours || !e.marked()) && equality.Semantic.DeepEqual(merged.Object, e.live.object.Object)
}

// marked tells whether the merged object is marked as brought by a migration. A Namespace or ClusterRoleBinding of somebody else is
// not: it would be treated as the migration's own the next time.
func (e *entry) marked() bool {
	return e.live.ours || e.wave != waveNamespaces && e.target.resource.GroupResource() != bindingResource
}

// merge writes the object that is there with what the Item adds to it.
func (r *run) merge(ctx context.Context, e *entry) (Action, error) {
	merged, err := e.merger()(r, e)
	if leftAlone, ok := errors.AsType[leftAloneError](err); ok {
		r.notices.add(leftAlone.reason, e.target)
		return ActionSkipped, nil
	}
	if err != nil {
		return "", err
	}
	addOwners(merged, r.ownerReferences(e))
	if e.isMerged(merged) {
		return ActionUnchanged, nil
	}
	if e.marked() {
		merged = stamped(merged, provenanceOf(r.provenance, e.hash), nil)
	}
	patch, err := e.mergePatch(merged)
	if err != nil {
		return "", e.failure("merging", err)
	}
	if _, err = r.destination.patch(ctx, e.target, types.MergePatchType, patch); isImmutable(err) {
		return r.recreate(ctx, e, merged, err)
	}
	if err != nil {
		return r.refused(ctx, e, err)
	}
	return ActionUpdated, nil
}

// mergePatch returns the JSON merge patch that makes the object at the destination the merged one, if it is still what was read.
func (e *entry) mergePatch(merged *unstructured.Unstructured) ([]byte, error) {
	from, err := e.live.object.MarshalJSON()
	if err != nil {
		return nil, err
	}
	versioned := merged.DeepCopy()
	versioned.SetResourceVersion(e.live.resourceVersion)
	to, err := versioned.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return jsonpatch.CreateMergePatch(from, to)
}

func addOwners(object *unstructured.Unstructured, owners []metav1.OwnerReference) {
	if len(owners) == 0 {
		return
	}
	references := object.GetOwnerReferences()
	for _, owner := range owners {
		if !slices.ContainsFunc(references, func(r metav1.OwnerReference) bool { return r.UID == owner.UID }) {
			references = append(references, owner)
		}
	}
	object.SetOwnerReferences(references)
}

// mergeMetadata adds labels and annotations to an object's metadata, and overwrites those that it has if overwrite is nil or allows
// it.
func mergeMetadata(into, from map[string]any, overwrite func(key string, present bool) bool) {
	for _, field := range []string{"labels", "annotations"} {
		additions := child(from, field)
		if len(additions) == 0 {
			continue
		}
		merged := maps.Clone(child(into, field))
		if merged == nil {
			merged = map[string]any{}
		}
		for key, value := range additions {
			_, present := merged[key]
			if overwrite == nil || overwrite(key, present) {
				merged[key] = value
			}
		}
		if len(merged) > 0 {
			into[field] = merged
		}
	}
}

func mergeServiceAccount(_ *run, e *entry) (*unstructured.Unstructured, error) {
	merged, desired := e.live.object.DeepCopy(), e.object().Object
	mergeMetadata(child(merged.Object, "metadata"), child(desired, "metadata"), nil)
	for _, field := range []string{"secrets", "imagePullSecrets"} {
		if united := uniteByName(merged.Object[field], desired[field]); len(united) > 0 {
			merged.Object[field] = united
		}
	}
	if automount, set := desired["automountServiceAccountToken"].(bool); set {
		merged.Object["automountServiceAccountToken"] = automount
	}
	return merged, nil
}

// uniteByName returns a list of named references and those of another one that it lacks.
func uniteByName(list, additions any) []any {
	united, _ := list.([]any)
	more, _ := additions.([]any)
	for _, addition := range more {
		name := nameOf(addition)
		if !slices.ContainsFunc(united, func(present any) bool { return nameOf(present) == name }) {
			united = append(united, addition)
		}
	}
	return united
}

func mergeNamespace(_ *run, e *entry) (*unstructured.Unstructured, error) {
	merged := e.live.object.DeepCopy()
	var overwrite func(key string, present bool) bool
	if !e.live.ours {
		overwrite = func(key string, present bool) bool {
			return !present && !strings.HasPrefix(key, "pod-security.kubernetes.io/")
		}
	}
	mergeMetadata(child(merged.Object, "metadata"), child(e.object().Object, "metadata"), overwrite)
	return merged, nil
}
