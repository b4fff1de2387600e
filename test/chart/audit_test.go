package chart_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/godwit-io/godwit/hack/localcluster"
)

// operatorUser is the name of the chart's ServiceAccount as a user.
const operatorUser = "system:serviceaccount:" + namespace + ":" + release

// dryRunRole is what the chart calls the role that only dry runs need.
const dryRunRole = release + "-dry-run"

// request is something that the operator asked for.
type request struct {
	verb, group, resource, namespace, name string
	dryRun                                 bool
}

func (r request) String() string {
	return fmt.Sprintf("%s %s.%s %s/%s", r.verb, r.resource, r.group, r.namespace, r.name)
}

// auditEvent is what the API server wrote down of a request.
type auditEvent struct {
	Verb, RequestURI string
	ObjectRef        *struct{ Resource, Subresource, APIGroup, Namespace, Name string }
	ResponseStatus   struct{ Code int }
	Annotations      map[string]string
}

// requested returns what the operator asked for so far, apart from what every user may. refused are those that it may not.
func requested() (all, refused []request) {
	GinkgoHelper()
	events, err := localcluster.AuditEvents[auditEvent](workspace, "")
	Expect(err).NotTo(HaveOccurred())
	for _, event := range events {
		if event.ObjectRef == nil {
			continue
		}
		found := event.requests()
		all = append(all, found...)
		if event.Annotations["authorization.k8s.io/decision"] == "forbid" {
			refused = append(refused, found...)
		}
	}
	return all, refused
}

// requests are those that the API server authorizes for an event: some need a second right.
func (e *auditEvent) requests() []request {
	GinkgoHelper()
	parsed, err := url.Parse(e.RequestURI)
	Expect(err).NotTo(HaveOccurred())
	first := request{
		verb: e.Verb, group: e.ObjectRef.APIGroup, resource: e.ObjectRef.Resource, namespace: e.ObjectRef.Namespace, name: e.ObjectRef.Name,
		dryRun: parsed.Query().Has("dryRun"),
	}
	if e.ObjectRef.Subresource != "" {
		first.resource += "/" + e.ObjectRef.Subresource
	}
	second := first
	second.verb = "create"
	switch {
	case e.Verb == "patch" && e.ResponseStatus.Code == 201, // An apply that creates.
		e.Verb == "get" && first.resource == "pods/exec": // Over WebSocket, since Kubernetes 1.35.
		return []request{first, second}
	}
	return []request{first}
}

// grant is the smallest part of a role: one verb on one resource.
type grant struct {
	role, namespace, group, resource, verb string
	// name of the only object; empty for all.
	name string
}

func (g grant) allows(r request) bool {
	matches := func(granted, asked string) bool { return granted == "*" || granted == asked }
	return matches(g.group, r.group) && matches(g.resource, r.resource) && g.verb == r.verb &&
		(g.namespace == "" || g.namespace == r.namespace) && (g.name == "" || g.name == r.name) &&
		(g.role != dryRunRole || r.dryRun)
}

// grantsOf returns what roles among the objects grant the operator.
func grantsOf(objects []*unstructured.Unstructured) []grant {
	GinkgoHelper()
	bound := sets.New[string]()
	for _, object := range objects {
		var binding rbacv1.RoleBinding
		if strings.HasSuffix(object.GetKind(), "RoleBinding") {
			Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &binding)).To(Succeed())
			Expect(binding.Subjects).To(ConsistOf(rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: release}))
			bound.Insert(binding.RoleRef.Kind + " " + binding.RoleRef.Name)
		}
	}
	var grants []grant
	for _, object := range objects {
		var role rbacv1.Role
		if bound.Has(object.GetKind() + " " + object.GetName()) {
			Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role)).To(Succeed())
			for _, rule := range role.Rules {
				grants = append(grants, split(role.Name, role.Namespace, rule)...)
			}
		}
	}
	return grants
}

func split(role, namespace string, rule rbacv1.PolicyRule) []grant {
	var grants []grant
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				for _, name := range names {
					grants = append(grants, grant{role: role, namespace: namespace, group: group, resource: resource, name: name, verb: verb})
				}
			}
		}
	}
	return grants
}

// judge returns the requests that no grant allows, and the grants without which all requests would still be allowed.
func judge(requests []request, grants []grant) (unallowed []request, unneeded []grant) {
	needed := sets.New[grant]()
	for _, request := range requests {
		var allowing []grant
		for _, grant := range grants {
			if grant.allows(request) {
				allowing = append(allowing, grant)
			}
		}
		switch len(allowing) {
		case 0:
			unallowed = append(unallowed, request)
		case 1:
			needed.Insert(allowing[0])
		}
	}
	return unallowed, slices.DeleteFunc(grants, needed.Has)
}
