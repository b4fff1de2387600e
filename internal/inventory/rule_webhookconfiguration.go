package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// webhookConfigurationRule keeps configurations one of whose webhooks is answered from a migrated namespace.
func webhookConfigurationRule(configuration *unstructured.Unstructured, f *facts) verdict {
	return keepIf(slices.ContainsFunc(elements(configuration.Object, "webhooks"), func(webhook map[string]any) bool {
		return f.namespaces.Has(text(webhook, "clientConfig", "service", "namespace"))
	}))
}
