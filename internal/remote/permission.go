package remote

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

const (
	// grantedFor is how long ago a server may have said what it grants, unless it refused anything since.
	grantedFor = time.Hour
	// reviewParallelism is how many single permissions are asked for at once.
	reviewParallelism = 8
	// noNamespace cannot be the name of one, so that no RoleBinding can be in it: what is granted there is granted everywhere.
	noNamespace = "godwit.everywhere"
)

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

// in returns the permission in a namespace.
func (p Permission) in(namespace string) Permission {
	p.Namespace = namespace
	return p
}

// grants tell of permissions whether a server grants them. Of those that it does not tell of, it was not asked.
type grants map[Permission]bool

// tellOf tells whether the server was asked for all of some permissions.
func (g grants) tellOf(all []Permission) bool {
	return !slices.ContainsFunc(all, func(p Permission) bool { _, told := g[p]; return !told })
}

// missing returns those permissions that the server does not grant, in the same order. What is granted in all namespaces is granted
// in each. That is asked first, and is enough for an administrator whatever the namespace.
func (c *Cluster) missing(ctx context.Context, known *known, wanted []Permission) ([]Permission, error) {
	ctx, cancel := context.WithTimeout(expectSmallAnswers(ctx), probeTimeout)
	defer cancel()
	everywhere := make([]Permission, len(wanted))
	for i, permission := range wanted {
		everywhere[i] = permission.in("")
	}
	granted, err := c.grants(ctx, known, "", everywhere)
	var missing []Permission
	for i := 0; i < len(wanted) && err == nil; i++ {
		permission := wanted[i]
		if granted[everywhere[i]] {
			continue
		}
		there := grants{}
		if permission.Namespace != "" {
			there, err = c.grants(ctx, known, permission.Namespace, inNamespace(wanted, permission.Namespace))
		}
		if !there[permission] {
			missing = append(missing, permission)
		}
	}
	if apierrors.IsForbidden(err) {
		return []Permission{{Verb: "create", Group: authorizationv1.GroupName, Resource: "selfsubjectaccessreviews"}}, nil
	}
	return missing, err
}

func inNamespace(all []Permission, namespace string) []Permission {
	var found []Permission
	for _, permission := range all {
		if permission.Namespace == namespace {
			found = append(found, permission)
		}
	}
	return found
}

// grants returns which of some permissions in one namespace the server grants, as far as that was not found out not long ago.
func (c *Cluster) grants(ctx context.Context, known *known, namespace string, wanted []Permission) (grants, error) {
	tellsAll := func(g grants) bool { return g.tellOf(wanted) }
	return known.in(namespace, c.clock.Now()).get(ctx, c.clock, grantedFor, tellsAll, func(ctx context.Context) (grants, error) {
		reviews, err := authorizationclient.NewForConfig(c.Config)
		if err != nil {
			return nil, fmt.Errorf("making a client for access reviews: %w", err)
		}
		granted, complete, err := grantsByRules(ctx, reviews, namespace, wanted)
		if err != nil || complete {
			return granted, err
		}
		return granted, askForEach(ctx, reviews, granted)
	})
}

// grantsByRules asks once for all rules. They are not complete where an authorizer cannot list what it allows, such as a webhook of
// a cloud, where the server knows no such question, and where its answer is too long.
func grantsByRules(ctx context.Context, reviews authorizationclient.SelfSubjectRulesReviewsGetter, namespace string, wanted []Permission,
) (granted grants, complete bool, err error) {
	if namespace == "" {
		namespace = noNamespace
	}
	review, err := reviews.SelfSubjectRulesReviews().Create(ctx, &authorizationv1.SelfSubjectRulesReview{
		Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace},
	}, metav1.CreateOptions{})
	switch {
	case err == nil:
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err), apierrors.IsRequestEntityTooLargeError(err):
		review = &authorizationv1.SelfSubjectRulesReview{Status: authorizationv1.SubjectRulesReviewStatus{Incomplete: true}}
	default:
		return nil, false, err
	}
	granted, complete = grants{}, true
	for _, permission := range wanted {
		granted[permission] = slices.ContainsFunc(review.Status.ResourceRules, func(rule authorizationv1.ResourceRule) bool {
			return allows(rule, permission)
		})
		complete = complete && (granted[permission] || !review.Status.Incomplete)
	}
	return granted, complete, nil
}

// allows tells whether a rule grants a permission on all objects of its kind.
func allows(rule authorizationv1.ResourceRule, permission Permission) bool {
	has := func(some []string, one string) bool { return slices.Contains(some, "*") || slices.Contains(some, one) }
	return len(rule.ResourceNames) == 0 &&
		has(rule.Verbs, permission.Verb) && has(rule.APIGroups, permission.Group) && has(rule.Resources, permission.Resource)
}

// askForEach asks for each permission that is not granted yet, unless all are.
func askForEach(ctx context.Context, reviews authorizationclient.SelfSubjectAccessReviewsGetter, granted grants) error {
	var open []Permission
	for permission, already := range granted {
		if !already {
			open = append(open, permission)
		}
	}
	everything, err := allowed(ctx, reviews, Permission{Verb: "*", Group: "*", Resource: "*", Namespace: open[0].Namespace})
	if err != nil || everything {
		for _, permission := range open {
			granted[permission] = everything
		}
		return err
	}
	answers := make([]bool, len(open))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reviewParallelism)
	for i, permission := range open {
		group.Go(func() (err error) {
			answers[i], err = allowed(ctx, reviews, permission)
			return err
		})
	}
	err = group.Wait()
	for i, permission := range open {
		granted[permission] = answers[i]
	}
	return err
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
