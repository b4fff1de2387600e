package portworx

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// issuers are those whose tokens Portworx trusts: it has the shared secret of each.
var issuers = []string{"stork.openstorage.org", "apps.portworx.io", "operator.portworx.io"}

// Config says where Portworx is and how to log on. The zero value of a field that is optional turns it off.
type Config struct {
	// Endpoint is address:port of the SDK. Empty looks it up in Service.
	Endpoint string
	// Service has a port called px-sdk. In its namespace is the Secret of the authority, too.
	Service types.NamespacedName
	// TLS encrypts the connection.
	TLS bool
	// CASecret and CASecretKey name a Secret in the namespace of Service, and its key with certificates in PEM, that Portworx's
	// certificate is trusted by, beside those of the system. Optional.
	CASecret, CASecretKey string
	// SharedSecret signs the tokens that the operator logs on with. Empty logs on without.
	SharedSecret string
	// Issuer is written into the tokens.
	Issuer string
	// Subject is the part of a token's subject after the issuer, which audit logs show: the name of this pod.
	Subject string
}

// ConfigFrom reads the environment variables that Stork has:
//
//   - PX_ENDPOINT with PX_SDK_PORT, or PX_NAMESPACE (kube-system) with PX_SERVICE_NAME (portworx-service);
//   - PX_ENABLE_TLS with PX_CA_CERT_SECRET and PX_CA_CERT_SECRET_KEY;
//   - PX_SHARED_SECRET with PX_JWT_ISSUER (stork.openstorage.org).
//
// An error names the variable that is wrong.
func ConfigFrom(getenv func(string) string) (Config, error) {
	config := Config{
		Service: types.NamespacedName{
			Namespace: cmp.Or(getenv("PX_NAMESPACE"), "kube-system"),
			Name:      cmp.Or(getenv("PX_SERVICE_NAME"), "portworx-service"),
		},
		CASecret: getenv("PX_CA_CERT_SECRET"), CASecretKey: getenv("PX_CA_CERT_SECRET_KEY"),
		SharedSecret: getenv("PX_SHARED_SECRET"),
		Issuer:       cmp.Or(getenv("PX_JWT_ISSUER"), issuers[0]),
		Subject:      getenv("HOSTNAME"),
	}
	if !slices.Contains(issuers, config.Issuer) {
		return Config{}, fmt.Errorf("PX_JWT_ISSUER %q: Portworx trusts none but %s", config.Issuer, strings.Join(issuers, ", "))
	}
	if (config.CASecret == "") != (config.CASecretKey == "") {
		return Config{}, fmt.Errorf("PX_CA_CERT_SECRET and PX_CA_CERT_SECRET_KEY: set both or none")
	}
	var err error
	if enable := getenv("PX_ENABLE_TLS"); enable != "" {
		if config.TLS, err = strconv.ParseBool(enable); err != nil {
			return Config{}, fmt.Errorf("PX_ENABLE_TLS %q: write true or false", enable)
		}
	}
	config.Endpoint, err = endpointFrom(getenv("PX_ENDPOINT"), getenv("PX_SDK_PORT"))
	return config, err
}

func endpointFrom(host, port string) (string, error) {
	if host == "" {
		return "", nil
	}
	if strings.Contains(host, "/") {
		return "", fmt.Errorf("PX_ENDPOINT %q: write a name or address only", host)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return "", fmt.Errorf("PX_SDK_PORT %q: it goes with PX_ENDPOINT and is the port of the SDK, for example 9020", port)
	}
	return net.JoinHostPort(host, port), nil
}
