package inventory

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// roleRule leaves out the Roles of the cluster's own components.
func roleRule(role *unstructured.Unstructured, _ *facts) verdict {
	return keepIf(!strings.HasPrefix(role.GetName(), "system:"))
}
