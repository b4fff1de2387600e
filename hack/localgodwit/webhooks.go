package localgodwit

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// InstallWebhooks tells an API server of the operator's webhooks, from the checkout at root, and returns the argument that has the
// operator serve them. From then on what they judge is refused while the operator does not run, as in a real cluster.
func InstallWebhooks(ctx context.Context, config *rest.Config, root string) (arg string, err error) {
	addresses, err := FreeAddresses(1)
	if err != nil {
		return "", err
	}
	client, err := Client(config)
	if err != nil {
		return "", err
	}
	validating, mutating := &admissionregistrationv1.ValidatingWebhookConfiguration{}, &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := errors.Join(readWebhooks(root, "configuration.yaml", validating), readWebhooks(root, "mutating.yaml", mutating)); err != nil {
		return "", err
	}
	for i := range validating.Webhooks {
		route(&validating.Webhooks[i].ClientConfig, addresses[0])
	}
	for i := range mutating.Webhooks {
		route(&mutating.Webhooks[i].ClientConfig, addresses[0])
	}
	return "--webhook-bind-address=" + addresses[0], errors.Join(client.Create(ctx, validating), client.Create(ctx, mutating))
}

// readWebhooks reads a configuration that users install.
func readWebhooks(root, file string, configuration any) error {
	content, err := os.ReadFile(filepath.Join(root, "config", "webhook", file))
	if err != nil {
		return err
	}
	return yaml.UnmarshalStrict(content, configuration)
}

// route leads to an address: there is no network of Services here.
func route(at *admissionregistrationv1.WebhookClientConfig, address string) {
	*at = admissionregistrationv1.WebhookClientConfig{URL: new("https://" + address + *at.Service.Path)}
}
