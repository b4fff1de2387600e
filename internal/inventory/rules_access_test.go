package inventory

import (
	"testing"
)

func clusterRoleBinding(metadata, subjects string) string {
	return `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {` + metadata + `},
		roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}, subjects: [` + subjects + `]}`
}

const shopAccount = `{kind: ServiceAccount, name: app, namespace: shop}`

func TestClusterRoleBindings(t *testing.T) {
	runRuleTests(t, map[string]ruleTest{
		"keeps that of a service account":           {object: clusterRoleBinding("name: b", shopAccount), want: true},
		"keeps that of the default service account": {object: clusterRoleBinding("name: b", `{kind: ServiceAccount, name: default, namespace: shop}`), want: true},
		"keeps that of a user who is a service account": {object: clusterRoleBinding("name: b",
			`{kind: User, name: "system:serviceaccount:stock:app"}`), want: true},
		"keeps that of all service accounts of the namespace": {object: clusterRoleBinding("name: b",
			`{kind: Group, name: "system:serviceaccounts:stock"}`), want: true},
		"keeps it for one subject of several":             {object: clusterRoleBinding("name: b", `{kind: User, name: ann}, `+shopAccount), want: true},
		"leaves out that of another namespace":            {object: clusterRoleBinding("name: b", `{kind: ServiceAccount, name: app, namespace: shopping}`)},
		"leaves out that of a person":                     {object: clusterRoleBinding("name: b", `{kind: User, name: shop}`)},
		"leaves out that of all service accounts":         {object: clusterRoleBinding("name: b", `{kind: Group, name: "system:serviceaccounts"}`)},
		"leaves out that of a group named as a namespace": {object: clusterRoleBinding("name: b", `{kind: Group, name: shop}`)},
		"leaves out that of nobody":                       {object: clusterRoleBinding("name: b", ``)},
		"leaves out the cluster's own":                    {object: clusterRoleBinding(`name: "system:b"`, shopAccount)},
		"leaves out what Kubernetes makes":                {object: clusterRoleBinding(`name: b, labels: {kubernetes.io/bootstrapping: rbac-defaults}`, shopAccount)},
	})
}

func TestClusterRoles(t *testing.T) {
	role := func(metadata string) string {
		return `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {` + metadata + `}}`
	}
	roleBinding := func(kind, metadata string) string {
		return `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b, namespace: shop, ` + metadata + `},
			roleRef: {kind: ` + kind + `, name: reader}}`
	}
	bound := []string{clusterRoleBinding("name: b", shopAccount)}
	runRuleTests(t, map[string]ruleTest{
		"keeps what is bound to somebody in the namespace": {object: role("name: reader"), with: bound, want: true},
		"keeps what is bound in the namespace":             {object: role("name: reader"), with: []string{roleBinding("ClusterRole", "")}, want: true},
		"keeps what a binding of the cluster's own names":  {object: role("name: reader"), with: []string{clusterRoleBinding(`name: "system:b"`, shopAccount)}, want: true},
		"leaves out what is bound elsewhere":               {object: role("name: reader"), with: []string{clusterRoleBinding("name: b", `{kind: ServiceAccount, name: a, namespace: x}`)}},
		"leaves out what is not bound":                     {object: role("name: writer"), with: bound},
		"does not take a Role of the name for it":          {object: role("name: reader"), with: []string{roleBinding("Role", "")}},
		"does not count a binding that is opted out":       {object: role("name: reader"), with: []string{roleBinding("ClusterRole", `annotations: {stork.libopenstorage.org/skip-resource: "true"}`)}},
		"does not count a binding that is going":           {object: role("name: reader"), with: []string{roleBinding("ClusterRole", `deletionTimestamp: "2026-01-01T00:00:00Z"`)}},
		"leaves out what Kubernetes makes":                 {object: role("name: reader, labels: {kubernetes.io/bootstrapping: rbac-defaults}"), with: bound},
		"leaves out the cluster's own":                     {object: role(`name: "system:reader"`), with: []string{`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {namespace: shop}, roleRef: {kind: ClusterRole, name: "system:reader"}}`}},
	})
}

func TestRolesAndBindings(t *testing.T) {
	object := func(kind, name string) string {
		return `{apiVersion: rbac.authorization.k8s.io/v1, kind: ` + kind + `, metadata: {name: "` + name + `", namespace: shop}}`
	}
	runRuleTests(t, map[string]ruleTest{
		"keeps a Role":                              {object: object("Role", "r"), want: true},
		"leaves out the cluster's own Role":         {object: object("Role", "system:r")},
		"keeps a RoleBinding":                       {object: object("RoleBinding", "b"), want: true},
		"leaves out the cluster's own RoleBinding":  {object: object("RoleBinding", "system:image-pullers")},
		"keeps OpenShift's binding of a constraint": {object: object("RoleBinding", "system:openshift:scc:anyuid"), want: true},
	})
}

func TestServiceAccounts(t *testing.T) {
	account := func(name, secrets string) string {
		return `{apiVersion: v1, kind: ServiceAccount, metadata: {name: ` + name + `, namespace: shop}, imagePullSecrets: [` + secrets + `]}`
	}
	tests := map[string]ruleTest{"keeps an application's": {object: account("app", ""), want: true}}
	for _, name := range []string{"default", "builder", "deployer"} {
		tests["leaves out "+name] = ruleTest{object: account(name, "")}
		tests["leaves out "+name+" with its own pull secret"] = ruleTest{object: account(name, `{name: `+name+`-dockercfg-abcde}`)}
		tests["keeps "+name+" with another pull secret"] = ruleTest{object: account(name, `{name: `+name+`-dockercfg-abcde}, {name: mine}`), want: true}
	}
	runRuleTests(t, tests)
}

func TestWebhookConfigurations(t *testing.T) {
	configuration := func(kind, clients string) string {
		return `{apiVersion: admissionregistration.k8s.io/v1, kind: ` + kind + `, metadata: {name: w}, webhooks: [` + clients + `]}`
	}
	const elsewhere, here = `{clientConfig: {service: {namespace: x, name: s}}}`, `{clientConfig: {service: {namespace: shop, name: s}}}`
	runRuleTests(t, map[string]ruleTest{
		"keeps a mutating one that is answered here":   {object: configuration("MutatingWebhookConfiguration", elsewhere+","+here), want: true},
		"keeps a validating one that is answered here": {object: configuration("ValidatingWebhookConfiguration", here), want: true},
		"leaves out one that is answered elsewhere":    {object: configuration("ValidatingWebhookConfiguration", elsewhere)},
		"leaves out one that is answered by a URL":     {object: configuration("MutatingWebhookConfiguration", `{clientConfig: {url: "https://x"}}`)},
	})
}
