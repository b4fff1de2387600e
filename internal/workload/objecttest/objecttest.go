// Package objecttest makes objects for tests: from manifests, and from a fuzzer's bytes, well-formed and not.
//
// It must know nothing of what is done with the objects.
package objecttest

import (
	"maps"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Parse reads a manifest.
func Parse(tb testing.TB, manifest string) *unstructured.Unstructured {
	tb.Helper()
	obj := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(manifest))
	if err == nil {
		err = obj.UnmarshalJSON(data)
	}
	if err != nil {
		tb.Fatalf("%v in\n%s", err, manifest)
	}
	return obj
}

// Fuzz makes objects from a fuzzer's bytes. When they are used up all further choices are the first one.
type Fuzz struct {
	Bytes []byte
	// Keys and Strings are words that may be put in anywhere.
	Keys, Strings []string
}

// Mutate changes obj in as many places as the bytes are good for, at most 64. Its apiVersion, kind and name stay.
func (f *Fuzz) Mutate(obj *unstructured.Unstructured) {
	kept := []string{obj.GetAPIVersion(), obj.GetKind(), obj.GetName()}
	for range 64 {
		if len(f.Bytes) == 0 {
			break
		}
		obj.Object = f.mutateMap(obj.Object)
	}
	if _, ok := obj.Object["metadata"].(map[string]any); !ok {
		obj.Object["metadata"] = map[string]any{}
	}
	obj.SetAPIVersion(kept[0])
	obj.SetKind(kept[1])
	obj.SetName(kept[2])
}

// Pick returns a number below n; 0 if n is 0.
func (f *Fuzz) Pick(n int) int {
	if len(f.Bytes) == 0 || n == 0 {
		return 0
	}
	b := f.Bytes[0]
	f.Bytes = f.Bytes[1:]
	return int(b) % n
}

func (f *Fuzz) mutateMap(object map[string]any) map[string]any {
	if object == nil {
		object = map[string]any{}
	}
	key := f.pickKey(object)
	switch f.Pick(8) {
	case 0:
		object[key] = f.value(3)
	case 1:
		delete(object, key)
	case 2:
		object[f.word(f.Keys)] = f.value(3)
	default:
		object[key] = f.mutate(object[key])
	}
	return object
}

func (f *Fuzz) mutate(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return f.mutateMap(value)
	case []any:
		return f.mutateList(value)
	default:
		return f.value(3)
	}
}

func (f *Fuzz) mutateList(list []any) []any {
	if len(list) == 0 || f.Pick(4) == 0 {
		return append(list, f.value(2))
	}
	i := f.Pick(len(list))
	list[i] = f.mutate(list[i])
	return list
}

func (f *Fuzz) pickKey(object map[string]any) string {
	if len(object) == 0 {
		return f.word(f.Keys)
	}
	return slices.Sorted(maps.Keys(object))[f.Pick(len(object))]
}

func (f *Fuzz) word(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[f.Pick(len(words))]
}

func (f *Fuzz) value(depth int) any {
	switch kind := f.Pick(8); {
	case kind == 1:
		return f.Pick(2) == 0
	case kind == 2:
		return int64(f.Pick(4)) - 1
	case kind == 3:
		return 1.5
	case kind == 4 && depth > 0:
		return []any{f.value(depth - 1), f.value(depth - 1)}
	case kind == 5 && depth > 0:
		return map[string]any{f.word(f.Keys): f.value(depth - 1), f.word(f.Keys): f.value(depth - 1)}
	case kind == 6:
		return nil
	default:
		return f.word(f.Strings)
	}
}
