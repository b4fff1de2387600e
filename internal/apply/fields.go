package apply

import (
	"maps"
	"slices"
)

// child returns the map in a field of another one; nil, which can be read like an empty one, if there is none.
func child(parent map[string]any, field string) map[string]any {
	return asObject(parent[field])
}

// asObject returns the fields of an object in a list; nil if it is something else.
func asObject(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return fields
}

// nameOf returns the name of an object in a list, for example of a reference.
func nameOf(value any) string {
	name, _ := asObject(value)["name"].(string)
	return name
}

// overlay returns a new map with the fields of both, those of upper where both have one.
func overlay(lower, upper map[string]any) map[string]any {
	result := make(map[string]any, len(lower)+len(upper)+1)
	maps.Copy(result, lower)
	maps.Copy(result, upper)
	return result
}

// without returns a copy of a map that lacks some keys.
func without(m map[string]any, keys ...string) map[string]any {
	rest := make(map[string]any, len(m))
	for key, value := range m {
		if !slices.Contains(keys, key) {
			rest[key] = value
		}
	}
	return rest
}
