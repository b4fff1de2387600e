package transform

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// edit is what is done with the value at the end of a path.
type edit struct {
	// create makes what is missing on the way. Without it a path that does not exist is left alone.
	create bool
	// at gets the value that is there, nil if there is none, and tells what becomes of it.
	at func(old any) (outcome, error)
}

// outcome is what becomes of a value.
type outcome struct {
	value            any
	changed, removed bool
}

func replaced(old, value any) outcome {
	return outcome{value: value, changed: !reflect.DeepEqual(old, value)}
}

// walk follows path from node, of which done steps are behind it, and does the edit at its end. Objects are changed in place;
// a list becomes another one when its length changes, so each level puts in what it gets back from the next.
func (e edit) walk(node any, path []step, done int) (outcome, error) {
	switch {
	case done == len(path):
		return e.at(node)
	case node == nil && !e.create:
		return outcome{}, nil
	case path[done].key != "":
		return e.member(node, path, done)
	default:
		return e.element(node, path, done)
	}
}

func (e edit) member(node any, path []step, done int) (outcome, error) {
	object, err := asObject(node)
	if err != nil {
		return outcome{}, fmt.Errorf("%s: %w", written(path[:done]), err)
	}
	key := path[done].key
	child, exists := object[key]
	if !exists && !e.create {
		return outcome{}, nil
	}
	o, err := e.walk(child, path, done+1)
	if err != nil || !o.changed {
		return outcome{}, err
	}
	if o.removed {
		delete(object, key)
	} else {
		object[key] = o.value
	}
	return outcome{value: object, changed: true}, nil
}

func (e edit) element(node any, path []step, done int) (outcome, error) {
	list, err := asList(node)
	if err != nil {
		return outcome{}, fmt.Errorf("%s: %w", written(path[:done]), err)
	}
	index := path[done].index
	if index >= len(list) {
		return e.beyond(list, path, done)
	}
	o, err := e.walk(list[index], path, done+1)
	if err != nil || !o.changed {
		return outcome{}, err
	}
	if o.removed {
		return outcome{value: slices.Delete(list, index, index+1), changed: true}, nil
	}
	list[index] = o.value
	return outcome{value: list, changed: true}, nil
}

// beyond deals with an index for which the list has no item: the next one can be made.
func (e edit) beyond(list []any, path []step, done int) (outcome, error) {
	if !e.create {
		return outcome{}, nil
	}
	if path[done].index > len(list) {
		return outcome{}, fmt.Errorf("%s: the index is out of bounds, the list has %d items", written(path[:done+1]), len(list))
	}
	o, err := e.walk(nil, path, done+1)
	if err != nil || !o.changed {
		return outcome{}, err
	}
	return outcome{value: append(list, o.value), changed: true}, nil
}

// asObject returns node as an object; a new one for null.
func asObject(node any) (map[string]any, error) {
	if node == nil {
		return map[string]any{}, nil
	}
	object, ok := node.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("must be an object here, got %s", field.TypeName(node))
	}
	return object, nil
}

// asList returns node as a list; an empty one for null.
func asList(node any) ([]any, error) {
	if node == nil {
		return nil, nil
	}
	list, ok := node.([]any)
	if !ok {
		return nil, fmt.Errorf("must be a list here, got %s", field.TypeName(node))
	}
	return list, nil
}

// written writes a path for messages.
func written(path []step) string {
	var text strings.Builder
	for i, s := range path {
		if i > 0 && s.key != "" {
			text.WriteByte('.')
		}
		text.WriteString(s.String())
	}
	return text.String()
}
