package main

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
	authorizationv1client "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	webhookserver "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/godwit-io/godwit/internal/webhook"
)

// webhookSecret holds the certificate of the webhooks, in the operator's namespace.
const webhookSecret = "godwit-webhook" //nolint:gosec // The name of a Secret is none.

// newWebhookCertificate has a client of its own, since the manager's reads Secrets from the cache.
func newWebhookCertificate(restConfig *rest.Config, flags *managerFlags) (*webhook.Certificate, error) {
	uncached, err := client.New(restConfig, client.Options{Scheme: newScheme()})
	if err != nil {
		return nil, err
	}
	return &webhook.Certificate{
		Client:        uncached,
		Configuration: flags.webhookConfiguration,
		Secret:        types.NamespacedName{Namespace: cmp.Or(os.Getenv("POD_NAMESPACE"), flags.adminNamespace), Name: webhookSecret},
		Clock:         clock.RealClock{},
	}, nil
}

func newWebhookServer(address string, certificate *webhook.Certificate) (webhookserver.Server, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--webhook-bind-address: %w", err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("--webhook-bind-address: port: %w", err)
	}
	return webhookserver.NewServer(webhookserver.Options{
		Host: host, Port: int(port),
		TLSOpts: []func(*tls.Config){func(config *tls.Config) { config.GetCertificate = certificate.Get }},
	}), nil
}

// setupWebhooks serves them, and lets the operator be ready only once the API server can call them.
func setupWebhooks(mgr ctrl.Manager, certificate *webhook.Certificate, flags *managerFlags) error {
	unthrottled := rest.CopyConfig(mgr.GetConfig())
	unthrottled.QPS = -1
	authorization, err := authorizationv1client.NewForConfig(unthrottled)
	if err != nil {
		return err
	}
	if err := mgr.Add(certificate); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("webhook-certificate", certificate.Ready); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("webhook-server", mgr.GetWebhookServer().StartedChecker()); err != nil {
		return err
	}
	return webhook.SetupWithManager(mgr, authorization.SubjectAccessReviews(), webhook.Options{
		AdminNamespace: flags.adminNamespace, Policy: flags.kubeconfigPolicy(), AuthorizeRequesters: flags.authorizeRequesters,
	})
}
