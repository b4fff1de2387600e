package failover

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

type object = *unstructured.Unstructured

// chooser picks what an Action stops or starts in one of the clusters.
type chooser struct {
	object  func(activation.Kind, object) bool
	stashed func(object) bool
}

// own is what the Action itself selects.
func (t *trip) own() activation.Filter {
	return activation.Filter{
		Selectors: t.filter.Selectors, ExcludeSelectors: t.filter.ExcludeSelectors, Types: t.filter.Types,
		IncludeObjects: t.filter.IncludeObjects, ExcludeObjects: t.filter.ExcludeObjects,
	}
}

// selected is what both the Action and the schedule select.
func (t *trip) selected(schedule *storkv1alpha1.MigrationSchedule) func(activation.Kind, object) bool {
	own := t.own()
	migrated := activation.FilterOf(&schedule.Spec.Template.Spec)
	return func(kind activation.Kind, o object) bool { return own.Matches(kind, o) && migrated.Matches(kind, o) }
}

// arrives picks what migrations brought to where the applications arrive.
func (t *trip) arrives(schedule *storkv1alpha1.MigrationSchedule) chooser {
	selected := t.selected(schedule)
	return chooser{
		object:  func(kind activation.Kind, o object) bool { return activation.Brought(o) && selected(kind, o) },
		stashed: func(o object) bool { return selected(kindOfObject(o), o) },
	}
}

// identity is what an object is called in either cluster.
type identity struct {
	schema.GroupKind
	namespace, name string
}

// leaves picks what is to be stopped where the applications are: what would be started where they arrive, and what the last Migration
// would bring there that no earlier one did.
func (t *trip) leaves(schedule *storkv1alpha1.MigrationSchedule, arriving map[identity]bool) chooser {
	selected, template := t.selected(schedule), &schedule.Spec.Template.Spec
	return chooser{object: func(kind activation.Kind, o object) bool {
		if arriving[identity{kind.GroupKind(), o.GetNamespace(), o.GetName()}] {
			return true
		}
		return selected(kind, o) && goes(template, kind, o)
	}}
}

// goes tells whether a Migration takes an object along for its own sake: not because of what owns it, and not against its owner's will.
func goes(template *storkv1alpha1.MigrationSpec, kind activation.Kind, o object) bool {
	if skipped(o) || len(o.GetOwnerReferences()) > 0 {
		return false
	}
	return kind.GroupKind() != schema.GroupKind{Group: "batch", Kind: "Job"} || activation.NamesKind(template.IncludeOptionalResourceTypes, kind)
}

// skipped tells whether the owner of an object does not want it to be migrated.
func skipped(o object) bool {
	skip, ok := o.GetAnnotations()[storkv1alpha1.AnnotationSkipResource]
	if !ok {
		skip = o.GetAnnotations()[storkv1alpha1.AnnotationSkipResourceDeprecated]
	}
	skipped, _ := strconv.ParseBool(skip)
	return skipped
}

// claims picks the PersistentVolumeClaims that Migrations take along and the Action does not leave out.
func (t *trip) claims(schedule *storkv1alpha1.MigrationSchedule) activation.Claims {
	selected := t.selected(schedule)
	leftOut := activation.Filter{ExcludeSelectors: t.filter.ExcludeSelectors, ExcludeObjects: t.filter.ExcludeObjects}
	return activation.Claims{
		Namespaces: t.namespaces(),
		Choose:     func(kind activation.Kind, o object) bool { return !skipped(o) && selected(kind, o) },
		Spare:      func(kind activation.Kind, o object) bool { return !leftOut.Matches(kind, o) },
	}
}
