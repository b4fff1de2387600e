package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// portworxPort is the name of the port for pairing in the Service portworx-api.
const portworxPort = "px-api"

// endpoint is where a Portworx cluster is reached, in the form in which a ClusterPair's options have it.
type endpoint struct {
	// host is a name, an address, or either with http:// or https:// in front.
	host string
	// port is a number.
	port string
}

// parseEndpoint reads an endpoint: host:port, or a URL of http or https, whose port may be left out. A name without a port
// means port 80, as in Stork; an address needs one.
func parseEndpoint(text string) (endpoint, error) {
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		return parseHostPort(text, "80")
	}
	if scheme != "http" && scheme != "https" {
		return endpoint{}, fmt.Errorf("invalid endpoint %s", text)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host != rest || u.Hostname() == "" {
		return endpoint{}, fmt.Errorf("invalid endpoint %s", text)
	}
	if u.Port() == "" {
		return endpoint{host: scheme + "://" + strings.TrimSuffix(u.Host, ":"), port: map[string]string{"http": "80", "https": "443"}[scheme]}, nil
	}
	e, err := parseHostPort(rest, "")
	e.host = scheme + "://" + e.host
	return e, err
}

func parseHostPort(text, defaultPort string) (endpoint, error) {
	if net.ParseIP(strings.Trim(text, "[]")) != nil {
		return endpoint{}, fmt.Errorf("port is needed along with ip address %s", text)
	}
	host, port := text, defaultPort
	if strings.Contains(text, ":") {
		var err error
		if host, port, err = net.SplitHostPort(text); err != nil {
			return endpoint{}, fmt.Errorf("unable to parse endpoint %s, err: %w", text, err)
		}
	}
	if host == "" || strings.ContainsAny(host, "/?#@ \t\r\n") {
		return endpoint{}, fmt.Errorf("invalid endpoint %s", text)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return endpoint{}, fmt.Errorf("invalid endpoint %s: %q is not a port", text, port)
	}
	return endpoint{host: host, port: port}, nil
}

// findEndpoint returns the endpoint of the Portworx cluster in a Kubernetes cluster: that of the Service labelled
// name=portworx-api, as far as other clusters can reach it.
func findEndpoint(ctx context.Context, c client.Reader) (string, error) {
	services := &corev1.ServiceList{}
	if err := c.List(ctx, services, client.MatchingLabels{"name": "portworx-api"}); err != nil {
		return "", err
	}
	if len(services.Items) == 0 {
		return "", errors.New("unable to retrieve portworx-api service: there is none labelled name=portworx-api")
	}
	switch service := &services.Items[0]; service.Spec.Type {
	case corev1.ServiceTypeLoadBalancer:
		return loadBalancerEndpoint(service)
	case corev1.ServiceTypeClusterIP:
		return podEndpoint(ctx, c, service)
	default:
		return "", fmt.Errorf("an explicit portworx endpoint is required when portworx-api service type is %s", service.Spec.Type)
	}
}

// loadBalancerEndpoint uses the Service's port, not that of the pods behind it.
func loadBalancerEndpoint(service *corev1.Service) (string, error) {
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		host := ingress.Hostname
		if host == "" {
			host = ingress.IP
		}
		for _, port := range service.Spec.Ports {
			if host != "" && port.Name == portworxPort {
				return net.JoinHostPort(host, strconv.Itoa(int(port.Port))), nil
			}
		}
	}
	return "", fmt.Errorf("service %s/%s has no address of its load balancer yet, or no port named %s", service.Namespace, service.Name, portworxPort)
}

func podEndpoint(ctx context.Context, c client.Reader, service *corev1.Service) (string, error) {
	slices := &discoveryv1.EndpointSliceList{}
	if err := c.List(ctx, slices, client.InNamespace(service.Namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service.Name}); err != nil {
		return "", err
	}
	for _, slice := range slices.Items {
		for _, port := range slice.Ports {
			if port.Name == nil || *port.Name != portworxPort || port.Port == nil {
				continue
			}
			for _, e := range slice.Endpoints {
				if len(e.Addresses) > 0 && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
					return net.JoinHostPort(e.Addresses[0], strconv.Itoa(int(*port.Port))), nil
				}
			}
		}
	}
	return "", fmt.Errorf("service %s/%s has no ready endpoint with a port named %s", service.Namespace, service.Name, portworxPort)
}
