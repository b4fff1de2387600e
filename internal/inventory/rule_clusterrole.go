package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// clusterRoleRule keeps ClusterRoles that are bound in a migrated namespace or to somebody in it, unless they are Kubernetes' own.
func clusterRoleRule(role *unstructured.Unstructured, f *facts) verdict {
	return keepIf(!isBuiltInRBAC(role) && f.boundClusterRoles.Has(role.GetName()))
}
