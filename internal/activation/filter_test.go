package activation

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func TestFilter(t *testing.T) {
	kind := Kind{
		GroupVersionKind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
		Resource:         schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
	}
	object := &unstructured.Unstructured{}
	object.SetNamespace("shop")
	object.SetName("web")
	object.SetLabels(map[string]string{"app": "web", "tier": "front"})
	info := func(group, kind, namespace, name string) []storkv1alpha1.ObjectInfo {
		return []storkv1alpha1.ObjectInfo{{Group: group, Kind: kind, Namespace: namespace, Name: name}}
	}
	tests := map[string]struct {
		filter Filter
		want   bool
	}{
		"no filter lets everything pass":            {Filter{}, true},
		"all selectors are there":                   {Filter{Selectors: map[string]string{"app": "web", "tier": "front"}}, true},
		"one selector is not there":                 {Filter{Selectors: map[string]string{"app": "web", "tier": "back"}}, false},
		"one excluded label is there":               {Filter{ExcludeSelectors: map[string]string{"app": "web", "tier": "back"}}, false},
		"no excluded label is there":                {Filter{ExcludeSelectors: map[string]string{"app": "db"}}, true},
		"a type by its kind in any case":            {Filter{Types: []string{"deployment"}}, true},
		"a type by its plural and group":            {Filter{Types: []string{"deployments.apps"}}, true},
		"a type of another group":                   {Filter{Types: []string{"Deployment.core"}}, false},
		"a type by group, version and kind":         {Filter{Types: []string{"apps/v1/Deployment"}}, true},
		"a type of another group, with its version": {Filter{Types: []string{"extensions/v1/Deployment"}}, false},
		"a type of the core group, by its version":  {Filter{Types: []string{"v1/Deployment"}}, false},
		"another type":                              {Filter{Types: []string{"StatefulSet"}}, false},
		"an excluded type":                          {Filter{ExcludeTypes: []string{"Deployment"}}, false},
		"an object by kind, namespace and name":     {Filter{IncludeObjects: info("", "Deployment", "shop", "web")}, true},
		"an object by name alone":                   {Filter{IncludeObjects: info("", "", "", "web")}, true},
		"an object of that name in another place":   {Filter{IncludeObjects: info("", "Deployment", "bank", "web")}, false},
		"an object of that name of another group":   {Filter{IncludeObjects: info("extensions", "Deployment", "shop", "web")}, false},
		"another object":                            {Filter{IncludeObjects: info("", "Deployment", "shop", "db")}, false},
		"an excluded object":                        {Filter{ExcludeObjects: info("apps", "Deployment", "shop", "web")}, false},
		"an excluded object of the same name alone": {Filter{ExcludeObjects: info("", "StatefulSet", "shop", "web")}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.filter.Matches(kind, object); got != test.want {
				t.Errorf("matches: %t, want %t", got, test.want)
			}
		})
	}
}
