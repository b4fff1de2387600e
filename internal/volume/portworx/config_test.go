package portworx

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

func TestConfigFrom(t *testing.T) {
	service := types.NamespacedName{Namespace: "kube-system", Name: "portworx-service"}
	for name, tc := range map[string]struct {
		env     map[string]string
		want    Config
		wantErr string
	}{
		"looks for the Service where Portworx is by default": {
			want: Config{Service: service, Issuer: "stork.openstorage.org"},
		},
		"looks for another Service": {
			env:  map[string]string{"PX_NAMESPACE": "portworx", "PX_SERVICE_NAME": "px"},
			want: Config{Service: types.NamespacedName{Namespace: "portworx", Name: "px"}, Issuer: "stork.openstorage.org"},
		},
		"takes an endpoint": {
			env:  map[string]string{"PX_ENDPOINT": "192.0.2.1", "PX_API_PORT": "9001", "PX_SDK_PORT": "9020"},
			want: Config{Endpoint: "192.0.2.1:9020", Service: service, Issuer: "stork.openstorage.org"},
		},
		"takes an endpoint with IPv6": {
			env:  map[string]string{"PX_ENDPOINT": "2001:db8::1", "PX_SDK_PORT": "9020"},
			want: Config{Endpoint: "[2001:db8::1]:9020", Service: service, Issuer: "stork.openstorage.org"},
		},
		"refuses an endpoint without a port":       {env: map[string]string{"PX_ENDPOINT": "192.0.2.1"}, wantErr: "PX_SDK_PORT"},
		"refuses an endpoint with a bad port":      {env: map[string]string{"PX_ENDPOINT": "px", "PX_SDK_PORT": "70000"}, wantErr: "PX_SDK_PORT"},
		"refuses an endpoint with port 0":          {env: map[string]string{"PX_ENDPOINT": "px", "PX_SDK_PORT": "0"}, wantErr: "PX_SDK_PORT"},
		"refuses a URL":                            {env: map[string]string{"PX_ENDPOINT": "https://px", "PX_SDK_PORT": "9020"}, wantErr: "PX_ENDPOINT"},
		"refuses an issuer that nobody trusts":     {env: map[string]string{"PX_JWT_ISSUER": "example.com"}, wantErr: "PX_JWT_ISSUER"},
		"refuses half a reference to an authority": {env: map[string]string{"PX_CA_CERT_SECRET": "px-ca"}, wantErr: "PX_CA_CERT_SECRET_KEY"},
		"refuses what is neither true nor false":   {env: map[string]string{"PX_ENABLE_TLS": "yes please"}, wantErr: "PX_ENABLE_TLS"},
		"takes all there is": {
			env: map[string]string{
				"PX_ENABLE_TLS": "true", "PX_CA_CERT_SECRET": "px-ca", "PX_CA_CERT_SECRET_KEY": "ca.pem",
				"PX_SHARED_SECRET": "hush", "PX_JWT_ISSUER": "apps.portworx.io", "HOSTNAME": "godwit-0",
			},
			want: Config{
				Service: service, TLS: true, CASecret: "px-ca", CASecretKey: "ca.pem", SharedSecret: "hush", Issuer: "apps.portworx.io", Subject: "godwit-0",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := ConfigFrom(func(key string) string { return tc.env[key] })
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Errorf("err = %v, want one about %s", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, config); diff != "" {
				t.Errorf("(-want,+got)\n%s", diff)
			}
		})
	}
}
