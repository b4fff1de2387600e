package apply_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
)

var _ = Describe("Purge", func() {
	var (
		engine    *apply.Engine
		counter   *traffic
		namespace string
	)

	BeforeEach(func() {
		engine, counter = newEngine(cluster.Config(), apply.Options{})
		namespace = newNamespace()
	})

	config := func(name string) *unstructured.Unstructured {
		return object("{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + ", namespace: " + namespace + "}}")
	}
	secret := func(name string) *unstructured.Unstructured {
		return object("{apiVersion: v1, kind: Secret, metadata: {name: " + name + ", namespace: " + namespace + "}}")
	}
	account := func(name string) *unstructured.Unstructured {
		return object("{apiVersion: v1, kind: ServiceAccount, metadata: {name: " + name + ", namespace: " + namespace + "}}")
	}
	// purging looks at the kinds of the test in its namespace, which is called "at-source" there.
	purging := func(keep apply.KeepFunc, objects ...*unstructured.Unstructured) apply.Plan {
		p := plan(objects...)
		p.Purge = apply.Purge{Enabled: true, Namespaces: map[string]string{namespace: "at-source"}, Keep: keep}
		for _, kind := range []string{"ConfigMap", "Secret", "ServiceAccount", "ClusterRoleBinding"} {
			p.Purge.Kinds = append(p.Purge.Kinds, apply.Kind{
				Resource: resources[kind], Kind: resources[kind].GroupVersion().WithKind(kind), Namespaced: isNamespaced(kind),
			})
		}
		p.Purge.Kinds = append(p.Purge.Kinds, apply.Kind{
			Resource: schema.GroupVersionResource{Group: "zoo.example.com", Version: "v1", Resource: "birds"},
			Kind:     schema.GroupVersionKind{Group: "zoo.example.com", Version: "v1", Kind: "Bird"}, Namespaced: true,
		})
		return p
	}
	mark := func(o *unstructured.Unstructured) *unstructured.Unstructured {
		o.SetAnnotations(map[string]string{storkv1alpha1.AnnotationMigrated: "true"})
		return o
	}

	It("deletes what a migration brought and the source has no more, whether or not the plan has others of the kind", func() {
		bring(engine, config("stays"), config("gone"), secret("gone"), account("gone"))
		report := bringPlan(engine, purging(nil, config("stays")))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1, apply.ActionPurged: 2}))
		Expect(isThere(config("gone"))).To(BeFalse())
		Expect(isThere(secret("gone"))).To(BeFalse())
		Expect(isThere(account("gone"))).To(BeTrue(), "ServiceAccounts stay")
		purged := resultOf(report, "Secret", "gone")
		Expect(purged).To(Equal(apply.Result{
			Kind: schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, Action: apply.ActionPurged,
			Source: types.NamespacedName{Namespace: "at-source", Name: "gone"}, DestinationNamespace: namespace,
		}))
	})

	It("counts an object as purged when only the answer was lost", func() {
		bring(engine, config("gone"))
		var lost atomic.Bool
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method != http.MethodDelete || lost.Swap(true) {
				return nil, nil
			}
			response, err := counter.next.RoundTrip(request)
			if err == nil {
				err = response.Body.Close()
			}
			return nil, errors.Join(io.ErrUnexpectedEOF, err)
		}
		Expect(actions(bringPlan(engine, purging(nil, secret("a"))))).To(Equal(map[apply.Action]int{apply.ActionCreated: 1, apply.ActionPurged: 1}))
		Expect(lost.Load()).To(BeTrue())
	})

	It("does not count an object as purged that somebody else deletes in the same moment", func() {
		bring(engine, config("gone"))
		p := purging(func(ctx context.Context, _ apply.Kind, _ types.NamespacedName) (bool, error) {
			return false, clientFor(config("gone")).Delete(ctx, "gone", deleteOptions)
		}, secret("a"))
		Expect(actions(bringPlan(engine, p))).To(Equal(map[apply.Action]int{apply.ActionCreated: 1}))
	})

	It("does nothing unless it is enabled", func() {
		bring(engine, config("stays"), config("gone"))
		p := purging(nil, config("stays"))
		p.Purge.Enabled = false
		bringPlan(engine, p)
		Expect(isThere(config("gone"))).To(BeTrue())
	})

	It("does not read contents where the plan has nothing of a kind, and works without a client for that", func() {
		bring(engine, secret("gone"))
		counter.reset()
		bringPlan(engine, purging(nil, config("a")))
		Expect(isThere(secret("gone"))).To(BeFalse())
		Expect(counter.reset()["GET"]).To(Equal(3), "one LIST of each kind")

		bring(engine, secret("gone"))
		client, err := dynamic.NewForConfig(cluster.Config())
		Expect(err).NotTo(HaveOccurred())
		bringPlan(apply.New(apply.Clients{Namespaced: client}, apply.Options{}), purging(nil, config("a")))
		Expect(isThere(secret("gone"))).To(BeFalse())
	})

	DescribeTable("leaves alone", func(manager string, change func(*unstructured.Unstructured)) {
		o := mark(config("stays"))
		change(o)
		given(manager, o)
		report := bringPlan(engine, purging(nil, secret("a")))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionCreated: 1}))
		Expect(isThere(o)).To(BeTrue())
	},
		Entry("what no migration brought", "godwit", func(o *unstructured.Unstructured) { o.SetAnnotations(nil) }),
		Entry("what is marked otherwise", "godwit", func(o *unstructured.Unstructured) {
			o.SetAnnotations(map[string]string{storkv1alpha1.AnnotationMigrated: "false"})
		}),
		Entry("what an operator made and copied the mark to", "operator", func(*unstructured.Unstructured) {}),
		Entry("the child of a controller", "godwit", func(o *unstructured.Unstructured) {
			o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "x", UID: "x", Controller: new(true)}})
		}),
	)

	It("deletes what Stork brought", func() {
		given("stork", mark(config("gone")))
		bringPlan(engine, purging(nil, secret("a")))
		Expect(isThere(config("gone"))).To(BeFalse())
	})

	It("considers only what the selector matches", func() {
		labelled := func(o *unstructured.Unstructured) *unstructured.Unstructured {
			o.SetLabels(map[string]string{"app": "a"})
			return o
		}
		bring(engine, labelled(config("gone")), config("stays"), labelled(secret("gone")), secret("stays"), config("a"), config("b"))
		p := purging(nil, config("a"), config("b"))
		p.Purge.LabelSelector = "app=a"
		bringPlan(engine, p)
		Expect(isThere(config("gone"))).To(BeFalse())
		Expect(isThere(secret("gone"))).To(BeFalse())
		Expect(isThere(config("stays"))).To(BeTrue())
		Expect(isThere(secret("stays"))).To(BeTrue())

		p = purging(nil)
		p.Purge.LabelSelector = "app=="
		p.Purge.LabelSelector = "app in"
		Expect(bringPlan(engine, p).Notices).To(ConsistOf(ContainSubstring("invalid")))
	})

	It("asks about each by its name at the source, and reports what it could not learn", func() {
		bring(engine, config("still-there"), config("unknown"), config("gone"))
		var mu sync.Mutex
		asked := map[string]bool{}
		keep := func(_ context.Context, kind apply.Kind, name types.NamespacedName) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			asked[kind.Kind.Kind+" "+name.String()] = true
			if name.Name == "unknown" {
				return false, errors.New("the source does not answer")
			}
			return name.Name == "still-there", nil
		}
		report, err := engine.Run(context.Background(), purging(keep), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(slices.Sorted(maps.Keys(asked))).To(Equal([]string{
			"ConfigMap at-source/gone", "ConfigMap at-source/still-there", "ConfigMap at-source/unknown",
		}))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionPurged: 1, "Failed": 1}))
		Expect(resultOf(report, "ConfigMap", "unknown").Err).To(MatchError(ContainSubstring("the source does not answer")))
		Expect(isThere(config("unknown"))).To(BeTrue())
		Expect(isThere(config("still-there"))).To(BeTrue())
	})

	It("judges a stashed custom resource by the resource", func() {
		stash := func(name, content string) *unstructured.Unstructured {
			o := config(name)
			o.SetLabels(map[string]string{storkv1alpha1.LabelStashCR: "true"})
			Expect(unstructured.SetNestedField(o.Object, content, "data", storkv1alpha1.StashKeyObject)).To(Succeed())
			return o
		}
		bird := func(name string) string {
			return fmt.Sprintf(`{"apiVersion":"zoo.example.com/v1","kind":"Bird","metadata":{"name":"%s","namespace":"at-source"}}`, name)
		}
		all := []*unstructured.Unstructured{
			stash("bird-stays", bird("stays")), stash("bird-gone", bird("gone")), stash("spoilt", "{"),
			stash("other", strings.ReplaceAll(bird("x"), "Bird", "Fish")),
		}
		bring(engine, all...)
		keep := func(_ context.Context, kind apply.Kind, name types.NamespacedName) (bool, error) {
			Expect(kind.Kind.Kind).To(Equal("Bird"))
			Expect(name.Namespace).To(Equal("at-source"))
			return name.Name == "stays", nil
		}
		Expect(actions(bringPlan(engine, purging(keep)))).To(Equal(map[apply.Action]int{apply.ActionPurged: 1}))
		Expect(isThere(all[1])).To(BeFalse())
	})
})
