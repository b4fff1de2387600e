package resourcetransformation

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// plan is one kind of a ResourceTransformation as the cluster sees it.
type plan struct {
	// name is group/version/Kind as the user wrote it.
	name       string
	kind       schema.GroupVersionKind
	resource   schema.GroupVersionResource
	namespaced bool
	// selector leaves out objects that no transformSpec can be for. It may select others, too.
	selector labels.Selector
}

// unservedError names resources that the cluster does not serve.
type unservedError struct{ resources []string }

func (e *unservedError) Error() string {
	return fmt.Sprintf("this cluster does not serve %s: write group/version/Kind as kubectl api-resources shows them, for example "+
		"apps/v1/Deployment, or /v1/Service for the core group", strings.Join(e.resources, ", "))
}

func isUnserved(err error) bool {
	var unserved *unservedError
	return errors.As(err, &unserved)
}

// plan finds the kinds of a valid spec, each once. Its error is an unservedError where kinds do not exist, which names all.
func (r *Reconciler) plan(spec storkv1alpha1.ResourceTransformationSpec) ([]*plan, error) {
	var plans []*plan
	byName := map[string]*plan{}
	unserved := &unservedError{}
	for _, object := range spec.Objects {
		if known, ok := byName[object.Resource]; ok {
			known.selector = labels.Everything()
			continue
		}
		p, err := r.planFor(object)
		switch {
		case apimeta.IsNoMatchError(err):
			unserved.resources = append(unserved.resources, object.Resource)
		case err != nil:
			return nil, fmt.Errorf("finding out whether this cluster serves %s: %w", object.Resource, err)
		default:
			plans = append(plans, p)
		}
		byName[object.Resource] = cmp.Or(p, &plan{})
	}
	if len(unserved.resources) > 0 {
		return nil, unserved
	}
	return plans, nil
}

func (r *Reconciler) planFor(spec storkv1alpha1.TransformSpec) (*plan, error) {
	parts := strings.Split(spec.Resource, "/")
	if len(parts) != 3 {
		return nil, errors.New("it is not group/version/Kind")
	}
	kind := schema.GroupVersionKind{Group: parts[0], Version: parts[1], Kind: parts[2]}
	mapping, err := r.Mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	return &plan{
		name: spec.Resource, kind: kind, resource: mapping.Resource, selector: labels.SelectorFromSet(spec.Selectors),
		namespaced: mapping.Scope.Name() == apimeta.RESTScopeNameNamespace,
	}, nil
}
