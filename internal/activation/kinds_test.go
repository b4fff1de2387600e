package activation

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	dynamicfake "k8s.io/client-go/dynamic/fake"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func TestChosenKinds(t *testing.T) {
	verbs := metav1.Verbs{"list", "update"}
	groups := []*metav1.APIGroup{{Name: "g", PreferredVersion: metav1.GroupVersionForDiscovery{GroupVersion: "g/v2"}}}
	served := servedKinds(groups, []*metav1.APIResourceList{
		{GroupVersion: "g/v1", APIResources: []metav1.APIResource{
			{Name: "as", Kind: "A", Namespaced: true, Verbs: verbs},
			{Name: "as/status", Kind: "A", Namespaced: true, Verbs: verbs},
			{Name: "writeonlies", Kind: "WriteOnly", Namespaced: true, Verbs: metav1.Verbs{"create"}},
			{Name: "cs", Kind: "C", Verbs: verbs},
		}},
		{GroupVersion: "g/v2", APIResources: []metav1.APIResource{{Name: "as", Kind: "A", Namespaced: true, Verbs: verbs}}},
		{GroupVersion: "a/b/c", APIResources: []metav1.APIResource{{Name: "as", Kind: "A", Namespaced: true, Verbs: verbs}}},
	})
	kind := func(version, kind string) Kind {
		return Kind{GroupVersionKind: schema.GroupVersionKind{Group: "g", Version: version, Kind: kind}, Manner: ByRegistration}
	}
	tests := map[string]struct {
		wanted Kind
		want   string
	}{
		"the registered version where it is served":                  {kind("v1", "A"), "v1"},
		"the preferred version where the registered one is not":      {kind("v9", "A"), "v2"},
		"the preferred version where none is registered":             {kind("", "A"), "v2"},
		"nothing for a kind that is not served":                      {kind("v1", "B"), ""},
		"nothing for a kind that cannot be listed":                   {kind("v1", "WriteOnly"), ""},
		"nothing for a kind whose objects are not in any namespaces": {kind("v1", "C"), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var want []Kind
			if test.want != "" {
				chosen := kind(test.want, "A")
				chosen.Resource = chosen.GroupVersion().WithResource("as")
				want = []Kind{chosen}
			}
			if diff := cmp.Diff(want, choose([]Kind{test.wanted}, served)); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		})
	}
}

func TestRegisteredKinds(t *testing.T) {
	stoppable := func(kind string) storkv1alpha1.ApplicationResource {
		return storkv1alpha1.ApplicationResource{Group: "g", Version: "v1", Kind: kind, SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.x", Type: "int"}}
	}
	nested := storkv1alpha1.ApplicationResource{Group: "g", Version: "v1", Kind: "Nested", NestedSuspendOptions: []storkv1alpha1.SuspendOptions{{Path: "spec.x", Type: "int"}}}
	got := registeredKinds([]storkv1alpha1.ApplicationResource{stoppable("Z"), {Group: "g", Version: "v1", Kind: "Plain"}, stoppable("A"), stoppable("Z"), nested, stoppable("Known")},
		map[schema.GroupKind]bool{{Group: "g", Kind: "Known"}: true})
	var names []string
	for _, k := range got {
		names = append(names, k.Kind)
	}
	if diff := cmp.Diff([]string{"A", "Nested", "Z"}, names); diff != "" {
		t.Errorf("kinds that can be stopped, each once, sorted (-want,+got)\n%s", diff)
	}
}

// halfDiscovery is of a cluster with some groups whose API servers do not answer.
type halfDiscovery struct {
	discovery.DiscoveryInterface
	failing map[schema.GroupVersion]error
}

func (d halfDiscovery) ServerGroupsAndResources() ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	return nil, nil, &discovery.ErrGroupDiscoveryFailed{Groups: d.failing}
}

func TestOnlyGroupsOfApplicationsMatter(t *testing.T) {
	apps, metrics := schema.GroupVersion{Group: "apps", Version: "v1"}, schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1beta1"}
	for name, test := range map[string]struct {
		failing schema.GroupVersion
		notices int
	}{
		"that of Deployments is told": {apps, 1},
		"that of metrics is not":      {metrics, 0},
	} {
		t.Run(name, func(t *testing.T) {
			engine := &Engine{cluster: Cluster{
				Dynamic:   dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), registrationLists()),
				Discovery: halfDiscovery{failing: map[schema.GroupVersion]error{test.failing: errors.New("unavailable")}},
			}}
			wanted, groups, err := engine.findRegistrations(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			notices, err := engine.findKinds(t.Context(), wanted, groups)
			if err != nil || len(notices) != test.notices {
				t.Errorf("%q, %v, want %d notices", notices, err, test.notices)
			}
		})
	}
}

func registrationLists() map[schema.GroupVersionResource]string {
	return map[schema.GroupVersionResource]string{storkv1alpha1.GroupVersion.WithResource("applicationregistrations"): "ApplicationRegistrationList"}
}
