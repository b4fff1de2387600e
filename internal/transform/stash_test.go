package transform

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload/objecttest"
)

func stashOptions() Options {
	return Options{
		Namespaces: map[string]string{"shop": "shop-dr"},
		Registrations: []storkv1alpha1.ApplicationResource{{
			Group: "Search.example.com", Version: "v1", Kind: "Elasticsearch", StashStrategy: storkv1alpha1.StashStrategy{StashCR: true},
		}},
		OwnedClaims: map[types.UID]map[string]metav1.OwnerReference{"u": {"data-0": {
			APIVersion: "Search.example.com/v1", Kind: "Elasticsearch", Name: "es", Controller: new(true), UID: "u", BlockOwnerDeletion: new(true),
		}}},
	}
}

const elasticsearch = "{apiVersion: Search.example.com/v1, kind: Elasticsearch, metadata: {name: es, namespace: shop, uid: u}, spec: {count: 3}, status: {a: b}}"

func TestStash(t *testing.T) {
	t.Run("puts the transformed custom resource into a ConfigMap", func(t *testing.T) {
		options := stashOptions()
		options.Transformations = map[string]*storkv1alpha1.ResourceTransformation{
			"shop": userChange("Search.example.com/v1/Elasticsearch", nil, path("spec.count", "replace", "int", "1")),
		}
		result, err := NewPipeline(options).Run(objecttest.Parse(t, elasticsearch))
		if err != nil {
			t.Fatal(err)
		}
		want := objecttest.Parse(t, `
apiVersion: v1
kind: ConfigMap
metadata:
  name: elasticsearch-search.example.com-es
  namespace: shop-dr
  labels: {stash-cr: "true", resource-kind: Elasticsearch}
  annotations: {stork.libopenstorage.org/skip-resource: "true", stork.libopenstorage.org/created-by-stork: "true"}
data: {name: es}`)
		data := result.Object.Object["data"].(map[string]any)
		object, claims := data["cr-runtime-object"].(string), data["ownedPVCs"].(string)
		delete(data, "cr-runtime-object")
		delete(data, "ownedPVCs")
		if diff := cmp.Diff(want.Object, result.Object.Object); diff != "" {
			t.Errorf("(-want,+got):\n%s", diff)
		}
		wantObject := objecttest.Parse(t, `{apiVersion: Search.example.com/v1, kind: Elasticsearch, spec: {count: 1},
metadata: {name: es, namespace: shop-dr, annotations: {stork.libopenstorage.org/resourcetransformation-name: "true"}}}`)
		if diff := cmp.Diff(wantObject.Object, objecttest.Parse(t, object).Object); diff != "" {
			t.Errorf("object (-want,+got):\n%s", diff)
		}
		owners := map[string]metav1.OwnerReference{}
		if err := json.Unmarshal([]byte(claims), &owners); err != nil {
			t.Fatal(err)
		}
		wantOwners := map[string]metav1.OwnerReference{"data-0": {APIVersion: "Search.example.com/v1", Kind: "Elasticsearch", Name: "es", Controller: new(true)}}
		if diff := cmp.Diff(wantOwners, owners); diff != "" {
			t.Errorf("owned claims (-want,+got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"Namespace", "Stash"}, result.Changes); diff != "" || result.TransformedBy != "adapt" {
			t.Errorf("transformed by %q, changes (-want,+got):\n%s", result.TransformedBy, diff)
		}
	})
	t.Run("does nothing where applications are started", func(t *testing.T) {
		options := stashOptions()
		options.StartApplications = true
		result, err := NewPipeline(options).Run(objecttest.Parse(t, elasticsearch))
		if err != nil || result.Object.GetKind() != "Elasticsearch" {
			t.Errorf("got %v, error %v", result.Object, err)
		}
	})
	t.Run("refuses what is in no namespace", func(t *testing.T) {
		_, err := NewPipeline(stashOptions()).Run(objecttest.Parse(t, strings.Replace(elasticsearch, "namespace: shop, ", "", 1)))
		wantError(t, err, "Stash: a cluster-scoped custom resource cannot wait in a ConfigMap")
	})
}

func TestStashName(t *testing.T) {
	source := Source{GroupVersionKind: schema.GroupVersionKind{Group: "Example.com", Kind: "Database"}}
	for name, tc := range map[string]struct{ name, want string }{
		"has kind, group and name":         {"db", "database-example.com-db"},
		"is cut to the length of names":    {strings.Repeat("x", 300), "database-example.com-" + strings.Repeat("x", 232)},
		"does not end where names may not": {strings.Repeat("x", 231) + ".-yyy", "database-example.com-" + strings.Repeat("x", 231)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := stashName(source, tc.name); got != tc.want {
				t.Errorf("want %s, got %s", tc.want, got)
			}
		})
	}
}
