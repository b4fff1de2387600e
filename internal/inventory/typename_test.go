package inventory

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestTypeNames(t *testing.T) {
	deployment := Resource{GroupResource: schema.GroupResource{Group: "apps", Resource: "deployments"}, Kind: "Deployment",
		Singular: "deployment", ShortNames: []string{"deploy"}}
	service := Resource{GroupResource: schema.GroupResource{Resource: "services"}, Kind: "Service", Singular: "service", ShortNames: []string{"svc"}}
	knative := Resource{GroupResource: schema.GroupResource{Group: "serving.knative.dev", Resource: "services"}, Kind: "Service",
		Singular: "service", ShortNames: []string{"kservice", "ksvc"}}
	condition := Resource{GroupResource: schema.GroupResource{Group: "operators.coreos.com", Resource: "operatorconditions"}, Kind: "OperatorCondition",
		ShortNames: []string{"condition"}}
	all := map[string]Resource{"deployment": deployment, "service": service, "knative": knative, "condition": condition}
	for name, want := range map[string][]string{
		"Deployment":                             {"deployment"},
		"deployment":                             {"deployment"},
		"DEPLOYMENTS":                            {"deployment"},
		"deploy":                                 {"deployment"},
		" deploy ":                               {"deployment"},
		"deployments.apps":                       {"deployment"},
		"Deployment.Apps":                        {"deployment"},
		"deployments.extensions":                 nil,
		"deployments.":                           nil,
		"service":                                {"knative", "service"},
		"Service.serving.knative.dev":            {"knative"},
		"ksvc.serving.knative.dev":               {"knative"},
		"services.knative.dev":                   nil,
		"services.core":                          {"service"},
		"svc.":                                   {"service"},
		"operatorconditions":                     {"condition"},
		"OperatorCondition.operators.coreos.com": {"condition"},
		"depl":                                   nil,
		"":                                       nil,
		".":                                      nil,
		".apps":                                  nil,
		"deployments.apps.":                      nil,
	} {
		t.Run(name, func(t *testing.T) {
			matched := map[string]bool{}
			for key, resource := range all {
				if parseTypeName(name).matches(resource) {
					matched[key] = true
				}
			}
			if got := keysOf(matched); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// FuzzTypeName checks that every name of a resource matches in any case with and without its group, and that no other does.
func FuzzTypeName(f *testing.F) {
	f.Add("Deployment", "apps", "deploy")
	f.Add("", "", "")
	f.Add("a.b", "c..d", " ")
	f.Add("K", "ſ", "K")
	f.Fuzz(func(t *testing.T, kind, group, other string) {
		parsed := parseTypeName(other)
		r := Resource{GroupResource: schema.GroupResource{Group: group, Resource: "things"}, Kind: kind}
		if parsed.matches(r) {
			if fold := strings.EqualFold; !fold(parsed.name, kind) && !fold(parsed.name, "things") {
				t.Errorf("%q matches kind %q", other, kind)
			}
		}
		if strings.ContainsAny(kind+group, ". \t\n\r\v\f\u0085\u00a0") || strings.TrimSpace(kind) != kind || strings.TrimSpace(group) != group || kind == "" || strings.EqualFold(group, coreGroup) {
			return // Nothing of this can be a kind or a group without dots.
		}
		for _, name := range []string{kind, kind + "." + group, "things." + group} {
			if !parseTypeName(name).matches(r) {
				t.Errorf("%q does not match kind %q of group %q", name, kind, group)
			}
		}
	})
}

func TestKindsOfAName(t *testing.T) {
	served := Served{Resources: []Resource{
		{GroupResource: schema.GroupResource{Resource: "services"}, Kind: "Service", Singular: "service", ShortNames: []string{"svc"}},
		{GroupResource: schema.GroupResource{Group: "serving.knative.dev", Resource: "services"}, Kind: "Service", Singular: "service"},
		{GroupResource: schema.GroupResource{Group: "apps", Resource: "deployments"}, Kind: "Deployment"},
		{GroupResource: schema.GroupResource{Group: "example.com", Resource: "widgets"}, Kind: "SVC"},
	}}
	for name, want := range map[string][]string{
		"deployments":                  {"Deployment"},
		"services":                     {"Service"},
		"svc":                          {"Service", "SVC"},
		"svc.core":                     {"Service.core"},
		"services.serving.knative.dev": {"Service.serving.knative.dev"},
		"nothing":                      nil,
	} {
		if got := served.Kinds(name); !slices.Equal(got, want) {
			t.Errorf("%q means %v, want %v", name, got, want)
		}
	}
}
