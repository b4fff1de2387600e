package workload

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// Early versions of Stork remembered the values to set on activation and deactivation in these annotations.
const (
	annotationActivate   = storkv1alpha1.GroupName + "/migrationCRDActivate"
	annotationDeactivate = storkv1alpha1.GroupName + "/migrationCRDDeactivate"
)

// memo is what is remembered of a field, in text. The annotation's form is Stork's: "<original>,<suspended>".
type memo struct {
	// original is empty where the field was absent, and in Stork's memos of booleans.
	original string
	// suspended is empty in Stork's memos of whole numbers.
	suspended string
}

func (m memo) String() string { return m.original + "," + m.suspended }

// parseMemo reads a memo. Both values may contain commas: the suspended value is known where it is still the registered one,
// otherwise it is what follows the last comma.
func parseMemo(text, suspended string) memo {
	if original, ok := strings.CutSuffix(text, ","+suspended); ok {
		return memo{original: original, suspended: suspended}
	}
	if at := strings.LastIndex(text, ","); at >= 0 {
		return memo{original: text[:at], suspended: text[at+1:]}
	}
	return memo{original: text}
}

// earlyMemo returns what an early version of Stork remembered.
func earlyMemo(obj *unstructured.Unstructured) (memo, bool) {
	original, ok := field.Annotation(obj, annotationActivate)
	suspended, _ := field.Annotation(obj, annotationDeactivate)
	return memo{original: original, suspended: suspended}, ok
}
