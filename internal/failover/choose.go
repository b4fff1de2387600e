package failover

import (
	"errors"
	"fmt"
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

// selected is what both the Action and the schedule select.
func (t *trip) selected(schedule *storkv1alpha1.MigrationSchedule) func(activation.Kind, object) bool {
	template := schedule.Spec.Template.Spec
	own := activation.Filter{
		Selectors: t.filter.Selectors, ExcludeSelectors: t.filter.ExcludeSelectors, Types: t.filter.Types,
		IncludeObjects: t.filter.IncludeObjects, ExcludeObjects: t.filter.ExcludeObjects,
	}
	migrated := activation.Filter{
		Selectors: template.Selectors, ExcludeSelectors: template.ExcludeSelectors, ExcludeTypes: template.ExcludeResourceTypes,
	}
	return func(kind activation.Kind, o object) bool { return own.Matches(kind, o) && migrated.Matches(kind, o) }
}

// arrives picks what migrations brought to where the applications arrive.
func (t *trip) arrives(schedule *storkv1alpha1.MigrationSchedule) chooser {
	selected := t.selected(schedule)
	return chooser{
		object: func(kind activation.Kind, o object) bool { return activation.Brought(o) && selected(kind, o) },
		stashed: func(o object) bool {
			return selected(activation.Kind{GroupVersionKind: o.GroupVersionKind()}, o)
		},
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
		return selected(kind, o) && goes(kind, o, template)
	}}
}

// goes tells whether a Migration takes an object along for its own sake: not because of what owns it, and not against its owner's will.
func goes(kind activation.Kind, o object, template *storkv1alpha1.MigrationSpec) bool {
	annotations := o.GetAnnotations()
	skip, ok := annotations[storkv1alpha1.AnnotationSkipResource]
	if !ok {
		skip = annotations[storkv1alpha1.AnnotationSkipResourceDeprecated]
	}
	if skipped, _ := strconv.ParseBool(skip); skipped || len(o.GetOwnerReferences()) > 0 {
		return false
	}
	return kind.GroupKind() != schema.GroupKind{Group: "batch", Kind: "Job"} || activation.NamesKind(template.IncludeOptionalResourceTypes, kind)
}

// maxProblems is how many problems a message tells.
const maxProblems = 5

// problem returns what a report says that went wrong; nil if nothing did.
func problem(report activation.Report) error {
	var all []error
	for _, unlisted := range report.Unlisted {
		all = append(all, fmt.Errorf("listing %s: %w", unlisted.Resource, unlisted.Err))
	}
	return join(append(all, problems(report.Outcomes)...))
}

func problems(outcomes []activation.Outcome) (all []error) {
	for i := range outcomes {
		o := &outcomes[i]
		if o.Err != nil {
			all = append(all, fmt.Errorf("%s %s/%s: %w", o.Kind.Kind, o.Namespace, nameOf(o), o.Err))
		}
		for pod, err := range o.PodErrs {
			all = append(all, fmt.Errorf("pod %s/%s of %s %s: %w", o.Namespace, pod, o.Kind.Kind, nameOf(o), err))
		}
	}
	return all
}

func join(all []error) error {
	if len(all) > maxProblems {
		all = append(all[:maxProblems:maxProblems], fmt.Errorf("and %d more problems", len(all)-maxProblems))
	}
	return errors.Join(all...)
}
