package webhook

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authorizationv1client "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// parallelReviews is how many questions the API server is asked at once for one request.
const parallelReviews = 16

// right is something that the operator does on behalf of a requester, who therefore must be allowed to do it.
type right struct {
	verb, group, resource, subresource string
	// because says what the operator would use the right for.
	because string
}

// String is how `kubectl auth can-i` is asked for the right.
func (r right) String() string {
	if r.subresource == "" {
		return r.verb + " " + r.resource
	}
	return r.verb + " " + r.resource + "/" + r.subresource
}

const becauseRBAC = "the operator writes what a ResourceTransformation makes of RBAC objects there with rights of its own"

var (
	readSecrets = right{verb: "list", resource: "secrets", because: "the operator reads Secrets there and sends them to the other cluster"}
	trySecrets  = right{verb: "list", resource: "secrets", because: "the operator tries the changes on Secrets there and tells what it finds"}
	// mountVolumes stands for reading the data of volumes, for which Kubernetes has no right of its own: whoever creates a pod
	// can mount every claim of its namespace.
	mountVolumes = right{verb: "create", resource: "pods", because: "the operator sends the data of volumes there to the other cluster"}
	// changeRoles and changeBindings are what the API server asks of those who write what gives more than they have themselves.
	changeRoles    = right{verb: "escalate", group: rbacv1.GroupName, resource: "roles", because: becauseRBAC}
	changeBindings = right{verb: "bind", group: rbacv1.GroupName, resource: "clusterroles", because: becauseRBAC}
	// scaleWorkloads stands for stopping and starting workloads of every kind.
	scaleWorkloads = right{verb: "patch", group: "apps", resource: "deployments", because: "the operator stops and starts workloads there"}
	// tellOfApplications is what it takes to write the status by itself.
	tellOfApplications = right{verb: "update", group: storkv1alpha1.GroupName, resource: "migrationschedules", subresource: "status",
		because: "the operator writes there whether applications are active"}
	runCommands = right{verb: "create", resource: "pods", subresource: "exec", because: "the operator runs commands of a Rule in pods there"}
)

// everywhere asks for a right in all namespaces.
const everywhere = ""

// requesters decides whether whoever makes a request may do what it makes the operator do.
type requesters struct {
	reviews authorizationv1client.SubjectAccessReviewInterface
}

// missingError means that the requester lacks a right that the operator would use.
type missingError struct {
	user       string
	right      right
	namespaces []string
}

func (e *missingError) Error() string {
	const named = 5
	where := "in namespace " + e.namespaces[0]
	switch {
	case slices.Contains(e.namespaces, everywhere):
		where = "in all namespaces"
	case len(e.namespaces) > named:
		where = fmt.Sprintf("in namespaces %s and %d more", strings.Join(e.namespaces[:named], ", "), len(e.namespaces)-named)
	case len(e.namespaces) > 1:
		where = "in namespaces " + strings.Join(e.namespaces, ", ")
	}
	return fmt.Sprintf("user %q may not %s %s, and %s: get that right, or ask someone who has it to make this request", e.user, e.right, where, e.right.because)
}

// require returns a *missingError if the user who makes the request in ctx lacks a right in one of the namespaces. A nil receiver
// requires nothing.
func (r *requesters) require(ctx context.Context, wanted right, namespaces ...string) error {
	if r == nil || len(namespaces) == 0 {
		return nil
	}
	request, err := admission.RequestFromContext(ctx)
	if err != nil {
		return err
	}
	user := request.UserInfo
	if len(namespaces) > 1 {
		// Who may do it everywhere is asked once.
		if allowed, err := r.allowed(ctx, user, wanted, everywhere); err != nil || allowed {
			return err
		}
	}
	missing, err := r.missing(ctx, user, wanted, namespaces)
	if err != nil || len(missing) == 0 {
		return err
	}
	return &missingError{user: user.Username, right: wanted, namespaces: missing}
}

// missing returns the namespaces in which a user lacks a right.
func (r *requesters) missing(ctx context.Context, user authenticationv1.UserInfo, wanted right, namespaces []string) ([]string, error) {
	refused := make([]bool, len(namespaces))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReviews)
	for i, namespace := range namespaces {
		group.Go(func() error {
			allowed, err := r.allowed(ctx, user, wanted, namespace)
			refused[i] = !allowed
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var missing []string
	for i, namespace := range namespaces {
		if refused[i] {
			missing = append(missing, namespace)
		}
	}
	return missing, nil
}

func (r *requesters) allowed(ctx context.Context, user authenticationv1.UserInfo, wanted right, namespace string) (bool, error) {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, value := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(value)
	}
	review, err := r.reviews.Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: wanted.verb, Group: wanted.group, Version: "v1", Resource: wanted.resource, Subresource: wanted.subresource,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking the API server whether user %q may %s: %w", user.Username, wanted, err)
	}
	return review.Status.Allowed, nil
}
