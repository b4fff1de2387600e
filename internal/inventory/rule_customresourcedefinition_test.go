package inventory

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestDefinitions(t *testing.T) {
	all := definitions{}
	add := func(plural, group, categories, metadata string) {
		object := &unstructured.Unstructured{Object: parse(t, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
			metadata: {name: `+plural+`.`+group+`, `+metadata+`},
			spec: {group: `+group+`, names: {plural: `+plural+`, categories: [`+categories+`]}}}`).Object}
		d, _ := newDefinition(object)
		all[d.resource] = d
	}
	add("kafkas", "kafka.example.com", "all, streams", "")
	add("users", "kafka.example.com", "", "")
	add("connectors", "connect.example.com", "streams", "")
	add("subscriptions", "operators.example.com", "all, olm, coreoperators", "")
	add("others", "other.example.com", "everything", "")
	add("kept", "kafka.example.com", "", `annotations: {stork.libopenstorage.org/skip-resource: "true"}`)
	add("migrations", "stork.libopenstorage.org", "streams", "")

	names := func(groups ...string) map[string]bool {
		found := map[string]bool{}
		for _, d := range all.neededBy(setOf(groups...)) {
			found[d.resource.Resource] = true
			var whole unstructured.Unstructured
			if err := whole.UnmarshalJSON(d.content); err != nil || whole.GetName() != d.resource.String() {
				t.Errorf("%s came back as %q, %v", d.resource, whole.GetName(), err)
			}
		}
		return found
	}
	expect := func(got map[string]bool, want ...string) {
		t.Helper()
		if len(got) != len(want) || !setOf(want...).HasAll(keysOf(got)...) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	expect(names("kafka.example.com"), "kafkas", "users", "connectors")
	expect(names("operators.example.com"), "subscriptions")
	expect(names("other.example.com"), "others")
	expect(names())
}
