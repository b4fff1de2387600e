package inventory

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// rule judges one object of a kind by what is known of the others.
type rule func(*unstructured.Unstructured, *facts) verdict

// verdict is whether an object belongs to the migration.
type verdict struct {
	kept bool
	// reason is why an object that its owner may miss was left out; empty where nobody would ask.
	reason string
}

var (
	keep     = verdict{kept: true}
	leaveOut = verdict{}
)

// keepIf leaves out silently what does not meet the condition.
func keepIf(condition bool) verdict { return verdict{kept: condition} }

// skip leaves out and tells why.
func skip(reason string) verdict { return verdict{reason: reason} }

// judge applies what holds for all kinds, and then the kind's own rule.
func judge(h handling, object *unstructured.Unstructured, f *facts) verdict {
	switch {
	case !h.byReference && !f.selector.Matches(labels.Set(object.GetLabels())):
		return leaveOut
	case optedOut(object):
		return leaveOut
	}
	judged := keep
	if h.rule != nil {
		judged = h.rule(object, f)
	}
	switch {
	case !judged.kept || !deleting(object):
		return judged
	case metav1.GetControllerOfNoCopy(object) != nil:
		return leaveOut // Whatever controls it makes and deletes such objects all the time.
	default:
		return skip("it is being deleted")
	}
}

// optedOut tells whether an object is annotated to be left out of every migration. The newer of the two annotations counts.
func optedOut(object *unstructured.Unstructured) bool {
	annotations := object.GetAnnotations()
	value, present := annotations[storkv1alpha1.AnnotationSkipResource]
	if !present {
		value = annotations[storkv1alpha1.AnnotationSkipResourceDeprecated]
	}
	return isTrue(value)
}

// isTrue reads an annotation as Stork does: whatever is no boolean is not true.
func isTrue(value string) bool {
	parsed, err := strconv.ParseBool(value)
	return err == nil && parsed
}
