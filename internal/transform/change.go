package transform

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// change is one path of a ResourceTransformation, read and checked.
type change struct {
	operation storkv1alpha1.TransformOperation
	path      []step
	// value to set; nil for delete. It becomes part of the object, so it is used once.
	value any
	// patch is an RFC 6902 document in place of path and value.
	patch []byte
}

// parseChange checks all that can be checked without an object.
func parseChange(p storkv1alpha1.ResourcePath) (change, error) {
	c := change{operation: storkv1alpha1.TransformOperation(strings.ToLower(string(p.Operation)))}
	var err error
	switch c.operation {
	case storkv1alpha1.TransformJSONPatch:
		c.patch = []byte(p.Value)
		return c, checkJSONPatch(c.patch)
	case storkv1alpha1.TransformAdd, storkv1alpha1.TransformModify, storkv1alpha1.TransformReplace:
		if c.value, err = parseValue(p.Type, p.Value); err != nil {
			return change{}, err
		}
	case storkv1alpha1.TransformDelete:
	default:
		return change{}, fmt.Errorf("operation %q: write add, modify, replace, delete or jsonpatch", p.Operation)
	}
	if c.path, err = parsePath(p.Path); err != nil {
		return change{}, fmt.Errorf("%w: write it as in spec.template.spec.containers[0].image or metadata.annotations.'example.com/owner'", err)
	}
	if beyondText(c.path) {
		return change{}, errors.New("it leads into an annotation or label, which are texts: quote a key that has dots, as in metadata.annotations.'example.com/owner'")
	}
	if isIdentity(c.path) {
		return change{}, fmt.Errorf("a transformation must not change which object this is: remove the change of %s", p.Path)
	}
	return c, nil
}

// atPath says which path an error is about. A JSON patch has none.
func atPath(p storkv1alpha1.ResourcePath, err error) error {
	if p.Path == "" {
		return err
	}
	return fmt.Errorf("path %q: %w", p.Path, err)
}

// parseValue reads a value as its type says. A slice is separated by commas; a keypair is key:value separated by commas, its
// values may contain colons.
func parseValue(valueType storkv1alpha1.TransformValueType, text string) (any, error) {
	switch valueType {
	case storkv1alpha1.TransformInt:
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("value %q of type int: write a decimal whole number", text)
		}
		return number, nil
	case storkv1alpha1.TransformBool:
		value, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("value %q of type bool: write true or false", text)
		}
		return value, nil
	case storkv1alpha1.TransformString:
		return text, nil
	case storkv1alpha1.TransformSlice:
		return parseSlice(text), nil
	case storkv1alpha1.TransformKeyPair:
		return parseKeyPair(text)
	default:
		return nil, fmt.Errorf("type %q: write int, string, bool, slice or keypair", valueType)
	}
}

func parseSlice(text string) []any {
	list := []any{}
	if text == "" {
		return list
	}
	for item := range strings.SplitSeq(text, ",") {
		list = append(list, item)
	}
	return list
}

func parseKeyPair(text string) (map[string]any, error) {
	pairs := map[string]any{}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(pair, ":")
		if !ok || key == "" {
			return nil, fmt.Errorf("value %q of type keypair: %q is no pair: write key:value,key2:value2", text, pair)
		}
		pairs[key] = value
	}
	return pairs, nil
}

// apply makes the change in content and tells whether that made a difference.
func (c change) apply(content map[string]any) (changed bool, err error) {
	if c.patch != nil {
		return applyJSONPatch(content, c.patch)
	}
	e := edit{create: true, at: c.set}
	switch c.operation {
	case storkv1alpha1.TransformModify:
		e.at = c.merge
	case storkv1alpha1.TransformReplace:
		e.create = false
	case storkv1alpha1.TransformDelete:
		e = edit{at: func(any) (outcome, error) { return outcome{changed: true, removed: true}, nil }}
	}
	o, err := e.walk(content, c.path, 0)
	return o.changed, err
}

func (c change) set(old any) (outcome, error) { return replaced(old, c.value), nil }

// merge adds the pairs of a keypair to an object and the items of a slice that are missing to a list, and sets everything else.
func (c change) merge(old any) (outcome, error) {
	if old == nil {
		return c.set(old)
	}
	switch value := c.value.(type) {
	case map[string]any:
		object, err := asObject(old)
		if err != nil {
			return outcome{}, err
		}
		return mergeObject(object, value), nil
	case []any:
		list, err := asList(old)
		if err != nil {
			return outcome{}, err
		}
		return mergeList(list, value), nil
	default:
		return c.set(old)
	}
}

func mergeObject(object, pairs map[string]any) outcome {
	changed := false
	for key, value := range pairs {
		if object[key] != value {
			object[key] = value
			changed = true
		}
	}
	return outcome{value: object, changed: changed}
}

func mergeList(list, items []any) outcome {
	merged := slices.Clone(list)
	for _, item := range items {
		if !slices.ContainsFunc(merged, func(other any) bool { return other == item }) {
			merged = append(merged, item)
		}
	}
	return outcome{value: merged, changed: len(merged) > len(list)}
}
