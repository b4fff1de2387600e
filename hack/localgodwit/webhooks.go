package localgodwit

import (
	"context"
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
	configuration, err := webhookConfiguration(root, addresses[0])
	if err != nil {
		return "", err
	}
	client, err := Client(config)
	if err != nil {
		return "", err
	}
	return "--webhook-bind-address=" + addresses[0], client.Create(ctx, configuration)
}

// webhookConfiguration is the one that users install, but for the address: there is no network of Services here.
func webhookConfiguration(root, address string) (*admissionregistrationv1.ValidatingWebhookConfiguration, error) {
	content, err := os.ReadFile(filepath.Join(root, "config", "webhook", "configuration.yaml"))
	if err != nil {
		return nil, err
	}
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := yaml.UnmarshalStrict(content, configuration); err != nil {
		return nil, err
	}
	for i := range configuration.Webhooks {
		service := configuration.Webhooks[i].ClientConfig.Service
		configuration.Webhooks[i].ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: new("https://" + address + *service.Path)}
	}
	return configuration, nil
}
