package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/utils/clock"
)

const (
	// probeTimeout bounds each of the two parts of a probe: it keeps a worker busy.
	probeTimeout = 15 * time.Second
	// wellFor and failedFor are how old the last answer may be that a probe is content with, where another pair with the same
	// credential has just asked. Both are shorter than the time between two probes of one pair.
	wellFor, failedFor = 30 * time.Second, 3 * time.Second
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

// Probe asks the API server for its version, and whether it grants the wanted permissions. What is the same for all pairs with
// this credential is asked once for all that probe within half a minute. It takes 30 s at most. The error is an *UnreachableError
// or an *UnauthorizedError, or ctx is done.
func (c *Cluster) Probe(ctx context.Context, wanted []Permission) (Probe, error) {
	answer, err := c.last.get(ctx, c.clock, c.ask)
	probe := Probe{ServerVersion: answer.version, Missing: slices.Clone(answer.missing)}
	if err == nil && !answer.complete {
		var missing []Permission
		missing, err = c.missing(ctx, wanted)
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

// answer is what an API server tells every pair with the same credential.
type answer struct {
	version string
	missing []Permission
	// complete means that there is no need to ask for single permissions, or no way.
	complete bool
}

// lastAnswer is the last one, for a while. While one caller asks, others wait for what it hears.
type lastAnswer struct {
	mu     sync.Mutex
	answer answer
	err    error
	until  time.Time
}

func (l *lastAnswer) get(ctx context.Context, clock clock.PassiveClock, ask func(context.Context) (answer, error)) (answer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if clock.Now().Before(l.until) {
		return l.answer, l.err
	}
	l.answer, l.err = ask(ctx)
	switch {
	case l.err == nil:
		l.until = clock.Now().Add(wellFor)
	case ctx.Err() == nil:
		l.until = clock.Now().Add(failedFor)
	}
	return l.answer, l.err
}

// ask asks for the version and for all permissions, which is what the credential of an administrator has.
func (c *Cluster) ask(ctx context.Context) (answer, error) {
	ctx, cancel := context.WithTimeout(expectSmallAnswers(ctx), probeTimeout)
	defer cancel()
	var found answer
	version, err := discovery.ToServerVersionInterfaceWithContext(c.Discovery).ServerVersionWithContext(ctx)
	switch {
	case apierrors.IsForbidden(err):
		found.missing = append(found.missing, Permission{Verb: "get", Resource: "/version"})
	case err != nil:
		return answer{}, err
	case version.GitVersion == "":
		return answer{}, errNoVersion
	default:
		found.version = printable(version.GitVersion, maxVersionLength)
	}
	reviews, err := authorizationclient.NewForConfig(c.Config)
	if err != nil {
		return answer{}, fmt.Errorf("making a client for access reviews: %w", err)
	}
	found.complete, err = allowed(ctx, reviews, Permission{Verb: "*", Group: "*", Resource: "*"})
	if apierrors.IsForbidden(err) {
		found.missing = append(found.missing, Permission{Verb: "create", Group: authorizationv1.GroupName, Resource: "selfsubjectaccessreviews"})
		found.complete, err = true, nil
	}
	return found, err
}

// missing asks for each permission and returns those that the credential lacks.
func (c *Cluster) missing(ctx context.Context, wanted []Permission) ([]Permission, error) {
	ctx, cancel := context.WithTimeout(expectSmallAnswers(ctx), probeTimeout)
	defer cancel()
	reviews, err := authorizationclient.NewForConfig(c.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client for access reviews: %w", err)
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
