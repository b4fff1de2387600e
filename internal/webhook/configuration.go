package webhook

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// configuration tells the API server where webhooks are: either kind of them.
type configuration struct {
	object client.Object
	// name is its kind and name.
	name string
	// webhooks are in object.
	webhooks []*admissionregistrationv1.WebhookClientConfig
}

// configurations reads both, which have the same name.
func (c *Certificate) configurations(ctx context.Context) ([]configuration, error) {
	validating, mutating := &admissionregistrationv1.ValidatingWebhookConfiguration{}, &admissionregistrationv1.MutatingWebhookConfiguration{}
	found := []configuration{
		{object: validating, name: "ValidatingWebhookConfiguration " + c.Configuration},
		{object: mutating, name: "MutatingWebhookConfiguration " + c.Configuration},
	}
	for _, configuration := range found {
		if err := c.Client.Get(ctx, types.NamespacedName{Name: c.Configuration}, configuration.object); err != nil {
			return nil, fmt.Errorf("reading %s: %w", configuration.name, err)
		}
	}
	for i := range validating.Webhooks {
		found[0].webhooks = append(found[0].webhooks, &validating.Webhooks[i].ClientConfig)
	}
	for i := range mutating.Webhooks {
		found[1].webhooks = append(found[1].webhooks, &mutating.Webhooks[i].ClientConfig)
	}
	return found, nil
}

// hostsOf returns the hosts at which the API server calls the webhooks.
func hostsOf(configurations []configuration) ([]string, error) {
	var hosts []string
	for _, configuration := range configurations {
		if len(configuration.webhooks) == 0 {
			return nil, fmt.Errorf("%s has no webhooks: install it again", configuration.name)
		}
		for _, at := range configuration.webhooks {
			host, err := hostOf(at)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", configuration.name, err)
			}
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts), nil
}

func hostOf(at *admissionregistrationv1.WebhookClientConfig) (string, error) {
	if at.Service != nil {
		return at.Service.Name + "." + at.Service.Namespace + ".svc", nil
	}
	address, err := url.Parse(*at.URL) // The API server has seen to it that one of them is there.
	if err != nil {
		return "", fmt.Errorf("url of a webhook: %w", err)
	}
	return address.Hostname(), nil
}

// trust has a configuration name the certificate's authority for every webhook.
func (c *Certificate) trust(ctx context.Context, configuration configuration, certificate *tls.Certificate) error {
	before := configuration.object.DeepCopyObject().(client.Object)
	authority := certificate.Certificate[len(certificate.Certificate)-1]
	changed := false
	for _, at := range configuration.webhooks {
		if trusted := c.authorities(at.CABundle); !slices.ContainsFunc(trusted, isCertificate(authority)) {
			at.CABundle = encode(append(trusted, authority))
			changed = true
		}
	}
	if !changed {
		return nil
	}
	err := c.Client.Patch(ctx, configuration.object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return fmt.Errorf("writing the authority of the webhooks' certificate into %s: %w", configuration.name, err)
	}
	return nil
}
