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

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

const (
	// probeTimeout bounds a probe: it keeps a worker busy.
	probeTimeout = 15 * time.Second
	// probeParallelism is how many questions of a probe are under way at once.
	probeParallelism = 8
	// maxVersionLength and maxProblemLength are in characters.
	maxVersionLength = 64
	maxProblemLength = 300
)

var errNoVersion = errors.New("it answers, but not with the version of a Kubernetes API server")

// Permission is a right that a credential needs.
type Permission struct {
	Verb, Group, Resource string
	// Namespace that it is needed in. Empty means all of them, or that the resource is in none.
	Namespace string
}

// String says it for people, for example "patch deployments.apps in namespace web".
func (p Permission) String() string {
	text := p.Verb + " " + p.QualifiedResource()
	if p.Namespace != "" {
		text += " in namespace " + p.Namespace
	}
	return text
}

// QualifiedResource is the resource with its group, for example "deployments.apps".
func (p Permission) QualifiedResource() string {
	return schema.GroupResource{Group: p.Group, Resource: p.Resource}.String()
}

// Probe is what was found out about a cluster.
type Probe struct {
	// ServerVersion is the Kubernetes version, for example "v1.36.3"; empty where the credential may not read it.
	ServerVersion string
	// Missing are those of the wanted permissions that the credential lacks, in the same order.
	Missing []Permission
}

// Probe asks the API server for its version, and whether it grants the wanted permissions. It takes 15 s at most. The error is
// an *UnreachableError or an *UnauthorizedError, or ctx is done.
func (c *Cluster) Probe(ctx context.Context, wanted []Permission) (Probe, error) {
	probeCtx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	probe, err := c.probe(probeCtx, wanted)
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

func (c *Cluster) probe(ctx context.Context, wanted []Permission) (Probe, error) {
	var probe Probe
	version, err := discovery.ToServerVersionInterfaceWithContext(c.Discovery).ServerVersionWithContext(ctx)
	switch {
	case apierrors.IsForbidden(err):
		probe.Missing = append(probe.Missing, Permission{Verb: "get", Resource: "/version"})
	case err != nil:
		return probe, err
	case version.GitVersion == "":
		return probe, errNoVersion
	default:
		probe.ServerVersion = printable(version.GitVersion, maxVersionLength)
	}
	missing, err := c.missing(ctx, wanted)
	probe.Missing = append(probe.Missing, missing...)
	return probe, err
}

// missing asks for everything first, which is what the credential of an administrator has.
func (c *Cluster) missing(ctx context.Context, wanted []Permission) ([]Permission, error) {
	reviews, err := authorizationclient.NewForConfig(c.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client for access reviews: %w", err)
	}
	all, err := allowed(ctx, reviews, Permission{Verb: "*", Group: "*", Resource: "*"})
	if apierrors.IsForbidden(err) {
		return []Permission{{Verb: "create", Group: authorizationv1.GroupName, Resource: "selfsubjectaccessreviews"}}, nil
	}
	if err != nil || all {
		return nil, err
	}
	granted := make([]bool, len(wanted))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(probeParallelism)
	for i, permission := range wanted {
		group.Go(func() (err error) {
			granted[i], err = allowed(ctx, reviews, permission)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var missing []Permission
	for i, permission := range wanted {
		if !granted[i] {
			missing = append(missing, permission)
		}
	}
	return missing, nil
}

func allowed(ctx context.Context, reviews authorizationclient.SelfSubjectAccessReviewsGetter, permission Permission) (bool, error) {
	review, err := reviews.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb:      permission.Verb,
			Group:     permission.Group,
			Resource:  permission.Resource,
			Namespace: permission.Namespace,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
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
