package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// servedTimeout bounds the wait for a new kind. Clusters with several API servers take five seconds on purpose.
	servedTimeout = time.Minute
	servedPause   = 200 * time.Millisecond
)

// definedResource returns the resource that a CustomResourceDefinition defines.
func definedResource(definition *unstructured.Unstructured) schema.GroupResource {
	spec := child(definition.Object, "spec")
	group, _ := spec["group"].(string)
	plural, _ := child(spec, "names")["plural"].(string)
	return schema.GroupResource{Group: group, Resource: plural}
}

// keepStoredVersions adds to a definition the versions in which objects may still be stored at the destination and which it lacks.
// Without them these objects could not be read any more, so the API server would refuse it.
func keepStoredVersions(definition, live *unstructured.Unstructured) {
	spec := child(definition.Object, "spec")
	if spec == nil {
		return
	}
	versions, _ := spec["versions"].([]any)
	stored, _, _ := unstructured.NestedStringSlice(live.Object, "status", "storedVersions")
	present, _ := child(live.Object, "spec")["versions"].([]any)
	for _, version := range present {
		if name := nameOf(version); slices.Contains(stored, name) && !hasVersion(versions, name) {
			kept := overlay(asObject(version), map[string]any{"storage": false})
			versions = append(slices.Clone(versions), kept)
		}
	}
	if len(versions) > 0 {
		spec["versions"] = versions
	}
}

func hasVersion(versions []any, name string) bool {
	return slices.ContainsFunc(versions, func(version any) bool { return nameOf(version) == name })
}

// awaitServed waits until the API server serves what a definition defines. It needs no worker meanwhile.
func (r *run) awaitServed(ctx context.Context, e *entry) error {
	bounded, cancel := withLimit(ctx, r.options.Clock, servedTimeout)
	defer cancel()
	defined := definedResource(e.object())
	versions, _ := child(e.object().Object, "spec")["versions"].([]any)
	definition, err := r.destination.await(bounded, e.target, isDecided)
	if err != nil {
		return e.failure("waiting for the establishment of", err)
	}
	if definition == nil {
		return fmt.Errorf("%s was deleted by somebody else while it was established", e.target)
	}
	if _, message := condition(definition, "NamesAccepted"); !isTrue(definition, "Established") {
		return fmt.Errorf("%s cannot be established, because its names are taken at the destination: %s", e.target, message)
	}
	for _, version := range versions {
		if served, _ := asObject(version)["served"].(bool); served {
			if err := r.awaitVersion(bounded, defined.WithVersion(nameOf(version))); err != nil {
				return e.failure("waiting for the objects of", err)
			}
		}
	}
	return nil
}

// isDecided tells whether a definition is established, or cannot be.
func isDecided(definition *unstructured.Unstructured) bool {
	if definition == nil || isTrue(definition, "Established") {
		return true
	}
	status, _ := condition(definition, "NamesAccepted")
	return status == string(metav1.ConditionFalse)
}

func isTrue(definition *unstructured.Unstructured, kind string) bool {
	status, _ := condition(definition, kind)
	return status == string(metav1.ConditionTrue)
}

func condition(definition *unstructured.Unstructured, kind string) (status, message string) {
	conditions, _ := child(definition.Object, "status")["conditions"].([]any)
	for _, c := range conditions {
		if fields, isObject := c.(map[string]any); isObject && fields["type"] == kind {
			status, _ = fields["status"].(string)
			message, _ = fields["message"].(string)
		}
	}
	return status, message
}

// awaitVersion waits until a resource can be listed: the API server needs a moment after it says so.
func (r *run) awaitVersion(ctx context.Context, resource schema.GroupVersionResource) error {
	for {
		if err := r.destination.probe(ctx, resource); !isUnserved(err) {
			return ctx.Err() // Any other error says that the resource is served.
		}
		if !pause(ctx, r.options.Clock, servedPause) {
			return context.Cause(ctx)
		}
	}
}
