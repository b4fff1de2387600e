package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
)

const (
	// probeTimeout bounds each of the two parts of a probe: it keeps a worker busy.
	probeTimeout = 15 * time.Second
	// wellFor is how long ago a server may have answered to any credential for a probe to be content with that. It is shorter than the
	// time between two probes of one pair.
	wellFor = 30 * time.Second
	// acceptedFor is how long ago it may have accepted this one, unless it refused anything since.
	acceptedFor = 10 * time.Minute
	// maxVersionLength and maxProblemLength are in characters.
	maxVersionLength = 64
	maxProblemLength = 300
)

var errNoVersion = errors.New("it answers, but not with the version of a Kubernetes API server")

// Probe is what was found out about a cluster.
type Probe struct {
	// ServerVersion is the Kubernetes version, for example "v1.36.3"; empty where the credential may not read it.
	ServerVersion string
	// Missing are those of the wanted permissions that the credential lacks, in the same order.
	Missing []Permission
}

// Probe finds out whether the API server answers and accepts the credential, and whether it grants the wanted permissions. What was
// found out a while ago counts as well: that the server answers for half a minute, whichever credential it answered to; that it
// accepts this one for ten minutes; what it grants for an hour. After Doubt and after the server refused any request, the next
// Probe asks for all of it. It takes 30 s at most. The error is an *UnreachableError or an *UnauthorizedError, or ctx is done.
func (c *Cluster) Probe(ctx context.Context, wanted []Permission) (Probe, error) {
	known := c.whatIsKnown()
	version, err := c.version(ctx, known)
	probe := Probe{ServerVersion: version}
	if err == nil && version == "" {
		probe.Missing = append(probe.Missing, Permission{Verb: "get", Resource: "/version"})
	}
	if err == nil {
		var missing []Permission
		missing, err = c.missing(ctx, known, wanted)
		probe.Missing = append(probe.Missing, missing...)
	}
	switch {
	case err == nil:
		return probe, nil
	case ctx.Err() != nil:
		return Probe{}, fmt.Errorf("probing %s: %w", c.ServerHost, ctx.Err())
	case apierrors.IsUnauthorized(err):
		return Probe{}, &UnauthorizedError{Server: c.ServerHost}
	}
	return Probe{}, &UnreachableError{Server: c.ServerHost, Problem: problemOf(err), Remedy: remedyOf(err)}
}

// Doubt has the next Probe ask the API server for all that it wants to know.
func (c *Cluster) Doubt() { c.known.Store(&known{}) }

// version asks for the version of the server, unless this credential was accepted and the server answered to any not long ago. It is
// empty where the credential may not read it.
func (c *Cluster) version(ctx context.Context, known *known) (string, error) {
	ctx, cancel := context.WithTimeout(expectSmallAnswers(ctx), probeTimeout)
	defer cancel()
	answersStill := func(string) bool { return c.server.answered(c.clock.Now().Add(-wellFor)) }
	return known.version.get(ctx, c.clock, acceptedFor, answersStill, func(ctx context.Context) (string, error) {
		version, err := discovery.ToServerVersionInterfaceWithContext(c.Discovery).ServerVersionWithContext(ctx)
		switch {
		case apierrors.IsForbidden(err):
			c.server.answers(c.clock.Now())
			return "", nil
		case err != nil:
			return "", err
		case version.GitVersion == "":
			return "", errNoVersion
		}
		c.server.answers(c.clock.Now())
		return printable(version.GitVersion, maxVersionLength), nil
	})
}

// problemOf says why an API server could not be asked: the same words each time, without the port that a connection happened to
// have, and without words of the other side, which may send back what it was sent.
func problemOf(err error) string {
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		code := status.Status().Code
		return fmt.Sprintf("it answers with HTTP status %d %s", code, http.StatusText(int(code)))
	}
	if failed, ok := errors.AsType[*net.DNSError](err); ok {
		if failed.IsNotFound {
			return "no such host"
		}
		return "its name could not be resolved"
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Err != nil {
		if failed.Addr == nil {
			return printable(failed.Op+": "+failed.Err.Error(), maxProblemLength)
		}
		return printable(fmt.Sprintf("%s %s: %v", failed.Op, failed.Addr, failed.Err), maxProblemLength)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "it did not answer in time"
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return withoutQuotes(err.Error())
}

// remedyOf says what the user can do about an API server that could not be asked.
func remedyOf(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "correct server, tls-server-name or certificate-authority-data of the cluster in the kubeconfig"
	}
	return "correct server in the kubeconfig, or the network between the clusters"
}

// withoutQuotes replaces the messages of net/http and client-go that quote an answer.
func withoutQuotes(message string) string {
	if strings.Contains(message, "malformed") || strings.Contains(message, "unable to parse") {
		return errNoVersion.Error()
	}
	return printable(message, maxProblemLength)
}
