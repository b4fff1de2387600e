package remote

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Policy says what a kubeconfig may do in the operator beyond sending requests. The zero value allows nothing.
type Policy struct {
	// AllowedExecCommands are commands that exec plug-ins may run, compared as they are written in the kubeconfig. To allow one
	// is to trust everyone who may write ClusterPairs with its arguments and environment.
	AllowedExecCommands []string
	// AllowFiles lets a kubeconfig name files in the operator's file system.
	AllowFiles bool
}

// Credential is a kubeconfig that was vetted.
type Credential struct {
	// Server is the host and port of the API server.
	Server string
	// Notices are doubts about the credential that the user should see, although it is used.
	Notices []string

	config *rest.Config
	// server tells apart how API servers are reached, whatever the credential.
	server fingerprint
}

// Vet parses a kubeconfig, as a file or as Stork writes it into a ClusterPair, and returns an *InvalidError if it is malformed
// or does what the policy does not allow. It looks only at the entries that the current context leads to. It reads no file
// and sends nothing, unless the policy allows files.
func (p Policy) Vet(kubeconfig []byte) (*Credential, error) {
	parsed, err := parse(kubeconfig)
	if err != nil {
		return nil, err
	}
	chosen, err := parsed.choose()
	if err != nil {
		return nil, err
	}
	for _, check := range []func(*chosenEntries) *InvalidError{
		p.checkExec, checkAuthProvider, p.checkUserFiles, checkToken, checkClientCertificate, checkCredential,
		checkServer, p.checkClusterFiles, checkAuthority, checkProxy,
	} {
		if invalid := check(chosen); invalid != nil {
			return nil, invalid
		}
	}
	return chosen.credential()
}

func (p Policy) checkExec(c *chosenEntries) *InvalidError {
	if c.user.Exec == nil || slices.Contains(p.AllowedExecCommands, c.user.Exec.Command) {
		return nil
	}
	return c.userError("it has an exec plug-in, which would run the command "+quoted(c.user.Exec.Command)+" in the operator",
		"use a token or client certificate, for example of a ServiceAccount, or have the administrator start the operator with --allow-exec-command=<command>")
}

func checkAuthProvider(c *chosenEntries) *InvalidError {
	if c.user.AuthProvider == nil {
		return nil
	}
	return c.userError("it has the auth-provider "+quoted(c.user.AuthProvider.Name)+", which is not supported",
		"use a token or client certificate")
}

func (p Policy) checkUserFiles(c *chosenEntries) *InvalidError {
	files := map[string]string{"tokenFile": c.user.TokenFile, "client-certificate": c.user.ClientCertificate, "client-key": c.user.ClientKey}
	for _, field := range []string{"tokenFile", "client-certificate", "client-key"} {
		if files[field] != "" && !p.AllowFiles {
			return c.userError(field+" names a file, which would be read in the operator",
				"put the content into token, client-certificate-data or client-key-data")
		}
	}
	return nil
}

func checkToken(c *chosenEntries) *InvalidError {
	if strings.ContainsFunc(c.user.Token, unicode.IsControl) {
		return c.userError("the token has a line break or another control character", "remove it")
	}
	return nil
}

func checkClientCertificate(c *chosenEntries) *InvalidError {
	cert, key := c.user.ClientCertificateData, c.user.ClientKeyData
	hasCert, hasKey := len(cert) > 0 || c.user.ClientCertificate != "", len(key) > 0 || c.user.ClientKey != ""
	switch {
	case hasCert && !hasKey:
		return c.userError("it has a client certificate without its key", "add client-key-data")
	case len(cert) == 0 || len(key) == 0:
		return nil // A file is read by client-go.
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return c.userError("client-certificate-data and client-key-data are not a certificate and its key in PEM form", "copy them again")
	}
	return nil
}

func checkCredential(c *chosenEntries) *InvalidError {
	u := c.user
	if (u.Token != "" || u.TokenFile != "") && (u.Username != "" || u.Password != "") {
		return c.userError("it has both a token and a user name or password", "remove one of them")
	}
	if u.Token == "" && u.TokenFile == "" && u.Exec == nil && u.Username == "" && u.ClientCertificate == "" && len(u.ClientCertificateData) == 0 {
		return c.userError("it has no credential", "add a token or a client certificate")
	}
	return nil
}

func checkServer(c *chosenEntries) *InvalidError {
	const remedy = "write it as https://host:port"
	server, err := url.Parse(c.cluster.Server)
	switch {
	case c.cluster.Server == "":
		return c.clusterError("server is not set", remedy)
	case strings.Contains(c.cluster.Server, "@"):
		return c.clusterError("server has a user name or password in it", "put it into the user, and "+remedy)
	case err != nil || server.Hostname() == "":
		return c.clusterError("server is not the address of an API server", remedy) // What else it is may be a credential.
	case server.Scheme != "https":
		return c.clusterError("server has "+quoted(server.Scheme)+" and not https, so that Secrets would be sent in clear", remedy)
	case isForbiddenHost(server.Hostname()):
		return c.clusterError("server is the address "+quoted(server.Hostname())+", where clouds serve credentials of their machines",
			"use another address")
	}
	return nil
}

func (p Policy) checkClusterFiles(c *chosenEntries) *InvalidError {
	if c.cluster.CertificateAuthority == "" || p.AllowFiles {
		return nil
	}
	return c.clusterError("certificate-authority names a file, which would be read in the operator",
		"put the content into certificate-authority-data")
}

func checkAuthority(c *chosenEntries) *InvalidError {
	if c.cluster.InsecureSkipTLSVerify && (len(c.cluster.CertificateAuthorityData) > 0 || c.cluster.CertificateAuthority != "") {
		return c.clusterError("it has both insecure-skip-tls-verify and a certificate authority", "remove one of them")
	}
	if data := c.cluster.CertificateAuthorityData; len(data) > 0 && !x509.NewCertPool().AppendCertsFromPEM(data) {
		return c.clusterError("certificate-authority-data has no certificate in PEM form", "copy it again, in base64")
	}
	return nil
}

func checkProxy(c *chosenEntries) *InvalidError {
	if c.cluster.ProxyURL == "" {
		return nil
	}
	proxy, err := url.Parse(c.cluster.ProxyURL)
	switch {
	case err != nil || proxy.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5"}, proxy.Scheme):
		return c.clusterError("proxy-url is not the address of a proxy", "write it as http, https or socks5://host:port")
	case isForbiddenHost(proxy.Hostname()):
		return c.clusterError("proxy-url is the address "+quoted(proxy.Hostname())+
			", where clouds serve credentials of their machines", "use another address")
	}
	return nil
}

// isForbiddenHost tells whether a host is an address that must not be connected to. Names are checked when they were resolved.
func isForbiddenHost(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && isForbidden(address)
}

// clouds are where they serve metadata and credentials of their machines, apart from link-local addresses.
var clouds = []netip.Prefix{
	netip.MustParsePrefix("fd00:ec2::/32"),      // Amazon.
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google.
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure.
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba.
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle.
}

// translated are IPv4 addresses as IPv6 networks reach them through NAT64 (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

// isForbidden tells whether an address is link-local, or another one where clouds serve credentials of their machines.
func isForbidden(address netip.Addr) bool {
	address = address.WithZone("").Unmap()
	if translated.Contains(address) {
		bytes := address.As16()
		address = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return address.IsLinkLocalUnicast() || slices.ContainsFunc(clouds, func(cloud netip.Prefix) bool { return cloud.Contains(address) })
}

func (c *chosenEntries) userError(problem, remedy string) *InvalidError {
	return &InvalidError{Entry: "user " + quoted(c.userName), Problem: problem, Remedy: remedy}
}

func (c *chosenEntries) clusterError(problem, remedy string) *InvalidError {
	return &InvalidError{Entry: "cluster " + quoted(c.clusterName), Problem: problem, Remedy: remedy}
}

// credential has client-go make a configuration of entries that were checked.
func (c *chosenEntries) credential() (*Credential, error) {
	const name = "pair"
	config := clientcmdapi.NewConfig()
	config.Clusters[name], config.AuthInfos[name] = &c.cluster, &c.user
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	made, err := clientcmd.NewNonInteractiveClientConfig(*config, name, nil, nil).ClientConfig()
	if err != nil {
		return nil, &InvalidError{Problem: printable(err.Error(), 500)}
	}
	server, err := url.Parse(made.Host)
	if err != nil {
		return nil, c.clusterError("server is not the address of an API server", "")
	}
	credential := &Credential{Server: server.Host, config: made, server: c.server()}
	if c.cluster.InsecureSkipTLSVerify {
		credential.Notices = append(credential.Notices,
			"insecure-skip-tls-verify is set, so anyone on the way can read and change what is migrated")
	}
	return credential, nil
}

// server is the fingerprint of what decides which API server answers.
func (c *chosenEntries) server() fingerprint {
	return sha256.Sum256(fmt.Appendf(nil, "%q", []string{
		c.cluster.Server, c.cluster.TLSServerName, strconv.FormatBool(c.cluster.InsecureSkipTLSVerify),
		c.cluster.CertificateAuthority, string(c.cluster.CertificateAuthorityData), c.cluster.ProxyURL,
	}))
}
