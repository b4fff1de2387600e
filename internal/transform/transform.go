package transform

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// Transformer changes one object on its way. It is safe for concurrent use.
type Transformer interface {
	// Name is how reports name it, for example "Service"; empty for one whose changes are not worth a word.
	Name() string
	// Transform changes obj in place and tells whether it did. source is what obj was before any transformer changed it.
	// Applied to its own result it changes nothing, unless namespaces are renamed: names of namespaces are always those at the
	// source. An error names the field and what is wrong with it; obj is not migrated then.
	Transform(obj *unstructured.Unstructured, source Source) (changed bool, err error)
}

// Source is what an object is at the source.
type Source struct {
	schema.GroupVersionKind
	// Namespace that it belongs to: its own one, for a PersistentVolume that of its claim. Empty for other cluster-scoped objects.
	Namespace string
	// UID of it.
	UID types.UID
	// Labels of it. Not to be changed.
	Labels map[string]string
}

// SourceOf tells what obj is as long as no transformer has changed it.
func SourceOf(obj *unstructured.Unstructured) Source {
	source := Source{
		GroupVersionKind: obj.GroupVersionKind(), Namespace: obj.GetNamespace(), UID: obj.GetUID(), Labels: map[string]string{},
	}
	for key, value := range field.Map(obj.Object, "metadata", "labels") {
		if text, ok := value.(string); ok {
			source.Labels[key] = text
		}
	}
	if source.GroupKind() == persistentVolumeKind {
		source.Namespace = field.String(field.Map(obj.Object, "spec", "claimRef"), "namespace")
	}
	return source
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
	// TransformClusterScoped true lets Transformations change cluster-scoped objects too: a PersistentVolume by that of its
	// claim's namespace, all others by those of every namespace. It is for Migrations of the admin namespace. Whoever may only
	// write to a namespace could otherwise turn a volume into a node's directory or a role into cluster-admin.
	TransformClusterScoped bool
	// OwnedClaims are the names of PersistentVolumeClaims that an object owns, by the object's UID, with the reference; a
	// stashed custom resource takes them along.
	OwnedClaims map[types.UID]map[string]metav1.OwnerReference
}

// Result is an object as the destination shall have it.
type Result struct {
	// Object is the changed object. A stashed custom resource is a ConfigMap now.
	Object *unstructured.Unstructured
	// Changes are the names of transformers that changed it, in order. Removal of server-set fields does not count.
	Changes []string
	// TransformedBy is the ResourceTransformation that changed it; empty if none did.
	TransformedBy string
}

// Pipeline is an ordered list of transformers. It is safe for concurrent use.
type Pipeline struct {
	transformers []Transformer
}

// Run takes obj over, changes it and returns it. On an error obj is half-changed and must not be used.
func (p *Pipeline) Run(obj *unstructured.Unstructured) (Result, error) {
	if obj == nil || obj.GetKind() == "" || field.Map(obj.Object, "metadata") == nil {
		return Result{}, errors.New("object without kind or metadata: it was not read from an API server")
	}
	source := SourceOf(obj)
	result := Result{Object: obj}
	for _, t := range p.transformers {
		changed, err := t.Transform(obj, source)
		if err != nil {
			return Result{}, describe(t, err)
		}
		if changed {
			result.add(t, source)
		}
	}
	return result, nil
}

func (r *Result) add(t Transformer, source Source) {
	if users, ok := t.(userTransformations); ok {
		r.TransformedBy = users.nameFor(source)
	} else if name := t.Name(); name != "" {
		r.Changes = append(r.Changes, name)
	}
}

func describe(t Transformer, err error) error {
	if t.Name() == "" {
		return err
	}
	return fmt.Errorf("%s: %w", t.Name(), err)
}
