package transform

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/util/json"
)

// maxPatchCopies bounds the bytes that copy operations of one patch add, so that a short patch cannot make a huge object.
const maxPatchCopies = 1 << 20

const remedyPatch = `write it as in [{"op":"replace","path":"/spec/type","value":"ClusterIP"}]`

// checkJSONPatch checks all of an RFC 6902 document that can be checked without an object.
func checkJSONPatch(document []byte) error {
	if err := json.Unmarshal(document, new(any)); err != nil {
		return fmt.Errorf("value is no JSON: %w: %s", err, remedyPatch)
	}
	patch, err := jsonpatch.DecodePatch(document)
	if err != nil {
		return fmt.Errorf("value is no JSON patch: %w: %s", err, remedyPatch)
	}
	for i, operation := range patch {
		path, err := operation.Path()
		if err != nil {
			return fmt.Errorf("operation %d of the JSON patch: %w", i, err)
		}
		if operation.Kind() != "test" && isIdentity(pointerPath(path)) {
			return fmt.Errorf("operation %d of the JSON patch: it must not change which object this is: remove the change of %s", i, path)
		}
	}
	return nil
}

// pointerPath reads an RFC 6901 pointer as far as it is needed to recognise a field: all its parts as keys.
func pointerPath(pointer string) []step {
	var path []step
	for key := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		path = append(path, step{key: strings.NewReplacer("~1", "/", "~0", "~").Replace(key)})
	}
	return path
}

// applyJSONPatch changes content in place. A failing operation changes nothing.
func applyJSONPatch(content map[string]any, document []byte) (changed bool, err error) {
	patch, err := jsonpatch.DecodePatch(document)
	if err != nil {
		return false, fmt.Errorf("value is no JSON patch: %w", err)
	}
	before, err := json.Marshal(content)
	if err != nil {
		return false, fmt.Errorf("object as JSON: %w", err)
	}
	options := jsonpatch.NewApplyOptions()
	options.AccumulatedCopySizeLimit = maxPatchCopies
	after, err := patch.ApplyWithOptions(before, options)
	if err != nil {
		return false, fmt.Errorf("JSON patch: %w: compare it with the object", err)
	}
	patched := map[string]any{}
	if err := json.Unmarshal(after, &patched); err != nil || patched == nil {
		return false, errors.New("JSON patch: its result is not an object")
	}
	if reflect.DeepEqual(content, patched) {
		return false, nil
	}
	clear(content)
	maps.Copy(content, patched)
	return true, nil
}
