package transform

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// rewriteNamespaceSelectors calls rewrite with every selector of namespaces in an object: those of NetworkPolicies, of pod
// affinity, and of webhook configurations.
func rewriteNamespaceSelectors(content map[string]any, kind schema.GroupKind, rewrite func(selector map[string]any) bool) (changed bool) {
	visit := func(parent map[string]any) {
		if selector := field.Map(parent, "namespaceSelector"); selector != nil {
			changed = rewrite(selector) || changed
		}
	}
	switch kind {
	case networkPolicyKind:
		eachPeer(field.Map(content, "spec"), visit)
	case mutatingWebhookKind, validatingWebhookKind:
		for webhook := range field.Maps(content, "webhooks") {
			visit(webhook)
		}
	default:
		eachPodAffinityTerm(podSpec(content, kind), visit)
	}
	return changed
}

func eachPeer(spec map[string]any, visit func(peer map[string]any)) {
	for direction, side := range map[string]string{"ingress": "from", "egress": "to"} {
		for rule := range field.Maps(spec, direction) {
			for peer := range field.Maps(rule, side) {
				visit(peer)
			}
		}
	}
}

// rewriteSelector replaces values that a label selector asks of the keys that match. A value that replace has nothing for stays:
// a selector with a requirement less would select more.
func rewriteSelector(selector map[string]any, matches func(key string) bool, replace func(value string) (string, bool)) (changed bool) {
	labels := field.Map(selector, "matchLabels")
	for key, value := range labels {
		if matches(key) {
			changed = rewriteValue(value, replace, func(value string) { labels[key] = value }) || changed
		}
	}
	for expression := range field.Maps(selector, "matchExpressions") {
		if matches(field.String(expression, "key")) {
			changed = rewriteList(field.List(expression, "values"), replace) || changed
		}
	}
	return changed
}

func rewriteList(values []any, replace func(value string) (string, bool)) (changed bool) {
	for i, value := range values {
		changed = rewriteValue(value, replace, func(value string) { values[i] = value }) || changed
	}
	return changed
}

func rewriteValue(value any, replace func(string) (string, bool), set func(string)) (changed bool) {
	old, ok := value.(string)
	if !ok {
		return false
	}
	replaced, ok := replace(old)
	if !ok || replaced == old {
		return false
	}
	set(replaced)
	return true
}
