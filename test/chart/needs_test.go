package chart_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// itNeedsEachRight has the API server judge what the operator requested once more for each of its rights, without that one.
func itNeedsEachRight(installed func() []*unstructured.Unstructured) {
	It("could not do what it did without any one of its rights", func(ctx SpecContext) {
		requests, _ := requested()
		grants := grantsOf(installed())
		Expect(len(grants)).To(BeNumerically(">", 20))
		GinkgoWriter.Printf("%d rights, %d sorts of requests\n", len(grants), len(samples(requests, grants)))
		for i, removed := range grants {
			asked, left := without(removed, samples(requests, grants), grants)
			user := fmt.Sprintf("without-%d", i)
			grantAll(ctx, user, left)
			wanted, _ := judge(asked, slices.Clone(left))
			Expect(wanted).NotTo(BeEmpty(), "%+v", removed)
			// Rights take effect a moment after they were given.
			Eventually(denied).WithContext(ctx).WithArguments(user, asked).Should(ConsistOf(wanted), "without %+v", removed)
		}
	})
}

// samples returns one request for each sort of them: those that no right can tell apart are the same.
func samples(requests []request, grants []grant) []request {
	var found []request
	seen := map[request]bool{}
	for _, r := range requests {
		sort := r
		if !slices.ContainsFunc(grants, func(g grant) bool { return g.name != "" && g.name == r.name && g.resource == r.resource }) {
			sort.name = ""
		}
		if !seen[sort] {
			seen[sort] = true
			found = append(found, r)
		}
	}
	return found
}

// without returns the other rights, and what to ask then. The right to try everything in dry runs hides what others are for: a
// right says nothing of dry runs, so that both are looked at apart.
func without(removed grant, requests []request, grants []grant) (asked []request, left []grant) {
	trial := removed.role == dryRunRole
	for _, r := range requests {
		if r.dryRun == trial {
			asked = append(asked, r)
		}
	}
	for _, g := range grants {
		if g != removed && (g.role == dryRunRole) == trial {
			left = append(left, g)
		}
	}
	return asked, left
}

// grantAll gives a user rights.
func grantAll(ctx context.Context, user string, grants []grant) {
	GinkgoHelper()
	rules := map[string][]rbacv1.PolicyRule{}
	for _, g := range grants {
		rule := rbacv1.PolicyRule{APIGroups: []string{g.group}, Resources: []string{g.resource}, Verbs: []string{g.verb}}
		if g.name != "" {
			rule.ResourceNames = []string{g.name}
		}
		rules[g.namespace] = append(rules[g.namespace], rule)
	}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}}
	for namespace, rules := range rules {
		name := metav1.ObjectMeta{Namespace: namespace, Name: user}
		if namespace == "" {
			Expect(here.Create(ctx, &rbacv1.ClusterRole{ObjectMeta: name, Rules: rules})).To(Succeed())
			Expect(here.Create(ctx, &rbacv1.ClusterRoleBinding{
				ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user}, Subjects: subjects,
			})).To(Succeed())
			continue
		}
		Expect(here.Create(ctx, &rbacv1.Role{ObjectMeta: name, Rules: rules})).To(Succeed())
		Expect(here.Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user}, Subjects: subjects,
		})).To(Succeed())
	}
}

// denied returns those of the requests that the API server would refuse a user.
func denied(ctx context.Context, user string, requests []request) ([]request, error) {
	var mu sync.Mutex
	var found []request
	var group errgroup.Group
	group.SetLimit(8)
	for _, r := range requests {
		group.Go(func() error {
			resource, subresource, _ := strings.Cut(r.resource, "/")
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user,
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Verb: r.verb, Group: r.group, Resource: resource, Subresource: subresource, Namespace: r.namespace, Name: r.name,
				},
			}}
			if err := here.Create(ctx, review); err != nil {
				return err
			}
			if !review.Status.Allowed {
				mu.Lock()
				defer mu.Unlock()
				found = append(found, r)
			}
			return nil
		})
	}
	return found, group.Wait()
}
