package inventory

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// roleBindingRule leaves out the RoleBindings of the cluster's own components, but for those by which OpenShift lets service
// accounts use a security context constraint.
func roleBindingRule(binding *unstructured.Unstructured, _ *facts) verdict {
	name := binding.GetName()
	return keepIf(!strings.HasPrefix(name, "system:") || strings.HasPrefix(name, "system:openshift:scc"))
}

func learnRoleBinding(f *facts, binding *unstructured.Unstructured) {
	// A Role may have the name of a ClusterRole.
	if text(binding.Object, "roleRef", "kind") == clusterRoleKind.Kind && !optedOut(binding) && !deleting(binding) {
		f.boundClusterRoles.Insert(text(binding.Object, "roleRef", "name"))
	}
}
