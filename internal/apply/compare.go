package apply

import (
	"cmp"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

// difference returns the path of a field of desired that live does not have with the same value, for example
// "spec.template.spec.containers[0].image"; same is true if there is none. What live has beyond desired does not count, except in
// lists, whose lengths must be equal: whether an additional element is foreign or wrong is for the API server to say.
//
// Null stands for a field that nobody wants to set. Numbers are equal by value, and so are quantities where Kubernetes has them.
func difference(desired, live map[string]any) (path string, same bool) {
	c := comparison{}
	if c.object(desired, live, "") {
		return "", true
	}
	return c.path, false
}

// comparison gathers the path of the difference, from its end.
type comparison struct {
	path string
}

// value compares two values. field is the name of the field that they are in, or of the list that they are elements of, and
// parent the name of the object which has that field.
func (c *comparison) value(desired, live any, field, parent string) bool {
	switch want := desired.(type) {
	case nil:
		return true
	case map[string]any:
		have, isObject := live.(map[string]any)
		return isObject && c.object(want, have, field)
	case []any:
		have, isList := live.([]any)
		return isList && len(want) == len(have) && c.list(want, have, field, parent)
	case string:
		have, isString := live.(string)
		return isString && (want == have || isQuantity(field, parent) && equalQuantities(want, have))
	case bool:
		have, isBool := live.(bool)
		return isBool && want == have
	default:
		return equalNumbers(desired, live)
	}
}

func (c *comparison) object(desired, live map[string]any, name string) bool {
	for field, want := range desired {
		have := live[field]
		if have == nil && mayBeAbsent(want, field, name) {
			continue
		}
		if have != nil && c.value(want, have, field, name) {
			continue
		}
		c.precede(field)
		return false
	}
	return true
}

func (c *comparison) list(desired, live []any, field, parent string) bool {
	for i, want := range desired {
		if !c.value(want, live[i], field, parent) {
			c.precede("[" + strconv.Itoa(i) + "]")
			return false
		}
	}
	return true
}

func (c *comparison) precede(step string) {
	if c.path != "" && c.path[0] != '[' {
		step += "."
	}
	c.path = step + c.path
}

// mayBeAbsent tells whether the API server drops a field with that value: nulls, empty lists and, but where they are the user's
// own data, empty strings. An empty object is kept, since it often selects something, like emptyDir: {}; only maps of strings are
// dropped when they are empty.
func mayBeAbsent(value any, field, parent string) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == "" && !isStringMap(parent)
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0 && isStringMap(field)
	default:
		return false
	}
}

// isStringMap tells whether the field is a map with keys of the user's choice.
func isStringMap(field string) bool {
	switch field {
	case "annotations", "binaryData", "data", "labels", "matchLabels", "nodeSelector", "parameters", "selector", "stringData":
		return true
	default:
		return false
	}
}

// isQuantity tells whether Kubernetes keeps a quantity in that field, which it writes in its own way: "1000m" becomes "1". Where
// a user's own data may look like one, they are compared as they are.
func isQuantity(field, parent string) bool {
	switch parent {
	case "limits", "requests", "capacity", "hard", "max", "min", "default", "defaultRequest", "maxLimitRequestRatio", "podFixed":
		return true
	case "target":
		return field == "value" || field == "averageValue"
	}
	return field == "sizeLimit" || field == "divisor"
}

func equalQuantities(a, b string) bool {
	first, err := resource.ParseQuantity(a)
	if err != nil {
		return false
	}
	second, err := resource.ParseQuantity(b)
	return err == nil && first.Cmp(second) == 0
}

// equalNumbers compares the numbers that JSON is decoded into, and those that code writes.
func equalNumbers(a, b any) bool {
	if first, isInteger := integer(a); isInteger {
		if second, isInteger := integer(b); isInteger {
			return first == second
		}
	}
	first, firstIsNumber := float(a)
	second, secondIsNumber := float(b)
	return firstIsNumber && secondIsNumber && cmp.Compare(first, second) == 0
}

func integer(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	default:
		return 0, false
	}
}

func float(value any) (float64, bool) {
	if v, isFloat := value.(float64); isFloat {
		return v, true
	}
	v, isInteger := integer(value)
	return float64(v), isInteger
}
