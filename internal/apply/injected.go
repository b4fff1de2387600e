package apply

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// injectAnnotations have cert-manager's cainjector write the authority of a webhook into the object, that of the cluster which the
// object is in (cert-manager's documentation, "CA Injector").
var injectAnnotations = []string{
	"cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca",
}

// keepInjected puts into an object the authorities that the one at the destination has, if it is injected: they would be written back
// and forth otherwise. A new object keeps the source's, for a destination that has no injector.
func keepInjected(object, live *unstructured.Unstructured) {
	if !isInjected(object) {
		return
	}
	present := webhookClients(live)
	for name, client := range webhookClients(object) {
		if authority := present[name]["caBundle"]; authority != nil {
			client["caBundle"] = authority
		}
	}
}

// withoutInjected returns what of an object tells one edition of it from another.
func withoutInjected(object *unstructured.Unstructured) *unstructured.Unstructured {
	if !isInjected(object) {
		return object
	}
	rest := object.DeepCopy()
	for _, client := range webhookClients(rest) {
		delete(client, "caBundle")
	}
	return rest
}

func isInjected(object *unstructured.Unstructured) bool {
	annotations := child(child(object.Object, "metadata"), "annotations")
	return slices.ContainsFunc(injectAnnotations, func(key string) bool { return annotations[key] != nil })
}

// webhookClients returns how an object's webhooks are called, by their names: those of a webhook configuration, and the one that
// converts the versions of a CustomResourceDefinition.
func webhookClients(object *unstructured.Unstructured) map[string]map[string]any {
	clients := map[string]map[string]any{}
	webhooks, _ := object.Object["webhooks"].([]any)
	for _, webhook := range webhooks {
		clients[nameOf(webhook)] = child(asObject(webhook), "clientConfig")
	}
	conversion := child(child(object.Object, "spec"), "conversion")
	clients[""] = child(child(conversion, "webhook"), "clientConfig")
	for name, client := range clients {
		if client == nil {
			delete(clients, name)
		}
	}
	return clients
}
