package localcluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"k8s.io/client-go/rest"
)

// startEtcd returns the port at which etcd serves. TLS is there for more than secrecy: it tells this etcd from
// another one that took the port.
func (c *Cluster) startEtcd(ctx context.Context) (port int, err error) {
	err = onFreePorts(3, func(ports []int) error {
		port = ports[0]
		check, err := httpCheck("https://"+address(ports[1])+"/health", c.pki.etcdCA, c.pki.etcdClient, c.dial())
		if err != nil {
			return err
		}
		return c.run(ctx, Etcd, c.etcdArgs(port, ports[1], ports[2]), check)
	})
	return port, err
}

func (c *Cluster) etcdArgs(clientPort, healthPort, peerPort int) []string {
	client, peer := "https://"+address(clientPort), "https://"+address(peerPort)
	args := []string{
		"--name=local",
		"--data-dir=" + c.path("etcd"),
		"--log-level=warn",
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		// When gRPC shares its port with HTTP, many reads starve the watches.
		"--listen-client-http-urls=https://" + address(healthPort),
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=local=" + peer,
	}
	for _, prefix := range []string{"--", "--peer-"} {
		args = append(args,
			prefix+"cert-file="+c.pki.cert("etcd"),
			prefix+"key-file="+c.pki.key("etcd"),
			prefix+"trusted-ca-file="+c.pki.cert("etcd-ca"),
			prefix+"client-cert-auth=true",
		)
	}
	if !c.options.Fsync {
		args = append(args, "--unsafe-no-fsync")
	}
	return append(args, c.options.EtcdArgs...)
}

// startAPIServer waits for the default namespace too, which the API server makes shortly after it calls itself ready.
func (c *Cluster) startAPIServer(ctx context.Context, etcdPort int) error {
	return onFreePorts(1, func(ports []int) error {
		//nolint:contextcheck // The relay lives as long as the cluster does.
		if err := c.route(ports[0]); err != nil {
			return err
		}
		ready, err := c.check("/readyz")
		if err != nil {
			return err
		}
		namespace, err := c.check("/api/v1/namespaces/default")
		if err != nil {
			return err
		}
		return c.run(ctx, APIServer, c.apiServerArgs(etcdPort, ports[0]), func(ctx context.Context) error {
			if err := ready(ctx); err != nil {
				return err
			}
			return namespace(ctx)
		})
	})
}

// route decides how the API server is reached that gets a port, from inside and from this process.
func (c *Cluster) route(port int) error {
	c.inside = "https://" + address(port)
	outside := c.inside
	if host := c.options.Host; host != nil {
		target := net.JoinHostPort(host.IP.String(), strconv.Itoa(port))
		c.inside = "https://" + target
		if c.relay != nil { // From an attempt with another port.
			c.relay.close()
		}
		var err error
		if c.relay, err = newRelay(host.Dial, target); err != nil {
			return err
		}
		outside = "https://" + c.relay.address()
	}
	c.admin = c.config(outside, c.pki.admin)
	return nil
}

func (c *Cluster) apiServerArgs(etcdPort, port int) []string {
	args := []string{
		"--etcd-servers=https://" + address(etcdPort),
		"--etcd-cafile=" + c.pki.cert("etcd-ca"),
		"--etcd-certfile=" + c.pki.cert("etcd-client"),
		"--etcd-keyfile=" + c.pki.key("etcd-client"),
		"--secure-port=" + strconv.Itoa(port),
		"--service-cluster-ip-range=" + c.serviceNetwork,
		"--authorization-mode=Node,RBAC",
		"--client-ca-file=" + c.pki.cert("ca"),
		"--tls-cert-file=" + c.pki.cert("apiserver"),
		"--tls-private-key-file=" + c.pki.key("apiserver"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.pki.cert("service-account"),
		"--service-account-signing-key-file=" + c.pki.key("service-account"),
		"--allow-privileged=true",
	}
	if host := c.options.Host; host != nil {
		args = append(args,
			"--bind-address=0.0.0.0",
			"--advertise-address="+host.IP.String(),
			"--kubelet-client-certificate="+c.pki.cert("kubelet-client"),
			"--kubelet-client-key="+c.pki.key("kubelet-client"),
			"--kubelet-preferred-address-types=InternalIP")
	} else {
		args = append(args,
			"--bind-address="+loopback,
			"--advertise-address="+loopback,
			// A loopback address is not allowed in the endpoints of the Service "kubernetes".
			"--endpoint-reconciler-type=none")
	}
	if !c.options.ControllerManager {
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	return append(args, c.options.APIServerArgs...)
}

func (c *Cluster) startControllerManager(ctx context.Context) error {
	kubeconfig := c.path(ControllerManager + ".kubeconfig")
	if _, err := c.writeKubeconfig(kubeconfig, c.inside, ControllerManager, c.pki.manager); err != nil {
		return err
	}
	serviceAccount, err := c.check("/api/v1/namespaces/default/serviceaccounts/default")
	if err != nil {
		return err
	}
	return c.run(ctx, ControllerManager, []string{
		"--kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--secure-port=0",
		"--controllers=*,bootstrapsigner,tokencleaner",
		// RBAC grants what the controllers need to their service accounts, not to the manager's user.
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + c.pki.key("service-account"),
		"--root-ca-file=" + c.pki.cert("ca"),
		"--cluster-signing-cert-file=" + c.pki.cert("ca"),
		"--cluster-signing-key-file=" + c.pki.key("ca"),
		"--enable-hostpath-provisioner=true",
		// The default, 20 requests a second, is why controllers usually need five seconds to start.
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		// The default lies in /usr, which only root can write.
		"--flex-volume-plugin-dir=" + c.path("flexvolume"),
	}, serviceAccount)
}

// check returns a function that asks the API server for path and is content with 200.
func (c *Cluster) check(path string) (func(context.Context) error, error) {
	return httpCheck(c.admin.Host+path, c.pki.ca, c.pki.admin, nil)
}

// config returns a client configuration without client-side throttling: the API server has its own fairness.
func (c *Cluster) config(host string, pair keyPair) *rest.Config {
	return &rest.Config{
		Host:            host,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.pki.ca.cert, CertData: pair.cert, KeyData: pair.key},
		QPS:             -1,
	}
}

func httpCheck(url string, ca *authority, client keyPair, dial DialFunc) (func(context.Context) error, error) {
	certificate, err := tls.X509KeyPair(client.cert, client.key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.parsed)
	httpClient := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}},
		DialContext:     dial,
		// A connection from before a restart would fail the check once more.
		DisableKeepAlives: true,
	}}
	return func(ctx context.Context) error { return expectOK(ctx, httpClient, url) }, nil
}

func expectOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return err
	}
	return fmt.Errorf("GET %s: %s: %s", url, response.Status, lastLines(body, quotedLines))
}
