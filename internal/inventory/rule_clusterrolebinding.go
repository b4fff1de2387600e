package inventory

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
)

// clusterRoleBindingRule keeps ClusterRoleBindings that give something to a migrated namespace, unless they are Kubernetes' own.
func clusterRoleBindingRule(binding *unstructured.Unstructured, f *facts) verdict {
	return keepIf(!isBuiltInRBAC(binding) && bindsInto(binding, f.namespaces))
}

func learnClusterRoleBinding(f *facts, binding *unstructured.Unstructured) {
	if !optedOut(binding) && !deleting(binding) && bindsInto(binding, f.namespaces) {
		f.boundClusterRoles.Insert(text(binding.Object, "roleRef", "name"))
	}
}

// isBuiltInRBAC tells whether every cluster has the ClusterRole or ClusterRoleBinding anyway.
func isBuiltInRBAC(object *unstructured.Unstructured) bool {
	return strings.HasPrefix(object.GetName(), "system:") || object.GetLabels()["kubernetes.io/bootstrapping"] == "rbac-defaults"
}

func bindsInto(binding *unstructured.Unstructured, namespaces sets.Set[string]) bool {
	return slices.ContainsFunc(elements(binding.Object, "subjects"), func(subject map[string]any) bool {
		return namespaces.Has(namespaceOfSubject(subject))
	})
}

// namespaceOfSubject returns the namespace of the service accounts that a subject stands for, in whichever of the three forms;
// empty if it is something else. Whether the service account exists does not matter.
func namespaceOfSubject(subject map[string]any) string {
	name := text(subject, "name")
	switch text(subject, "kind") {
	case "ServiceAccount":
		return text(subject, "namespace")
	case "User":
		if account, found := strings.CutPrefix(name, "system:serviceaccount:"); found {
			namespace, _, _ := strings.Cut(account, ":")
			return namespace
		}
	case "Group":
		if namespace, found := strings.CutPrefix(name, "system:serviceaccounts:"); found {
			return namespace
		}
	}
	return ""
}
