package transform

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Transformer changes one object on its way.
type Transformer interface {
	// Name is how reports name it, for example "Replicas".
	Name() string
	// Transform changes obj in place and tells whether it did. Applied to its own result it changes nothing. An error names
	// the field and what is wrong with it; obj is not migrated then.
	Transform(obj *unstructured.Unstructured) (changed bool, err error)
}

// Options are what transformers need to know beyond the object.
type Options struct {
	// StartApplications false stops everything that runs.
	StartApplications bool
	// KeepServiceAddresses true leaves addresses of Services as they are (spec.skipServiceUpdate).
	KeepServiceAddresses bool
	// Namespaces maps each migrated namespace to the one that it becomes.
	Namespaces map[string]string
	// ProjectMappings maps Rancher projects, as in ClusterPair.spec.platformOptions.rancher.
	ProjectMappings map[string]string
	// Registrations tell how custom resources are stopped; see package workload for how they combine.
	Registrations []storkv1alpha1.ApplicationResource
	// Transformations are the user's ResourceTransformations by the source namespace that they apply to.
	Transformations map[string]*storkv1alpha1.ResourceTransformation
	// OwnedClaims are the names of PersistentVolumeClaims that an object owns, by the object's UID, with the reference; a
	// stashed custom resource takes them along.
	OwnedClaims map[types.UID]map[string]OwnerReference
}

// OwnerReference is an owner as a stash ConfigMap records it.
type OwnerReference struct {
	schema.GroupVersionKind
	Name       string
	Controller bool
}

// Result is an object as the destination shall have it.
type Result struct {
	// Object is the changed object.
	Object *unstructured.Unstructured
	// Changes are the names of transformers that changed it, in order. Removal of server-set fields does not count.
	Changes []string
	// TransformedBy is the ResourceTransformation that changed it; empty if none did.
	TransformedBy string
}

// Pipeline is an ordered list of transformers.
type Pipeline struct {
	transformers []Transformer
}

// Run takes obj over, changes it and returns it. On an error obj is half-changed and must not be used.
func (p *Pipeline) Run(obj *unstructured.Unstructured) (Result, error) {
	result := Result{Object: obj}
	for _, t := range p.transformers {
		changed, err := t.Transform(obj)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", t.Name(), err)
		}
		if changed {
			result.Changes = append(result.Changes, t.Name())
		}
	}
	return result, nil
}
