package transform

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// rancher removes labels and annotations of Rancher, whose keys contain cattle.io, from every object: they are about the
// source's cluster. Those with the ID of a project, spelt projectId by Rancher and projectID in its documents, get the ID that
// the project has at the destination, and go if there is none. So do IDs in namespace selectors, except that one without a
// counterpart stays and selects nothing, where a selector without it would select more than before.
//
// A project's ID has two forms, "project" in labels and "cluster:project" in annotations. Mappings may use either on both
// sides; one given without a cluster fits a project of any.
type rancher struct {
	// exact are the mappings as they are given.
	exact map[string]string
	// byProject are all mappings by the source's project without its cluster.
	byProject map[string]string
	// targets are the IDs at the destination in both forms. They map to themselves.
	targets map[string]bool
}

func newRancher(mappings map[string]string) rancher {
	r := rancher{exact: mappings, byProject: map[string]string{}, targets: map[string]bool{}}
	for _, from := range slices.Backward(slices.Sorted(maps.Keys(mappings))) {
		to := mappings[from]
		r.byProject[bareProject(from)] = to
		r.targets[to] = true
		r.targets[bareProject(to)] = true
	}
	return r
}

func (rancher) Name() string { return "Rancher" }

func (r rancher) Transform(obj *unstructured.Unstructured, source Source) (bool, error) {
	metadata := field.Map(obj.Object, "metadata")
	changed := r.keys(metadata, "labels")
	changed = r.keys(metadata, "annotations") || changed
	return rewriteNamespaceSelectors(obj.Object, source.GroupKind(), func(selector map[string]any) bool {
		return rewriteSelector(selector, isProjectKey, r.project)
	}) || changed, nil
}

// keys maps or removes Rancher's keys among an object's labels or annotations.
func (r rancher) keys(metadata map[string]any, part string) (changed bool) {
	object := field.Map(metadata, part)
	for key, value := range object {
		if !strings.Contains(key, "cattle.io") {
			continue
		}
		id, _ := value.(string)
		to, ok := r.project(id)
		switch {
		case !isProjectKey(key) || !ok:
			changed = field.RemoveAndPrune(metadata, part, key) || changed
		case to != id:
			object[key] = to
			changed = true
		}
	}
	return changed
}

// project returns the ID at the destination in the form of the one at the source, as far as that is known: a mapping to a
// project without a cluster gives an ID without one.
func (r rancher) project(id string) (string, bool) {
	to := r.exact[id]
	switch bare := bareProject(id); {
	case to != "":
	case bare == id:
		to = r.byProject[id]
	default:
		to = r.exact[bare]
	}
	if to == "" {
		return id, r.targets[id]
	}
	if !strings.Contains(id, ":") {
		to = bareProject(to)
	}
	return to, true
}

func isProjectKey(key string) bool {
	return strings.Contains(key, "cattle.io/projectId") || strings.Contains(key, "cattle.io/projectID")
}

func bareProject(id string) string { return id[strings.LastIndex(id, ":")+1:] }
