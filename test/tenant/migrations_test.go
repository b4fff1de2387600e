package tenant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// outage is longer than a destination may be silent in a run.
const outage = 5 * time.Minute

var _ = Describe("A destination", Ordered, ContinueOnFailure, func() {
	// migrateTo has a new tenant migrate to the destination with some answers changed.
	migrateTo := func(
		ctx context.Context, name string, change func(http.ResponseWriter, *http.Request) bool, edit func(*storkv1alpha1.Migration),
	) *storkv1alpha1.Migration {
		GinkgoHelper()
		mallory := newTenant(ctx, name)
		expectPair(ctx, mallory.pair(ctx, "remote", inFrontOf(mallory, change)), storkv1alpha1.ReasonReady, "")
		return mallory.migrate(ctx, "m", "remote", edit)
	}
	on := func(method, part string, handler http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method || !strings.Contains(r.URL.Path, part) {
				return false
			}
			handler(w, r)
			return true
		}
	}
	purging := func(m *storkv1alpha1.Migration) { m.Spec.PurgeDeletedResources = new(true) }

	var silent []*storkv1alpha1.Migration

	BeforeAll(func(ctx SpecContext) {
		silent = append(silent,
			migrateTo(ctx, "mallory-hangs", on(http.MethodPost, "/configmaps", hang), nil),
			migrateTo(ctx, "mallory-drips", on(http.MethodGet, "/configmaps", drip), nil))
	})

	It("that hangs keeps nobody else waiting", func(ctx SpecContext) { expectService(ctx) })

	It("without an end in its discovery is tried again, until the Migration is deleted", func(ctx SpecContext) {
		var all []*storkv1alpha1.Migration
		for name, handler := range map[string]http.HandlerFunc{
			"endless": endless(`{"kind":"APIGroupDiscoveryList","items":[`, `{"metadata":{"name":"x"}},`), "nested": endless("", `{"a":[`),
			"bomb": bomb(`{"kind":"APIGroupList","apiVersion":"v1","groups":[`, `{},`),
		} {
			all = append(all, migrateTo(ctx, "mallory-discovery-"+name, on(http.MethodGet, "/api", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/api" || r.URL.Path == "/apis" {
					handler(w, r)
					return
				}
				http.NotFound(w, r)
			}), nil))
		}
		expectService(ctx)
		for _, migration := range all {
			expectMessage(ctx, migration, "larger than allowed")
			expectMessage(ctx, migration, "this will be tried again")
			Expect(here.Delete(ctx, migration)).To(Succeed())
			Eventually(func() error { return here.Get(ctx, client.ObjectKeyFromObject(migration), migration) }).Should(Satisfy(apierrors.IsNotFound))
		}
		expectService(ctx)
	})

	It("without an end in its lists costs a bounded time and memory", func(ctx SpecContext) {
		var pages atomic.Int64
		marked := `{"metadata":{"name":"x-%d","namespace":"mallory-pages","uid":"%d","annotations":{"stork.libopenstorage.org/migrated":"true"},` +
			`"managedFields":[{"manager":"godwit"}]}}`
		endlessPages := func(w http.ResponseWriter, r *http.Request) {
			n := pages.Add(1)
			answer(w, 200, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"continue":"%d"},"items":[`+marked+`]}`, n, n, n)
		}
		list := `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[`
		messages := map[*storkv1alpha1.Migration]string{
			migrateTo(ctx, "mallory-pages", on(http.MethodGet, "/configmaps", endlessPages), purging):                                         "has no end",
			migrateTo(ctx, "mallory-page", on(http.MethodGet, "/configmaps", endless(list, `{"metadata":{"name":"one"}},`)), purging):         "larger than allowed",
			migrateTo(ctx, "mallory-bomb", on(http.MethodGet, "/configmaps", bomb(list+`{}`, `,{"":0}`)), purging):                            "larger than allowed",
			migrateTo(ctx, "mallory-value", on(http.MethodGet, "/configmaps", endless(list+`{"metadata":{"name":"`, `one`)), purging):         "larger than allowed",
			migrateTo(ctx, "mallory-every", on(http.MethodGet, "/namespaces/", bomb(list+`[]`, `,[]`)), purging):                              "larger than allowed",
			migrateTo(ctx, "mallory-written", on(http.MethodPost, "/configmaps", endless(`{"kind":"ConfigMap","data":{`, `"":"",`)), purging): "larger than allowed",
		}
		expectService(ctx)
		for migration, message := range messages {
			expectEnd(ctx, migration, storkv1alpha1.MigrationStatusPartialSuccess)
			Expect(messageOf(migration)).To(ContainSubstring(message), migration.Namespace)
		}
		expectService(ctx)
	})

	It("that lies about its objects has nothing done to those of others", func(ctx SpecContext) {
		var mu sync.Mutex
		var asked []string
		lies := `{"kind":"SecretList","apiVersion":"v1","metadata":{},"items":[` + strings.Join([]string{
			`{"kind":"Secret","apiVersion":"v1","metadata":{"name":"one","namespace":"mallory-lies","uid":"same","resourceVersion":"1"}}`,
			lie("hidden", "neighbour"), lie("one", "neighbour"), lie("../../neighbour/configmaps/two", "mallory-lies"), lie("..", "mallory-lies"),
			lie("%2e%2e%2f", "mallory-lies"), lie("a\nb\u001b[2J", "mallory-lies"), lie("plausible", "mallory-lies"), lie("plausible", "mallory-lies"),
			lie("none", ""),
		}, ",") + `]}`
		migration := migrateTo(ctx, "mallory-lies", func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet {
				mu.Lock()
				asked = append(asked, r.Method+" "+r.URL.EscapedPath())
				mu.Unlock()
			}
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/configmaps") {
				answer(w, 200, "%s", lies)
				return true
			}
			return false
		}, purging)
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
			g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), messageOf(migration))
		}).Should(Succeed())
		mu.Lock()
		defer mu.Unlock()
		Expect(asked).NotTo(BeEmpty())
		deletions := slices.DeleteFunc(slices.Clone(asked), func(request string) bool { return !strings.HasPrefix(request, http.MethodDelete) })
		Expect(deletions).To(ConsistOf("DELETE /api/v1/namespaces/mallory-lies/configmaps/plausible"))
		for _, request := range asked {
			Expect(request).NotTo(ContainSubstring("neighbour"))
		}
		expectService(ctx)
	})

	It("that answers with nonsense to what is written leaves a Migration that says so", func(ctx SpecContext) {
		var all []*storkv1alpha1.Migration
		for name, handler := range map[string]http.HandlerFunc{
			"empty": func(w http.ResponseWriter, _ *http.Request) { answer(w, 201, "{}") },
			"other": func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 201, `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","namespace":"neighbour","uid":"u"},"data":7}`)
			},
			"page":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); _, _ = io.WriteString(w, "<html>") },
			"nothing": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
			"redirect": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", source.Config().Host)
				w.WriteHeader(307)
			},
		} {
			if name != "redirect" {
				all = append(all, migrateTo(ctx, "mallory-nonsense-"+name, on(http.MethodPost, "/configmaps", handler), nil))
			}
		}
		for _, migration := range all {
			Eventually(func(g Gomega) {
				g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
				g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), messageOf(migration))
			}).Should(Succeed())
			Expect(messageOf(migration)).To(ContainSubstring("ConfigMap"), migration.Namespace)
		}
		expectService(ctx)
	})

	It("that sends back what it was sent does not get it into a status", func(ctx SpecContext) {
		echo := func(status int) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "/configmaps") && !strings.Contains(r.URL.Path, "/secrets") {
					return false
				}
				body, _ := io.ReadAll(r.Body)
				message, _ := json.Marshal(fmt.Sprintf("gateway\x1b[2J refused\r\n%s Authorization: %s body: %s", r.URL, r.Header.Get("Authorization"), body))
				answer(w, status, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":%s,"code":%d}`, message, status)
				return true
			}
		}
		basic := newTenant(ctx, "mallory-basic")
		k := inFrontOf(basic, echo(422))
		k.user.Token, k.user.Username, k.user.Password = "", "me", planted("password of basic authentication")
		expectPair(ctx, basic.pair(ctx, "remote", k), storkv1alpha1.ReasonReady, "")
		all := []*storkv1alpha1.Migration{basic.migrate(ctx, "m", "remote", nil)}
		for _, status := range []int{400, 403, 422} {
			all = append(all, migrateTo(ctx, fmt.Sprintf("mallory-echo-%d", status), echo(status), nil))
		}
		for _, migration := range all {
			expectEnd(ctx, migration, storkv1alpha1.MigrationStatusPartialSuccess)
			Expect(messageOf(migration)).To(ContainSubstring("[redacted]"))
			Expect(messageOf(migration)).NotTo(ContainSubstring("hush"))
			Expect(messageOf(migration)).NotTo(MatchRegexp(`[\x00-\x09\x0b-\x1f]`))
		}
	})

	It("that hangs is given up at last", func(ctx SpecContext) {
		for _, migration := range silent {
			Eventually(func(g Gomega) {
				g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
				g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), messageOf(migration))
			}).WithTimeout(outage).Should(Succeed())
			Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusPartialSuccess))
			Expect(messageOf(migration)).To(MatchRegexp("does not answer|deadline exceeded"))
		}
		expectService(ctx)
	})
})

// lie is an object that looks as if it had to be purged.
func lie(name, namespace string) string {
	object := corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: namespace, UID: "same", ResourceVersion: "1",
		Annotations:   map[string]string{storkv1alpha1.AnnotationMigrated: "true"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "godwit"}},
	}}
	content, err := json.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}
