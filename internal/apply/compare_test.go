package apply

import (
	"encoding/json"
	"slices"
	"testing"
)

// fromJSON parses JSON the way that objects from an API server are parsed: whole numbers are integers.
func fromJSON(tb testing.TB, text string) map[string]any {
	tb.Helper()
	object := map[string]any{}
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		tb.Fatalf("parsing %s: %v", text, err)
	}
	return object
}

func TestDifference(t *testing.T) {
	for name, test := range map[string]struct {
		desired, live string
		want          string // The path of the difference; empty if there is none.
	}{
		"finds no difference to itself":                          {`{"a":{"b":[1,"c",true,null]}}`, `{"a":{"b":[1,"c",true,null]}}`, ""},
		"ignores fields that only live has":                      {`{"a":1}`, `{"a":1,"b":2}`, ""},
		"ignores fields that only live has in list elements":     {`{"l":[{"a":1}]}`, `{"l":[{"a":1,"b":2}]}`, ""},
		"finds another value":                                    {`{"spec":{"a":"x"}}`, `{"spec":{"a":"y"}}`, "spec.a"},
		"finds a missing value":                                  {`{"spec":{"a":"x"}}`, `{"spec":{}}`, "spec.a"},
		"finds a missing object":                                 {`{"spec":{"a":{"b":1}}}`, `{"spec":{}}`, "spec.a"},
		"finds another type":                                     {`{"a":{"b":1}}`, `{"a":"b"}`, "a"},
		"finds an object where a list should be":                 {`{"a":[1]}`, `{"a":{"b":1}}`, "a"},
		"finds a string where a number should be":                {`{"a":80}`, `{"a":"80"}`, "a"},
		"finds a number where a string should be":                {`{"a":"80"}`, `{"a":80}`, "a"},
		"finds another bool":                                     {`{"a":false}`, `{"a":true}`, "a"},
		"finds a false that is missing":                          {`{"a":false}`, `{}`, "a"},
		"finds a zero that is missing":                           {`{"a":0}`, `{}`, "a"},
		"finds a longer list":                                    {`{"l":[1]}`, `{"l":[1,2]}`, "l"},
		"finds a shorter list":                                   {`{"l":[1,2]}`, `{"l":[1]}`, "l"},
		"finds another order":                                    {`{"l":[1,2]}`, `{"l":[2,1]}`, "l[0]"},
		"names the element of a list":                            {`{"spec":{"l":[{"a":1},{"a":2}]}}`, `{"spec":{"l":[{"a":1},{"a":3}]}}`, "spec.l[1].a"},
		"names the element of lists in lists":                    {`{"l":[[1],[2,[3]]]}`, `{"l":[[1],[2,[4]]]}`, "l[1][1][0]"},
		"wants nothing where null is":                            {`{"a":null,"b":{"c":null}}`, `{"a":"x","b":{}}`, ""},
		"takes null for nothing in live":                         {`{"a":"x"}`, `{"a":null}`, "a"},
		"takes an empty list for nothing":                        {`{"l":[]}`, `{}`, ""},
		"finds a list that should be empty":                      {`{"l":[]}`, `{"l":[1]}`, "l"},
		"takes empty annotations for nothing":                    {`{"metadata":{"annotations":{}}}`, `{"metadata":{}}`, ""},
		"finds an empty object that selects something":           {`{"v":[{"name":"x","emptyDir":{}}]}`, `{"v":[{"name":"x","hostPath":{}}]}`, "v[0].emptyDir"},
		"takes an empty string for nothing":                      {`{"spec":{"a":""}}`, `{"spec":{}}`, ""},
		"finds an empty string that is missing in data":          {`{"data":{"a":""}}`, `{"data":{"b":"c"}}`, "data.a"},
		"finds an empty label that is missing":                   {`{"metadata":{"labels":{"a":""}}}`, `{"metadata":{"labels":{"b":""}}}`, "metadata.labels.a"},
		"finds a string that should be empty":                    {`{"spec":{"a":""}}`, `{"spec":{"a":"x"}}`, "spec.a"},
		"knows that whole numbers come in two types":             {`{"a":3,"b":3.0}`, `{"a":3.0,"b":3}`, ""},
		"finds another fraction":                                 {`{"a":3.5}`, `{"a":3}`, "a"},
		"knows quantities of containers":                         {`{"resources":{"limits":{"cpu":"1000m","memory":"1024Mi"}}}`, `{"resources":{"limits":{"cpu":"1","memory":"1Gi"}}}`, ""},
		"knows quantities of quotas":                             {`{"spec":{"hard":{"pods":"1k"}}}`, `{"spec":{"hard":{"pods":"1000"}}}`, ""},
		"knows the size limit of a directory":                    {`{"emptyDir":{"sizeLimit":"1024Mi"}}`, `{"emptyDir":{"sizeLimit":"1Gi"}}`, ""},
		"knows the target of an autoscaler":                      {`{"target":{"value":"1000m"}}`, `{"target":{"value":"1"}}`, ""},
		"finds another quantity":                                 {`{"limits":{"cpu":"1001m"}}`, `{"limits":{"cpu":"1"}}`, "limits.cpu"},
		"finds what is no quantity":                              {`{"limits":{"cpu":"much"}}`, `{"limits":{"cpu":"1"}}`, "limits.cpu"},
		"takes no data for quantities":                           {`{"data":{"cpu":"1000m"}}`, `{"data":{"cpu":"1"}}`, "data.cpu"},
		"takes no environment for quantities":                    {`{"env":[{"name":"A","value":"1000m"}]}`, `{"env":[{"name":"A","value":"1"}]}`, "env[0].value"},
		"compares integers beyond the precision of a float":      {`{"a":9007199254740993}`, `{"a":9007199254740993}`, ""},
		"finds another API version":                              {`{"apiVersion":"v1"}`, `{"apiVersion":"v2"}`, "apiVersion"},
		"wants nothing at all of an object without any fields":   {`{}`, `{"a":1}`, ""},
		"goes through objects in lists in objects in this order": {`{"a":{"l":[{"b":{"c":1}}]}}`, `{"a":{"l":[{"b":{"c":2}}]}}`, "a.l[0].b.c"},
	} {
		t.Run(name, func(t *testing.T) {
			path, same := difference(fromJSON(t, test.desired), fromJSON(t, test.live))
			if path != test.want || same != (test.want == "") {
				t.Errorf("got %q, %t, want %q", path, same, test.want)
			}
		})
	}
}

func TestDifferenceKnowsTheIntegersOfDecodersAndOfCode(t *testing.T) {
	for _, one := range []any{int64(1), 1, int32(1), float64(1)} {
		for _, other := range []any{int64(1), 1, int32(1), float64(1)} {
			if path, same := difference(map[string]any{"a": one}, map[string]any{"a": other}); !same {
				t.Errorf("%T and %T differ at %s", one, other, path)
			}
		}
	}
	if _, same := difference(map[string]any{"a": int64(9007199254740993)}, map[string]any{"a": int64(9007199254740992)}); same {
		t.Error("integers that are the same as floats were taken for equal")
	}
	if _, same := difference(map[string]any{"a": struct{}{}}, map[string]any{"a": "x"}); same {
		t.Error("a type that is not in JSON was taken for equal to a string")
	}
}

func FuzzDifference(f *testing.F) {
	f.Add(`{"a":{"b":[1,"c",true,null,1.5,{}]}}`, `{"a":{}}`)
	f.Add(`{"limits":{"cpu":"1000m"},"data":{"x":""}}`, `{"limits":{"cpu":"1"},"data":null}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		var a, b map[string]any
		if json.Unmarshal([]byte(first), &a) != nil || json.Unmarshal([]byte(second), &b) != nil {
			t.Skip("there is nothing to compare: an input is no JSON object")
		}
		if path, same := difference(a, a); !same {
			t.Errorf("%s differs from itself at %s", first, path)
		}
		path, same := difference(a, b)
		if same != (path == "") && !hasEmptyKey(a) {
			t.Errorf("same is %t, but the path %q", same, path)
		}
		// More fields in live make no difference.
		if same {
			if _, again := difference(a, overlay(b, without(map[string]any{"added-by-test": true}, keysOf(a)...))); !again {
				t.Error("a field that nobody wants makes a difference")
			}
		}
	})
}

// hasEmptyKey tells whether paths may be empty.
func hasEmptyKey(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for key, field := range v {
			if key == "" || hasEmptyKey(field) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasEmptyKey)
	}
	return false
}

func keysOf(m map[string]any) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}
