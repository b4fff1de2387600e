package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

func path(path, operation, valueType, value string) storkv1alpha1.ResourcePath {
	return storkv1alpha1.ResourcePath{
		Path: path, Operation: storkv1alpha1.TransformOperation(operation), Type: storkv1alpha1.TransformValueType(valueType), Value: value,
	}
}

// changed is an object's spec and what becomes of it, in YAML.
type changed struct {
	path         storkv1alpha1.ResourcePath
	before, want string
	wantErr      string
}

func (tc changed) run(t *testing.T) {
	t.Helper()
	obj := objecttest.Parse(t, "{apiVersion: v1, kind: X, spec: "+tc.before+"}")
	before := obj.DeepCopy()
	c, err := parseChange(tc.path)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := c.apply(obj.Object)
	wantError(t, err, tc.wantErr)
	want := tc.want
	if want == "" {
		want = tc.before
	}
	if diff := cmp.Diff(objecttest.Parse(t, "{apiVersion: v1, kind: X, spec: "+want+"}").Object, obj.Object); diff != "" {
		t.Errorf("(-want,+got):\n%s", diff)
	}
	if really := !cmp.Equal(before.Object, obj.Object); err == nil && changed != really {
		t.Errorf("says changed %v, which is not so", changed)
	}
}

func TestAdd(t *testing.T) {
	for name, tc := range map[string]changed{
		"sets a string":                      {path: path("spec.a", "add", "string", "x:y,z"), before: "{}", want: "{a: 'x:y,z'}"},
		"sets a whole number":                {path: path("spec.a", "add", "int", "-3"), before: "{a: x}", want: "{a: -3}"},
		"sets a boolean":                     {path: path("spec.a", "add", "bool", "true"), before: "{a: false}", want: "{a: true}"},
		"replaces a list":                    {path: path("spec.a", "add", "slice", "x,y"), before: "{a: [z]}", want: "{a: [x, 'y']}"},
		"sets an empty list":                 {path: path("spec.a", "add", "slice", ""), before: "{}", want: "{a: []}"},
		"replaces an object":                 {path: path("spec.a", "add", "keypair", "k:v,u:http://x:80"), before: "{a: {z: z}}", want: "{a: {k: v, u: 'http://x:80'}}"},
		"makes objects on the way":           {path: path("spec.a.b.c", "add", "string", "x"), before: "{a: null}", want: "{a: {b: {c: x}}}"},
		"makes a list on the way":            {path: path("spec.a[0].b", "add", "string", "x"), before: "{}", want: "{a: [{b: x}]}"},
		"goes into lists":                    {path: path("spec.a[1].b", "add", "string", "x"), before: "{a: [{b: y}, {b: y}]}", want: "{a: [{b: y}, {b: x}]}"},
		"appends one item":                   {path: path("spec.a[2]", "add", "string", "z"), before: "{a: [x, y]}", want: "{a: [x, y, z]}"},
		"sets a key with dots":               {path: path("spec.'a.b/c'", "add", "string", "x"), before: "{}", want: "{a.b/c: x}"},
		"changes nothing where it is so":     {path: path("spec.a", "add", "keypair", "k:v"), before: "{a: {k: v}}"},
		"does not leave a hole in a list":    {path: path("spec.a[3]", "add", "string", "z"), before: "{a: [x]}", wantErr: "spec.a[3]: the index is out of bounds, the list has 1 items"},
		"does not go into a string":          {path: path("spec.a.b", "add", "string", "z"), before: "{a: x}", wantErr: "spec.a: must be an object here, got a string"},
		"does not take an object for a list": {path: path("spec.a[0]", "add", "string", "z"), before: "{a: {}}", wantErr: "spec.a: must be a list here, got an object"},
		"does not take a list for an object": {path: path("spec.a.b", "add", "string", "z"), before: "{a: []}", wantErr: "spec.a: must be an object here, got a list"},
		"leaves no half-made objects behind": {path: path("spec.b.c[1]", "add", "string", "z"), before: "{}", wantErr: "out of bounds"},
		"is spelt in any case for jsonPatch": {path: path("", "jsonPatch", "", `[{"op":"add","path":"/spec/a","value":1}]`), before: "{}", want: "{a: 1}"},
	} {
		t.Run(name, tc.run)
	}
}

func TestModify(t *testing.T) {
	for name, tc := range map[string]changed{
		"merges pairs":                       {path: path("spec.a", "modify", "keypair", "k:v,z:new"), before: "{a: {z: old, y: y}}", want: "{a: {k: v, z: new, y: y}}"},
		"sets pairs where there are none":    {path: path("spec.a", "modify", "keypair", "k:v"), before: "{}", want: "{a: {k: v}}"},
		"appends items that are missing":     {path: path("spec.a", "modify", "slice", "x,y,y"), before: "{a: [x, {b: c}]}", want: "{a: [x, {b: c}, 'y']}"},
		"appends nothing that is there":      {path: path("spec.a", "modify", "slice", "x"), before: "{a: [x]}"},
		"sets everything else":               {path: path("spec.a", "modify", "int", "3"), before: "{a: x}", want: "{a: 3}"},
		"changes an item of a list":          {path: path("spec.a[0].b", "modify", "string", "x"), before: "{a: [{b: y}]}", want: "{a: [{b: x}]}"},
		"does not merge pairs into a list":   {path: path("spec.a", "modify", "keypair", "k:v"), before: "{a: []}", wantErr: "must be an object here, got a list"},
		"does not append items to an object": {path: path("spec.a", "modify", "slice", "x"), before: "{a: {}}", wantErr: "must be a list here, got an object"},
	} {
		t.Run(name, tc.run)
	}
}

func TestReplace(t *testing.T) {
	for name, tc := range map[string]changed{
		"sets what is there":           {path: path("spec.a[0].b", "replace", "string", "x"), before: "{a: [{b: y}]}", want: "{a: [{b: x}]}"},
		"sets null":                    {path: path("spec.a", "replace", "int", "1"), before: "{a: null}", want: "{a: 1}"},
		"leaves alone what is not":     {path: path("spec.a.b", "replace", "string", "x"), before: "{c: d}"},
		"leaves alone what is beyond":  {path: path("spec.a[1]", "replace", "string", "x"), before: "{a: [y]}"},
		"does not go through a string": {path: path("spec.a.b", "replace", "string", "z"), before: "{a: x}", wantErr: "must be an object here, got a string"},
	} {
		t.Run(name, tc.run)
	}
}

func TestDelete(t *testing.T) {
	for name, tc := range map[string]changed{
		"removes a key":               {path: path("spec.a", "delete", "", ""), before: "{a: {b: c}, d: e}", want: "{d: e}"},
		"removes null":                {path: path("spec.a", "delete", "", ""), before: "{a: null}", want: "{}"},
		"removes an item":             {path: path("spec.a[1]", "delete", "", ""), before: "{a: [x, y, z]}", want: "{a: [x, z]}"},
		"removes within an item":      {path: path("spec.a[0].b", "delete", "", ""), before: "{a: [{b: c, d: e}]}", want: "{a: [{d: e}]}"},
		"leaves alone what is not":    {path: path("spec.x.y", "delete", "", ""), before: "{a: b}"},
		"leaves alone what is beyond": {path: path("spec.a[3]", "delete", "", ""), before: "{a: [x]}"},
		"makes nothing on the way":    {path: path("spec.x[0].y", "delete", "", ""), before: "{}"},
	} {
		t.Run(name, tc.run)
	}
}

func TestJSONPatch(t *testing.T) {
	for name, tc := range map[string]changed{
		"does all operations": {
			path:   path("", "jsonpatch", "", `[{"op":"test","path":"/spec/m","value":1},{"op":"add","path":"/spec/l/-","value":9007199254740993},{"op":"remove","path":"/spec/r"}]`),
			before: "{m: 1, l: [], r: x}", want: "{m: 1, l: [9007199254740993]}",
		},
		"does nothing where an operation fails": {
			path:   path("", "jsonpatch", "", `[{"op":"add","path":"/spec/x","value":1},{"op":"remove","path":"/spec/missing"}]`),
			before: "{n: 1}", wantErr: "JSON patch: ",
		},
		"must leave an object": {
			path: path("", "jsonpatch", "", `[{"op":"replace","path":"","value":[]}]`), before: "{}", wantErr: "JSON patch",
		},
		"must not blow an object up": {
			path: path("", "jsonpatch", "", `[{"op":"add","path":"/spec/x","value":"`+strings.Repeat("0", 600<<10)+
				`"},{"op":"copy","from":"/spec/x","path":"/spec/y"},{"op":"copy","from":"/spec/x","path":"/spec/z"}]`),
			before: "{}", wantErr: "JSON patch: ",
		},
	} {
		t.Run(name, tc.run)
	}
}
