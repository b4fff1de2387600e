package inventory

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

func setOf(names ...string) sets.Set[string] { return sets.New(names...) }

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// oldServer answers as an API server does that knows no aggregated discovery. What is not in the map fails.
func oldServer(t *testing.T, answers map[string]any) discovery.DiscoveryInterface {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(oldServerConfig(t, answers))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func oldServerConfig(t *testing.T, answers map[string]any) *rest.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		answer, known := answers[request.URL.Path]
		if !known {
			http.Error(w, "the server is currently unable to handle the request", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func group(name string, versions ...string) metav1.APIGroup {
	g := metav1.APIGroup{Name: name}
	for _, version := range versions {
		g.Versions = append(g.Versions, metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + version, Version: version})
	}
	g.PreferredVersion = g.Versions[0]
	return g
}

func resourceList(groupVersion string, resources ...metav1.APIResource) metav1.APIResourceList {
	return metav1.APIResourceList{GroupVersion: groupVersion, APIResources: resources}
}

func TestDiscoverJoinsVersionsAndNamesWhatDoesNotAnswer(t *testing.T) {
	autoscaler := metav1.APIResource{Name: "horizontalpodautoscalers", SingularName: "horizontalpodautoscaler", Kind: "HorizontalPodAutoscaler",
		Namespaced: true, Verbs: []string{"create", "list"}, ShortNames: []string{"hpa"}, Categories: []string{"all"}}
	// The server prefers a version that is not the first in its list.
	autoscaling := group("autoscaling", "v1", "v2")
	autoscaling.PreferredVersion = autoscaling.Versions[1]
	served, err := Discover(t.Context(), oldServer(t, map[string]any{
		"/api":  metav1.APIVersions{Versions: []string{"v1"}},
		"/apis": metav1.APIGroupList{Groups: []metav1.APIGroup{autoscaling, group("metrics.example.com", "v1")}},
		"/api/v1": resourceList("v1",
			metav1.APIResource{Name: "namespaces", Kind: "Namespace", Verbs: []string{"list"}},
			metav1.APIResource{Name: "namespaces/status", Kind: "Namespace", Verbs: []string{"list"}},
			metav1.APIResource{Name: "bindings", Kind: "Binding", Verbs: []string{"create"}}),
		"/apis/autoscaling/v1": resourceList("autoscaling/v1", autoscaler),
		"/apis/autoscaling/v2": resourceList("autoscaling/v2", autoscaler),
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []Resource{
		{GroupResource: schema.GroupResource{Resource: "namespaces"}, Kind: "Namespace", Verbs: []string{"list"}, Versions: []string{"v1"}},
		{GroupResource: schema.GroupResource{Group: "autoscaling", Resource: "horizontalpodautoscalers"}, Kind: "HorizontalPodAutoscaler",
			Singular: "horizontalpodautoscaler", ShortNames: []string{"hpa"}, Categories: []string{"all"}, Namespaced: true,
			Verbs: []string{"create", "list"}, Versions: []string{"v2", "v1"}},
	}
	if diff := cmp.Diff(want, served.Resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	if len(served.Notices) != 1 || !strings.HasPrefix(served.Notices[0], "API group metrics.example.com/v1 was left out: its server does not answer: ") {
		t.Errorf("notices are %q", served.Notices)
	}
}

func TestDiscoverFailsWhenNothingAnswers(t *testing.T) {
	for name, answers := range map[string]map[string]any{
		"the server refuses everything": {},
		"no group answers": {
			"/api":  metav1.APIVersions{Versions: []string{"v1"}},
			"/apis": metav1.APIGroupList{Groups: []metav1.APIGroup{group("apps", "v1")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if served, err := Discover(t.Context(), oldServer(t, answers)); err == nil {
				t.Errorf("got %v and no error", served)
			}
		})
	}
}

func TestDiscoverAsksAgainWhereTheFailureMayPass(t *testing.T) {
	answering := oldServerConfig(t, map[string]any{
		"/api":    metav1.APIVersions{Versions: []string{"v1"}},
		"/apis":   metav1.APIGroupList{},
		"/api/v1": resourceList("v1", metav1.APIResource{Name: "namespaces", Kind: "Namespace", Verbs: []string{"list"}}),
	})
	var asked atomic.Int32
	answering.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if asked.Add(1) == 1 {
				return nil, io.ErrUnexpectedEOF
			}
			return next.RoundTrip(request)
		})
	})
	client, err := discovery.NewDiscoveryClientForConfig(answering)
	if err != nil {
		t.Fatal(err)
	}
	served, err := Discover(t.Context(), client)
	if err != nil || len(served.Resources) != 1 {
		t.Errorf("got %v and error %v", served.Resources, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
