package faultproxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy forwards requests to one API server. Its methods may be called from several goroutines.
type Proxy struct {
	server   *httptest.Server
	target   *url.URL
	upstream http.RoundTripper
	// closed is closed with the proxy, which ends what is still on its way.
	closed chan struct{}

	mu     sync.Mutex
	faults []*Fault
	log    []*Request
}

// Start starts a proxy on the loopback interface. It speaks TLS, HTTP/2 and HTTP/1.1 as an API server does, and asks the target
// as the user of config, whoever its clients are.
func Start(config *rest.Config) (*Proxy, error) {
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, err
	}
	upstream, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, upstream: upstream, closed: make(chan struct{})}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.server.EnableHTTP2 = true
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // Connections are reset all the time.
	p.server.Config.ConnContext = func(ctx context.Context, connection net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, connection)
	}
	p.server.StartTLS()
	return p, nil
}

// Close ends all requests and returns when nothing of the proxy is left. It is to be called once.
func (p *Proxy) Close() {
	close(p.closed)
	p.server.CloseClientConnections()
	p.server.Close()
}

// Kubeconfig returns the content of a kubeconfig file that leads through the proxy and refers to no other file.
func (p *Proxy) Kubeconfig() ([]byte, error) {
	const name = "faultproxy"
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: p.server.URL, CertificateAuthorityData: authority}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: "not-looked-at"}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.Write(*config)
}

// Inject adds faults. The first one that is about a request has it.
func (p *Proxy) Inject(faults ...*Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, faults...)
}

// Heal takes faults away. What they hold already stays as it is.
func (p *Proxy) Heal(faults ...*Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(f *Fault) bool { return slices.Contains(faults, f) })
}

// Requests returns the log so far, in the order in which the requests came.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	requests := make([]Request, len(p.log))
	for i, request := range p.log {
		requests[i] = *request
	}
	return requests
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // The client is gone.
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	e := &Exchange{Request: r, writer: w, proxy: p, entry: newRequest(r, body)}
	effect := p.note(e)
	if effect == nil {
		e.pass(r.Context())
		return
	}
	effect(e)
}

// note puts a request into the log and returns the effect of the first fault that is about it; nil if there is none.
func (p *Proxy) note(e *Exchange) Effect {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, e.entry)
	for _, fault := range p.faults {
		if fault.strikes(e.Request) {
			return fault.Do
		}
	}
	return nil
}

func (p *Proxy) answered(entry *Request, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry.Code = code
}

func (p *Proxy) broken(entry *Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry.Broken = true
}

// send asks the API server. A write is carried out whatever becomes of the client, so that the log tells the truth.
func (p *Proxy) send(r *http.Request) (*http.Response, context.CancelFunc, error) {
	ctx := r.Context()
	if isWrite(r.Method) {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, done := context.WithCancel(ctx)
	go func() {
		select {
		case <-p.closed:
			done()
		case <-ctx.Done():
		}
	}()
	out := r.Clone(ctx)
	out.URL.Scheme, out.URL.Host, out.Host, out.RequestURI = p.target.Scheme, p.target.Host, "", ""
	out.Header.Del("Authorization")
	response, err := p.upstream.RoundTrip(out)
	if err != nil {
		done()
		return nil, nil, err
	}
	return response, done, nil
}

type connectionKey struct{}

// reset closes a client's connection so that it gets no orderly end, and what else is under way on it neither.
func reset(r *http.Request) {
	connection, _ := r.Context().Value(connectionKey{}).(net.Conn)
	if encrypted, isTLS := connection.(*tls.Conn); isTLS {
		connection = encrypted.NetConn()
	}
	if plain, isTCP := connection.(*net.TCPConn); isTCP {
		_ = plain.SetLinger(0)
	}
	if connection != nil {
		_ = connection.Close()
	}
}

func copyHeader(to, from http.Header) {
	maps.Copy(to, from)
	to.Del("Connection")
	to.Del("Transfer-Encoding")
}
