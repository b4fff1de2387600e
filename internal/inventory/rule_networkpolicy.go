package inventory

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// networkPolicyRule leaves out NetworkPolicies with address blocks, which are seldom those of the destination, unless they are
// asked for.
func networkPolicyRule(policy *unstructured.Unstructured, f *facts) verdict {
	if !f.addresses && (hasAddresses(policy, "ingress", "from") || hasAddresses(policy, "egress", "to")) {
		return skip("it names address blocks; includeNetworkPolicyWithCIDR migrates it")
	}
	return keep
}

func hasAddresses(policy *unstructured.Unstructured, direction, peers string) bool {
	for _, rule := range elements(policy.Object, "spec", direction) {
		for _, peer := range elements(rule, peers) {
			if text(peer, "ipBlock", "cidr") != "" {
				return true
			}
		}
	}
	return false
}
