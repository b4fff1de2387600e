package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// resourceQuotaRule leaves out the quota that GKE puts into each namespace.
func resourceQuotaRule(quota *unstructured.Unstructured, _ *facts) verdict {
	return keepIf(quota.GetName() != "gke-resource-quotas")
}
