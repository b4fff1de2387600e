package remote

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// counted answers as an API server does and counts what it is asked.
type counted struct {
	*httptest.Server
	clock *clocktesting.FakePassiveClock
	pool  *Pool

	mu    sync.Mutex
	asked map[string]int
	// refusals are statuses by "token path".
	refusals map[string]int
	rules    authorizationv1.SubjectRulesReviewStatus
	// single are the permissions that it grants when it is asked for one.
	single []Permission
}

const (
	versionPath = "/version"
	rulesPath   = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
	accessPath  = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
)

func newCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{clock: clocktesting.NewFakePassiveClock(time.Unix(1000, 0)), refusals: map[string]int{}, asked: map[string]int{}}
	c.rules.ResourceRules = []authorizationv1.ResourceRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}
	c.Server = httptest.NewTLSServer(c)
	t.Cleanup(c.Close)
	c.pool = NewPool(fake.NewClientBuilder().Build(), Options{Clock: c.clock})
	return c
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	c.asked[token+" "+r.URL.Path]++
	w.Header().Set("Content-Type", "application/json")
	if status := c.refusals[token+" "+r.URL.Path]; status != 0 {
		w.WriteHeader(status)
		return
	}
	switch r.URL.Path {
	case versionPath:
		_, _ = io.WriteString(w, `{"gitVersion":"v1.2.3"}`)
	case rulesPath:
		_ = json.NewEncoder(w).Encode(authorizationv1.SelfSubjectRulesReview{TypeMeta: reviewType("SelfSubjectRulesReview"), Status: c.rules})
	case accessPath:
		review := &authorizationv1.SelfSubjectAccessReview{}
		content, _ := io.ReadAll(r.Body)
		_, _, _ = scheme.Codecs.UniversalDeserializer().Decode(content, nil, review)
		a := review.Spec.ResourceAttributes
		review.TypeMeta = reviewType("SelfSubjectAccessReview")
		review.Status.Allowed = slices.Contains(c.single, Permission{Verb: a.Verb, Group: a.Group, Resource: a.Resource, Namespace: a.Namespace})
		_ = json.NewEncoder(w).Encode(review)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func reviewType(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: authorizationv1.SchemeGroupVersion.String(), Kind: kind}
}

// refuse has the server answer a request of a token with a status; 0 as usual.
func (c *counted) refuse(token, path string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusals[token+" "+path] = status
}

// with returns the cluster of a pair that has a token.
func (c *counted) with(t *testing.T, token string) *Cluster {
	t.Helper()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
	cluster, err := c.pool.Get(t.Context(), inline("of-"+token, with(func(_, cluster, user map[string]any) {
		user["token"], cluster["server"], cluster["certificate-authority-data"] = token, c.URL, authority
	})))
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// expect runs some probes at once and compares what the server was asked since the last time, by "token path".
func (c *counted) expect(t *testing.T, when string, after time.Duration, want map[string]int, clusters ...*Cluster) (errs []error) {
	t.Helper()
	c.clock.SetTime(c.clock.Now().Add(after))
	errs = make([]error, len(clusters))
	var group sync.WaitGroup
	for i, cluster := range clusters {
		group.Go(func() {
			var probe Probe
			if probe, errs[i] = cluster.Probe(t.Context(), wanted); errs[i] == nil && probe.ServerVersion != "v1.2.3" {
				errs[i] = fmt.Errorf("the version is %q", probe.ServerVersion)
			}
		})
	}
	group.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(want, c.asked); diff != "" {
		t.Errorf("%s: asked (-want,+got):\n%s", when, diff)
	}
	clear(c.asked)
	return errs
}

func (c *counted) expectWell(t *testing.T, when string, after time.Duration, want map[string]int, clusters ...*Cluster) {
	t.Helper()
	if err := errors.Join(c.expect(t, when, after, want, clusters...)...); err != nil {
		t.Errorf("%s: %v", when, err)
	}
}

func TestProbesOfOneCredentialShareAnswers(t *testing.T) {
	c := newCounted(t)
	a := c.with(t, "a")
	none, version := map[string]int{}, map[string]int{"a /version": 1}
	c.expectWell(t, "three at once", 0, map[string]int{"a /version": 1, "a " + rulesPath: 1}, a, a, a)
	c.expectWell(t, "soon after", wellFor-time.Second, none, a)
	c.refuse("a", versionPath, http.StatusServiceUnavailable)
	for _, err := range c.expect(t, "half a minute later, when it fails", time.Second, version, a, a, a) {
		if _, ok := errors.AsType[*UnreachableError](err); !ok {
			t.Errorf("err = %v, want an UnreachableError", err)
		}
	}
	if err := c.expect(t, "soon after the failure", failedFor-time.Second, none, a)[0]; err == nil {
		t.Error("the failure was forgotten at once")
	}
	c.refuse("a", versionPath, 0)
	c.expectWell(t, "some seconds later, when it is well", time.Second, version, a, a)
	c.expectWell(t, "an hour later", grantedFor, map[string]int{"a /version": 1, "a " + rulesPath: 1}, a)
}

func TestProbesOfOneServerShareThatItAnswers(t *testing.T) {
	const promised = 10 * time.Minute // By the README.
	c := newCounted(t)
	a, b := c.with(t, "a"), c.with(t, "b")
	c.expectWell(t, "at first", 0, map[string]int{"a /version": 1, "a " + rulesPath: 1}, a)
	c.expectWell(t, "at first", 0, map[string]int{"b /version": 1, "b " + rulesPath: 1}, b)
	c.refuse("b", versionPath, http.StatusUnauthorized)
	for passed := wellFor; passed < promised*4/5; passed += wellFor {
		c.expectWell(t, "while another credential asks", wellFor, map[string]int{"a /version": 1}, a)
		c.expectWell(t, "while another credential has asked", 0, map[string]int{}, b)
	}
	err := c.expect(t, "after the longest time for which a credential counts as accepted", promised/5, map[string]int{"b /version": 1}, b)[0]
	if _, ok := errors.AsType[*UnauthorizedError](err); !ok {
		t.Errorf("err = %v, want an UnauthorizedError", err)
	}
	c.expectWell(t, "what another credential is told", 0, map[string]int{"a /version": 1}, a)
}

func TestServersAreToldApart(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(top, cluster, user map[string]any)
		same   bool
	}{
		"by nothing of the user": {func(_, _, user map[string]any) { user["token"] = "other" }, true},
		"by their address":       {func(_, cluster, _ map[string]any) { cluster["server"] = "https://other.example.com" }, false},
		"by their name":          {func(_, cluster, _ map[string]any) { cluster["tls-server-name"] = "other" }, false},
		"by their authority":     {func(_, cluster, _ map[string]any) { cluster["certificate-authority-data"] = otherAuthority(t) }, false},
		"by having none": {func(_, cluster, _ map[string]any) {
			delete(cluster, "certificate-authority-data")
			cluster["insecure-skip-tls-verify"] = true
		}, false},
		"by the proxy": {func(_, cluster, _ map[string]any) { cluster["proxy-url"] = "http://proxy.example.com" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			one, err := Policy{}.Vet(with(func(_, _, _ map[string]any) {}))
			if err != nil {
				t.Fatal(err)
			}
			other, err := Policy{}.Vet(with(tc.change))
			if err != nil {
				t.Fatal(err)
			}
			if same := one.server == other.server; same != tc.same {
				t.Errorf("taken for the same: %t", same)
			}
		})
	}
}

func otherAuthority(t *testing.T) []byte {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func TestRefusalsCastDoubt(t *testing.T) {
	all := map[string]int{"a /version": 1, "a " + rulesPath: 1}
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	path := "/api/v1/namespaces/web/pods"
	for name, tc := range map[string]struct {
		do   func(ctx context.Context, c *counted, a *Cluster)
		want map[string]int
	}{
		"a write that is forbidden": {func(ctx context.Context, c *counted, a *Cluster) {
			c.refuse("a", path, http.StatusForbidden)
			_, _ = a.Dynamic.Resource(pods).Namespace("web").List(ctx, listOptions)
		}, all},
		"a credential that is not accepted": {func(ctx context.Context, c *counted, a *Cluster) {
			c.refuse("a", path, http.StatusUnauthorized)
			_, _ = a.Dynamic.Resource(pods).Namespace("web").Watch(ctx, listOptions)
		}, all},
		"not what is missing": {func(ctx context.Context, _ *counted, a *Cluster) {
			_, _ = a.Dynamic.Resource(pods).Namespace("web").List(ctx, listOptions)
		}, map[string]int{}},
		"not a question whose refusal tells nothing new": {func(ctx context.Context, c *counted, a *Cluster) {
			c.refuse("a", path+"/web", http.StatusForbidden)
			_, _ = a.Has(ctx, pods, &metav1.ObjectMeta{Namespace: "web", Name: "web"})
		}, map[string]int{}},
		"the caller": {func(_ context.Context, _ *counted, a *Cluster) { a.Doubt() }, all},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounted(t)
			a := c.with(t, "a")
			c.expectWell(t, "at first", 0, all, a)
			tc.do(t.Context(), c, a)
			maps.DeleteFunc(c.asked, func(asked string, _ int) bool { return strings.HasPrefix(asked, "a "+path) })
			c.expectWell(t, "afterwards", time.Second, tc.want, a)
		})
	}
	t.Run("not the probe itself", func(t *testing.T) {
		c := newCounted(t)
		a := c.with(t, "a")
		c.refuse("a", versionPath, http.StatusForbidden)
		c.expect(t, "at first", 0, all, a)
		c.expect(t, "afterwards", time.Second, map[string]int{}, a)
	})
}

func TestPermissionsThatNoRuleGrants(t *testing.T) {
	single := slices.Clone(wanted[:3])
	for name, change := range map[string]func(c *counted){
		"where an authorizer cannot list them":  func(c *counted) { c.rules.Incomplete = true },
		"where nobody may ask for the rules":    func(c *counted) { c.refuse("a", rulesPath, http.StatusForbidden) },
		"where the server knows no such review": func(c *counted) { c.refuse("a", rulesPath, http.StatusNotFound) },
		"where there are too many rules": func(c *counted) {
			c.rules.ResourceRules = []authorizationv1.ResourceRule{{Verbs: []string{strings.Repeat("x", smallBytes)}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounted(t)
			c.rules.ResourceRules, c.single = nil, single
			change(c)
			a := c.with(t, "a")
			probe, err := a.Probe(t.Context(), wanted)
			if diff := cmp.Diff(wanted[3:], probe.Missing); err != nil || diff != "" {
				t.Errorf("missing (-want,+got):\n%s, %v", diff, err)
			}
			asked := c.asked["a "+accessPath]
			// In all namespaces for everything and each of the four kinds of access, and in each of the two namespaces what is not granted.
			if asked != 1+4+1+2+1+1 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
	t.Run("are not asked for one by one where everything is granted", func(t *testing.T) {
		c := newCounted(t)
		c.rules = authorizationv1.SubjectRulesReviewStatus{Incomplete: true}
		c.single = []Permission{{Verb: "*", Group: "*", Resource: "*"}}
		c.expectWell(t, "an administrator", 0, map[string]int{"a /version": 1, "a " + rulesPath: 1, "a " + accessPath: 1}, c.with(t, "a"))
	})
	t.Run("are not asked for where all rules are known", func(t *testing.T) {
		c := newCounted(t)
		c.rules = authorizationv1.SubjectRulesReviewStatus{EvaluationError: "a role is not there"}
		probe, err := c.with(t, "a").Probe(t.Context(), wanted)
		if err != nil || !slices.Equal(probe.Missing, wanted) || c.asked["a "+accessPath] != 0 {
			t.Errorf("Probe = %+v, %v, asked %v", probe, err, c.asked)
		}
	})
}

func TestRulesOnSingleObjectsGrantNothing(t *testing.T) {
	permission := Permission{Verb: "get", Group: "apps", Resource: "deployments"}
	for name, tc := range map[string]struct {
		rule authorizationv1.ResourceRule
		want bool
	}{
		"everything": {authorizationv1.ResourceRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}, true},
		"the very":   {authorizationv1.ResourceRule{Verbs: []string{"list", "get"}, APIGroups: []string{"apps"}, Resources: []string{"deployments"}}, true},
		"one object": {authorizationv1.ResourceRule{Verbs: []string{"get"}, APIGroups: []string{"apps"}, Resources: []string{"deployments"}, ResourceNames: []string{"web"}}, false},
		"other verb": {authorizationv1.ResourceRule{Verbs: []string{"list"}, APIGroups: []string{"*"}, Resources: []string{"*"}}, false},
		"another":    {authorizationv1.ResourceRule{Verbs: []string{"*"}, APIGroups: []string{"apps"}, Resources: []string{"deployments/scale"}}, false},
		"core group": {authorizationv1.ResourceRule{Verbs: []string{"*"}, APIGroups: []string{""}, Resources: []string{"*"}}, false},
	} {
		if got := allows(tc.rule, permission); got != tc.want {
			t.Errorf("%s: granted %t, want %t", name, got, tc.want)
		}
	}
}

func TestWhatIsKnownOfOldNamespacesIsDropped(t *testing.T) {
	c := newCounted(t)
	c.rules.ResourceRules = nil
	a := c.with(t, "a")
	for range 5 {
		namespace := fmt.Sprint("web-", c.clock.Now().Unix())
		if _, err := a.Probe(t.Context(), []Permission{{Verb: "get", Resource: "pods", Namespace: namespace}}); err != nil {
			t.Fatal(err)
		}
		c.clock.SetTime(c.clock.Now().Add(grantedFor))
	}
	if n := len(a.whatIsKnown().grants); n > 2 {
		t.Errorf("%d namespaces are kept", n)
	}
}
