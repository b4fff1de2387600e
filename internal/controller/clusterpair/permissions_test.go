package clusterpair

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/godwit-io/godwit/internal/remote"
)

func TestPermissions(t *testing.T) {
	for _, p := range permissions("web") {
		if p.Resource == "namespaces" && p.Namespace != "" {
			t.Errorf("%s is asked for in a namespace", p)
		}
		if p.Resource == "secrets" && p.Namespace != "web" {
			t.Errorf("%s is asked for in all namespaces", p)
		}
	}
}

func TestSplit(t *testing.T) {
	namespaces := remote.Permission{Verb: "create", Resource: "namespaces"}
	secrets := remote.Permission{Verb: "create", Resource: "secrets", Namespace: "web"}
	version := remote.Permission{Verb: "get", Resource: "/version"}
	required, optional := split([]remote.Permission{version, namespaces, secrets})
	if diff := cmp.Diff([]remote.Permission{version, secrets}, required); diff != "" {
		t.Errorf("required (-want,+got):\n%s", diff)
	}
	if diff := cmp.Diff([]remote.Permission{namespaces}, optional); diff != "" {
		t.Errorf("optional (-want,+got):\n%s", diff)
	}
}

func TestDescribe(t *testing.T) {
	for name, tc := range map[string]struct {
		permissions []remote.Permission
		want        string
	}{
		"nothing": {nil, ""},
		"one":     {[]remote.Permission{{Verb: "patch", Group: "apps", Resource: "deployments"}}, "patch deployments.apps"},
		"verbs of one resource together": {
			[]remote.Permission{{Verb: "get", Resource: "secrets"}, {Verb: "patch", Resource: "secrets"}, {Verb: "get", Resource: "pods"}},
			"get, patch secrets; get pods",
		},
		"resources with the same verbs together": {
			[]remote.Permission{{Verb: "get", Resource: "secrets"}, {Verb: "get", Group: "apps", Resource: "deployments"}},
			"get secrets, deployments.apps",
		},
		"namespaces apart": {
			[]remote.Permission{{Verb: "get", Resource: "secrets"}, {Verb: "get", Resource: "secrets", Namespace: "web"}},
			"get secrets; get secrets in namespace web",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := describe(tc.permissions); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
