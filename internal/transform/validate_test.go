package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

func TestValidateTransformation(t *testing.T) {
	for name, tc := range map[string]struct {
		resource string
		path     storkv1alpha1.ResourcePath
		want     string
	}{
		"accepts a string":                        {path: path("spec.type", "add", "string", "")},
		"accepts a kind of the core group":        {resource: "/v1/Service", path: path("spec.type", "modify", "string", "x")},
		"accepts delete without a type":           {path: path("spec.type", "delete", "", "")},
		"accepts a JSON patch":                    {path: path("", "jsonpatch", "", `[{"op":"remove","path":"/spec/type"}]`)},
		"accepts a test of the name":              {path: path("", "jsonpatch", "", `[{"op":"test","path":"/metadata/name","value":"x"}]`)},
		"refuses an incomplete kind":              {resource: "v1/Service", path: path("a", "add", "string", ""), want: `resource "v1/Service": write group/version/Kind`},
		"refuses an unknown operation":            {path: path("spec.a", "drop", "string", ""), want: `operation "drop": write add, modify, replace, delete or jsonpatch`},
		"refuses an unknown type":                 {path: path("spec.a", "add", "float", "1"), want: `type "float": write int, string, bool, slice or keypair`},
		"refuses a missing type":                  {path: path("spec.a", "add", "", "1"), want: `type "": write`},
		"refuses a number that is none":           {path: path("spec.a", "add", "int", "1.5"), want: `value "1.5" of type int: write a decimal whole number`},
		"refuses a boolean that is none":          {path: path("spec.a", "add", "bool", "yes"), want: `value "yes" of type bool: write true or false`},
		"refuses a pair without a colon":          {path: path("spec.a", "add", "keypair", "a:b,c"), want: `value "a:b,c" of type keypair: "c" is no pair`},
		"refuses a pair without a key":            {path: path("spec.a", "add", "keypair", ":b"), want: `":b" is no pair`},
		"refuses no pairs":                        {path: path("spec.a", "modify", "keypair", ""), want: `"" is no pair`},
		"refuses a malformed path":                {path: path("spec..a", "add", "string", ""), want: `path "spec..a": a key is empty: write it as in`},
		"refuses a change of the kind":            {path: path("kind", "replace", "string", "x"), want: "must not change which object this is: remove the change of kind"},
		"refuses a change of the name":            {path: path("metadata.name", "add", "string", "x"), want: "remove the change of metadata.name"},
		"refuses a change of the namespace":       {path: path("metadata['namespace']", "add", "string", "x"), want: "must not change which object"},
		"refuses to delete all metadata":          {path: path("metadata", "delete", "", ""), want: "must not change which object"},
		"refuses a key whose dots are not quoted": {path: path("metadata.annotations.example.com/owner", "add", "string", "x"), want: "quote a key that has dots"},
		"refuses it in a template as well":        {path: path("spec.template.metadata.labels.a.b", "add", "string", "x"), want: "quote a key that has dots"},
		"refuses what is no JSON":                 {path: path("", "jsonpatch", "", "{"), want: "value is no JSON"},
		"refuses an unknown JSON operation":       {path: path("", "jsonpatch", "", `[{"op":"drop","path":"/a"}]`), want: "value is no JSON patch"},
		"refuses a JSON patch of the namespace": {path: path("", "jsonpatch", "", `[{"op":"add","path":"/metadata/namespace","value":"x"}]`),
			want: "operation 0 of the JSON patch: it must not change which object this is: remove the change of /metadata/namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.resource == "" {
				tc.resource = "apps/v1/Deployment"
			}
			spec := userChange(tc.resource, nil, path("spec.ok", "add", "string", "x"), tc.path).Spec
			err := ValidateTransformation(spec)
			wantError(t, err, tc.want)
			if err != nil && !strings.HasPrefix(err.Error(), "specs.transformSpecs[0]") {
				t.Errorf("it does not tell where: %v", err)
			}
		})
	}
	t.Run("names every problem and where it is", func(t *testing.T) {
		spec := userChange("Deployment", map[string]string{"app": "a,b"}, path("spec.a", "add", "int", "x")).Spec
		spec.Objects = append(spec.Objects, userChange("/v1/Pod", nil, path("spec.ok", "add", "int", "1"), path("", "drop", "", "")).Spec.Objects...)
		var got []string
		for line := range strings.SplitSeq(ValidateTransformation(spec).Error(), "\n") {
			where, _, _ := strings.Cut(line, ": ")
			got = append(got, where)
		}
		want := []string{"specs.transformSpecs[0]", "specs.transformSpecs[0].selectors", "specs.transformSpecs[0].paths[0]", "specs.transformSpecs[1].paths[1]"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want,+got):\n%s", diff)
		}
	})
}

func TestApplyTransformation(t *testing.T) {
	spec := userChange("apps/v1/Deployment", map[string]string{"app": "web"}, path("spec.template.spec.containers[0].image", "replace", "string", "web:2")).Spec
	const manifest = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, labels: {app: web}}, spec: {template: {spec: {containers: [{image: 'web:1'}]}}}}"
	t.Run("changes one object as a migration would", func(t *testing.T) {
		obj := objecttest.Parse(t, manifest)
		if specs := SelectedSpecs(spec, obj); len(specs) != 1 {
			t.Errorf("selected by %v", specs)
		}
		changed, err := ApplyTransformation(spec, obj)
		if !changed || err != nil {
			t.Fatalf("changed %v, error %v", changed, err)
		}
		want := objecttest.Parse(t, `{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{image: 'web:2'}]}}},
metadata: {name: web, labels: {app: web}, annotations: {stork.libopenstorage.org/resourcetransformation-name: "true"}}}`)
		if diff := cmp.Diff(want.Object, obj.Object); diff != "" {
			t.Errorf("(-want,+got):\n%s", diff)
		}
	})
	t.Run("leaves an object alone that it does not select", func(t *testing.T) {
		obj := objecttest.Parse(t, strings.Replace(manifest, "app: web", "app: db", 1))
		changed, err := ApplyTransformation(spec, obj)
		if changed || err != nil || SelectedSpecs(spec, obj) != nil {
			t.Errorf("changed %v, error %v", changed, err)
		}
	})
	t.Run("refuses nothing", func(t *testing.T) {
		_, err := ApplyTransformation(spec, nil)
		wantError(t, err, "the object is empty")
	})
}
