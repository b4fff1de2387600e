package clusterpair

import (
	"slices"
	"strings"

	"github.com/godwit-io/godwit/internal/remote"
)

// resource is a kind that migrations write.
type resource struct{ group, name string }

// clusterResources are in no namespace.
func clusterResources() []resource {
	return []resource{
		{"", "namespaces"},
		{"", "persistentvolumes"},
		{"apiextensions.k8s.io", "customresourcedefinitions"},
		{"rbac.authorization.k8s.io", "clusterroles"},
		{"rbac.authorization.k8s.io", "clusterrolebindings"},
	}
}

// namespaceResources stand for all kinds in namespaces: who may write these may as a rule write the others.
func namespaceResources() []resource {
	return []resource{
		{"", "persistentvolumeclaims"},
		{"", "configmaps"},
		{"", "secrets"},
		{"", "services"},
		{"", "serviceaccounts"},
		{"apps", "deployments"},
		{"apps", "statefulsets"},
		{"batch", "cronjobs"},
		{"rbac.authorization.k8s.io", "roles"},
		{"rbac.authorization.k8s.io", "rolebindings"},
	}
}

// permissions are what a credential needs for migrations: in all namespaces, or only in the one given.
func permissions(namespace string) []remote.Permission {
	return slices.Concat(onAll(clusterResources(), ""), onAll(namespaceResources(), namespace))
}

func onAll(resources []resource, namespace string) []remote.Permission {
	var all []remote.Permission
	for _, r := range resources {
		for _, verb := range []string{"get", "list", "create", "patch", "delete"} {
			all = append(all, remote.Permission{Verb: verb, Group: r.group, Resource: r.name, Namespace: namespace})
		}
	}
	return all
}

// split separates the permissions that a pair cannot do without from those on kinds in no namespace. A pair outside the admin
// namespace can do without the latter, because a Migration may name a pair of the admin namespace for them.
func split(missing []remote.Permission) (required, optional []remote.Permission) {
	forCluster := onAll(clusterResources(), "")
	for _, permission := range missing {
		if slices.Contains(forCluster, permission) {
			optional = append(optional, permission)
		} else {
			required = append(required, permission)
		}
	}
	return required, optional
}

// describe lists permissions for people: the verbs on one resource together, and then the resources with the same verbs in the
// same namespace, for example "create, patch namespaces, persistentvolumes; get secrets in namespace web".
func describe(permissions []remote.Permission) string {
	type group struct{ verbs, namespace string }
	var groups []group
	resources := map[group][]string{}
	for i := 0; i < len(permissions); {
		last := i
		var verbs []string
		for last < len(permissions) && sameResource(permissions[i], permissions[last]) {
			verbs = append(verbs, permissions[last].Verb)
			last++
		}
		g := group{verbs: strings.Join(verbs, ", "), namespace: permissions[i].Namespace}
		if _, known := resources[g]; !known {
			groups = append(groups, g)
		}
		resources[g] = append(resources[g], permissions[i].QualifiedResource())
		i = last
	}
	var texts []string
	for _, g := range groups {
		text := g.verbs + " " + strings.Join(resources[g], ", ")
		if g.namespace != "" {
			text += " in namespace " + g.namespace
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

func sameResource(a, b remote.Permission) bool {
	a.Verb, b.Verb = "", ""
	return a == b
}
