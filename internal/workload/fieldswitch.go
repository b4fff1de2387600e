package workload

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/field"
)

// fieldSwitch stops an object by the value of one field and remembers the value that it replaces.
type fieldSwitch struct {
	// path is dotted and names the memo.
	path string
	// keys are the parts of path.
	keys []string
	// suspended is the value of the stopped state: a bool, an int64 or a string. Its type is that of the field.
	suspended any
	// early tells that memos of early versions of Stork, which had one switch an object, are about this field.
	early bool
}

func (s fieldSwitch) suspend(obj *unstructured.Unstructured) (bool, error) {
	current, found, err := s.current(obj)
	if err != nil {
		return false, err
	}
	if remembered, ok := s.memo(obj); ok && current == s.suspended && s.valid(remembered) {
		return false, nil
	}
	if !found && s.isWholeNumber() {
		// A kind that does without the number, for example a Kafka with node pools, would be refused with one.
		return s.remember(obj, "")
	}
	if err := field.Set(obj.Object, s.suspended, s.keys...); err != nil {
		return false, err
	}
	if suspended, isBool := s.suspended.(bool); isBool && !found {
		current = !suspended
	}
	_, err = s.remember(obj, text(current))
	return true, err
}

func (s fieldSwitch) restore(obj *unstructured.Unstructured) (bool, error) {
	remembered, ok := s.memo(obj)
	if !ok {
		return false, nil
	}
	current, _, err := field.Get(obj.Object, s.keys...)
	if err != nil {
		return false, err
	}
	if s.isSuspended(current, remembered) {
		if err := s.setOriginal(obj, remembered); err != nil {
			return false, err
		}
	}
	field.RemoveAnnotations(obj, storkv1alpha1.SuspendMemoAnnotation(s.path))
	if s.early {
		field.RemoveAnnotations(obj, annotationActivate, annotationDeactivate)
	}
	return true, nil
}

// setOriginal puts back what is remembered. Where that is nothing, a boolean becomes the opposite of the suspended value, of
// which Stork remembers nothing, and a string goes, so that its default counts again.
func (s fieldSwitch) setOriginal(obj *unstructured.Unstructured, remembered memo) error {
	original, err := s.parse(remembered.original)
	if err != nil {
		return fmt.Errorf("annotation %s: the value before the comma must be %s, got %q: set it to the value of %s that starts it",
			storkv1alpha1.SuspendMemoAnnotation(s.path), field.TypeName(s.suspended), remembered.original, s.path)
	}
	if original == nil {
		if !s.isWholeNumber() {
			field.RemoveAndPrune(obj.Object, s.keys...)
		}
		return nil
	}
	return field.Set(obj.Object, original, s.keys...)
}

func (s fieldSwitch) current(obj *unstructured.Unstructured) (value any, found bool, err error) {
	value, found, err = field.Get(obj.Object, s.keys...)
	if err == nil && found && field.TypeName(value) != field.TypeName(s.suspended) {
		err = fmt.Errorf("%s must be %s, got %s: correct it, or the type or path in the kind's ApplicationRegistration",
			s.path, field.TypeName(s.suspended), field.TypeName(value))
	}
	return value, found, err
}

func (s fieldSwitch) memo(obj *unstructured.Unstructured) (memo, bool) {
	if value, ok := field.Annotation(obj, storkv1alpha1.SuspendMemoAnnotation(s.path)); ok {
		return parseMemo(value, text(s.suspended)), true
	}
	if s.early {
		return earlyMemo(obj)
	}
	return memo{}, false
}

func (s fieldSwitch) remember(obj *unstructured.Unstructured, original string) (changed bool, err error) {
	m := memo{original: original, suspended: text(s.suspended)}
	return field.SetAnnotation(obj, storkv1alpha1.SuspendMemoAnnotation(s.path), m.String())
}

func (s fieldSwitch) isSuspended(current any, remembered memo) bool {
	return current == s.suspended || current != nil && text(current) == remembered.suspended
}

func (s fieldSwitch) isWholeNumber() bool {
	_, ok := s.suspended.(int64)
	return ok
}

func (s fieldSwitch) valid(remembered memo) bool {
	_, err := s.parse(remembered.original)
	return err == nil
}

// parse reads a remembered value; nil means that the field was absent.
func (s fieldSwitch) parse(original string) (any, error) {
	switch suspended := s.suspended.(type) {
	case bool:
		if original == "" {
			return !suspended, nil
		}
		return strconv.ParseBool(original)
	case int64:
		if original == "" {
			return nil, nil
		}
		return strconv.ParseInt(original, 10, 64)
	default:
		if original == "" {
			return nil, nil
		}
		return original, nil
	}
}

// text writes a value of a field as memos do; empty for an absent one.
func text(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}
