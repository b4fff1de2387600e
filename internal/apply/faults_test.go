package apply_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/net/http2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clocktesting "k8s.io/utils/clock/testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
	"github.com/godwit-io/godwit/test/leak"
)

var _ = Describe("Faults", func() {
	var (
		engine    *apply.Engine
		counter   *traffic
		namespace string
	)

	BeforeEach(func() {
		engine, counter = newEngine(cluster.Config(), apply.Options{Clock: newSteppingClock()})
		namespace = newNamespace()
	})

	config := func(name string) *unstructured.Unstructured {
		return object("{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + ", namespace: " + namespace + "}, data: {a: b}}")
	}
	configs := func(n int) []*unstructured.Unstructured {
		var all []*unstructured.Unstructured
		for i := range n {
			all = append(all, config(fmt.Sprintf("config-%d", i)))
		}
		return all
	}
	answer := func(request *http.Request, code int, header http.Header, message string) *http.Response {
		body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"code":%d}`, message, code)
		if header == nil {
			header = http.Header{}
		}
		header.Set("Content-Type", "application/json")
		return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: header, Request: request, Body: io.NopCloser(strings.NewReader(body))}
	}
	// twice has the first two requests with the method fail.
	twice := func(method string, fail func(*http.Request) (*http.Response, error)) {
		var failed atomic.Int64
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method != method || failed.Add(1) > 2 {
				return nil, nil
			}
			return fail(request)
		}
	}

	DescribeTable("that pass are outlasted", func(method string, fail func(*http.Request) (*http.Response, error)) {
		bring(engine, config("other"))
		bring(engine, config("changed"))
		edited("kubectl", config("changed"), `{"data":{"a":"c"}}`)
		twice(method, fail)
		report := bring(engine, config("changed"), config("created"))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1, apply.ActionCreated: 1}))
	},
		Entry("500 on a creation", http.MethodPost, func(r *http.Request) (*http.Response, error) {
			return answer(r, 500, nil, "failed calling webhook"), nil
		}),
		Entry("503 on an update", http.MethodPatch, func(r *http.Request) (*http.Response, error) { return answer(r, 503, nil, "starting"), nil }),
		Entry("401", http.MethodPost, func(r *http.Request) (*http.Response, error) { return answer(r, 401, nil, "Unauthorized"), nil }),
		Entry("429 with a time to wait", http.MethodPost, func(r *http.Request) (*http.Response, error) {
			return answer(r, 429, http.Header{"Retry-After": {"1"}}, "too many requests"), nil
		}),
		Entry("429 without one", http.MethodGet, func(r *http.Request) (*http.Response, error) { return answer(r, 429, nil, "too many requests"), nil }),
		Entry("a broken stream", http.MethodPost, func(*http.Request) (*http.Response, error) {
			return nil, http2.StreamError{StreamID: 1, Code: http2.ErrCodeInternal}
		}),
		Entry("an address that cannot be allocated because the database is away", http.MethodPost, func(r *http.Request) (*http.Response, error) {
			return answer(r, 422, nil, "failed to allocate IP: rpc error: code = Unavailable desc = connection reset by peer"), nil
		}),
		Entry("a reset connection", http.MethodPost, func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }),
		Entry("a refused connection", http.MethodGet, func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }),
		Entry("a conflict on an update", http.MethodPatch, func(r *http.Request) (*http.Response, error) {
			response := answer(r, 409, nil, "the object has been modified")
			response.Body = io.NopCloser(strings.NewReader(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409}`))
			return response, nil
		}),
		Entry("a quota counted by two", http.MethodPost, func(r *http.Request) (*http.Response, error) {
			return answer(r, 409, nil, `Operation cannot be fulfilled on resourcequotas "x": the object has been modified`), nil
		}),
	)

	// onWatch calls a function whenever a watch begins.
	onWatch := func(do func()) func(*http.Request) (*http.Response, error) {
		return func(request *http.Request) (*http.Response, error) {
			if request.URL.Query().Get("watch") == "true" {
				defer GinkgoRecover()
				do()
			}
			return nil, nil
		}
	}

	It("counts an object as created when only the answer was lost", func() {
		var lost atomic.Bool
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method != http.MethodPost || lost.Swap(true) {
				return nil, nil
			}
			response, err := counter.next.RoundTrip(request)
			if err == nil {
				err = response.Body.Close()
			}
			return nil, errors.Join(io.ErrUnexpectedEOF, err)
		}
		Expect(actions(bring(engine, config("a")))).To(Equal(map[apply.Action]int{apply.ActionCreated: 1}))
	})

	It("takes over an object that somebody creates in the same moment", func() {
		var created atomic.Bool
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method == http.MethodPost && !created.Swap(true) {
				defer GinkgoRecover()
				given("kubectl", changed(config("a"), func(o map[string]any) { o["data"] = map[string]any{"a": "x"} }))
			}
			return nil, nil
		}
		Expect(actions(bring(engine, config("a")))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		Expect(at(found(config("a")).Object, "data", "a")).To(Equal("b"))
	})

	It("creates an object again that somebody deletes in the same moment", func() {
		bring(engine, config("a"))
		edited("kubectl", config("a"), `{"data":{"a":"x"}}`)
		var deleted atomic.Bool
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method == http.MethodPatch && !deleted.Swap(true) {
				defer GinkgoRecover()
				Expect(clientFor(config("a")).Delete(request.Context(), "a", deleteOptions)).To(Succeed())
			}
			return nil, nil
		}
		Expect(actions(bring(engine, config("a")))).To(Equal(map[apply.Action]int{apply.ActionCreated: 1}))
	})

	It("overwrites nothing that was written since it was read", func() {
		bring(engine, config("a"))
		edited("kubectl", config("a"), `{"data":{"a":"x"}}`)
		bring(engine, config("a")) // Nothing is left to be handed over: the next write is the one that counts.
		edited("kubectl", config("a"), `{"data":{"a":"y"}}`)
		ctx, cancel := context.WithCancel(context.Background())
		var written atomic.Bool
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method == http.MethodPatch && !written.Swap(true) {
				defer GinkgoRecover()
				edited("another operator", config("a"), `{"data":{"a":"newer"}}`)
			} else if written.Load() {
				cancel() // It was told meanwhile that it leads no more.
			}
			return nil, nil
		}
		_, err := engine.Run(ctx, plan(config("a")), nil)
		Expect(err).To(MatchError(context.Canceled))
		Expect(at(found(config("a")).Object, "data", "a")).To(Equal("newer"))
	})

	It("counts an object as updated when only the answer was lost", func() {
		bring(engine, config("a"))
		var lost atomic.Bool
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method != http.MethodPatch || request.Header.Get("Content-Type") != "application/apply-patch+yaml" || lost.Swap(true) {
				return nil, nil
			}
			response, err := counter.next.RoundTrip(request)
			if err == nil {
				err = response.Body.Close()
			}
			return nil, errors.Join(io.ErrUnexpectedEOF, err)
		}
		p := plan(changed(config("a"), func(o map[string]any) { o["data"] = map[string]any{"a": "new"} }))
		p.Provenance.MigrationName = "two"
		Expect(actions(bringPlan(engine, p))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		Expect(lost.Load()).To(BeTrue())
	})

	It("waits for an object that is being deleted, and creates it anew", func() {
		bring(engine, config("a"))
		edited("operator", config("a"), `{"metadata":{"finalizers":["example.com/hold"]}}`)
		uid := found(config("a")).GetUID()
		Expect(clientFor(config("a")).Delete(context.Background(), "a", deleteOptions)).To(Succeed())
		engine, counter = newEngine(cluster.Config(), apply.Options{Clock: clocktesting.NewFakeClock(time.Now())})
		counter.tamper = onWatch(func() { edited("operator", config("a"), `{"metadata":{"finalizers":null}}`) })
		Expect(actions(bring(engine, config("a")))).To(Equal(map[apply.Action]int{apply.ActionCreated: 1}))
		Expect(found(config("a")).GetUID()).NotTo(Equal(uid))
	})

	// Stork's process dies of such an answer.
	It("waits for an object that is being deleted although the destination is busy", func() {
		bring(engine, config("a"))
		edited("operator", config("a"), `{"metadata":{"finalizers":["example.com/hold"]}}`)
		Expect(clientFor(config("a")).Delete(context.Background(), "a", deleteOptions)).To(Succeed())
		var looks atomic.Int64
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method != http.MethodGet || !strings.HasSuffix(request.URL.Path, "/configmaps/a") && request.URL.Query().Get("watch") == "" {
				return nil, nil
			}
			defer GinkgoRecover()
			switch looks.Add(1) {
			case 1:
				return answer(request, 429, nil, "too many requests"), nil
			case 2:
				return answer(request, 503, nil, "etcd has no leader"), nil
			case 3:
				return nil, syscall.ECONNRESET
			case 4:
				edited("operator", config("a"), `{"metadata":{"finalizers":null}}`)
			}
			return nil, nil
		}
		Expect(actions(bring(engine, config("a")))).To(Equal(map[apply.Action]int{apply.ActionCreated: 1}))
		Expect(looks.Load()).To(BeNumerically(">=", 4))
	})

	It("gives up on objects that do not go, on all of them after the time of one", func() {
		bring(engine, configs(20)...)
		for _, o := range configs(20) {
			edited("operator", o, `{"metadata":{"finalizers":["example.com/hold"]}}`)
			Expect(clientFor(o).Delete(context.Background(), o.GetName(), deleteOptions)).To(Succeed())
		}
		clock := clocktesting.NewFakeClock(time.Now())
		began := clock.Now()
		engine, counter = newEngine(cluster.Config(), apply.Options{Clock: clock})
		counter.tamper = onWatch(func() { clock.Step(2 * time.Second) })
		report, err := engine.Run(context.Background(), plan(configs(20)...), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(Equal(map[apply.Action]int{"Failed": 20}))
		for _, result := range report.Results {
			Expect(result.Err).To(MatchError(And(ContainSubstring("being deleted"), ContainSubstring("example.com/hold"), ContainSubstring("run again"))))
			edited("operator", config(result.Source.Name), `{"metadata":{"finalizers":null}}`)
		}
		Expect(clock.Since(began)).To(BeNumerically("<", 3*time.Minute))
	})

	It("of one object do not stop the others", func() {
		forbid(namespace, "!has(object.metadata.labels) || !('a' in object.metadata.labels)")
		labelled := changed(config("labelled"), func(o map[string]any) {
			o["metadata"].(map[string]any)["labels"] = map[string]any{"a": "b"}
		})
		report, err := engine.Run(context.Background(), plan(append(configs(20), labelled)...), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionCreated: 20, "Failed": 1}))
		Expect(resultOf(report, "ConfigMap", "labelled").Err).To(MatchError(And(
			ContainSubstring("creating ConfigMap "+namespace+"/labelled"), ContainSubstring("not here"))))
	})

	It("never show the contents of a Secret", func() {
		forbid(namespace, "!has(object.data) || !('key' in object.data)")
		denied := object("{apiVersion: v1, kind: Secret, metadata: {name: denied, namespace: " + namespace + "}, data: {key: aHVudGVyMg==}}")
		invalid := object("{apiVersion: v1, kind: Secret, metadata: {name: invalid, namespace: " + namespace + "}, type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: aHVudGVyMg==}}")
		malformed := object("{apiVersion: v1, kind: Secret, metadata: {name: malformed, namespace: " + namespace + "}, data: {x: hunter2!}}")
		report, err := engine.Run(context.Background(), plan(denied, invalid, malformed), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(Equal(map[apply.Action]int{"Failed": 3}))
		for _, result := range report.Results {
			Expect(result.Err.Error()).NotTo(Or(ContainSubstring("hunter2"), ContainSubstring("aHVudGVyMg"), ContainSubstring("not here")))
		}
		Expect(resultOf(report, "Secret", "denied").Err).To(MatchError(ContainSubstring("ValidatingAdmissionPolicy '" + namespace + "'")))
		Expect(resultOf(report, "Secret", "invalid").Err).To(MatchError(ContainSubstring("data[.dockerconfigjson]")))
	})

	It("tell which permission is missing", func() {
		user, err := cluster.UserConfig("nobody-" + namespace)
		Expect(err).NotTo(HaveOccurred())
		engine, _ = newEngine(user, apply.Options{})
		report, err := engine.Run(context.Background(), plan(config("a")), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(report.Results[0].Err).To(MatchError(And(ContainSubstring(`cannot get resource "configmaps"`), ContainSubstring("give the ClusterPair's user"))))
	})

	It("tell what to do about annotations that leave no room for the migration's", func() {
		large := changed(config("a"), func(o map[string]any) {
			o["metadata"].(map[string]any)["annotations"] = map[string]any{"notes": strings.Repeat("x", 256<<10-100)}
		})
		report, err := engine.Run(context.Background(), plan(large), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(report.Results[0].Err).To(MatchError(And(ContainSubstring("annotations"), ContainSubstring("remove what is not needed at the source"))))
	})

	It("tell that a namespace is missing or going", func() {
		report, err := engine.Run(context.Background(), plan(changed(config("a"), func(o map[string]any) {
			o["metadata"].(map[string]any)["namespace"] = namespace + "-missing"
		})), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(report.Results[0].Err).To(MatchError(ContainSubstring("create the namespace")))

		Expect(admin.Resource(resources["Namespace"]).Delete(context.Background(), namespace, deleteOptions)).To(Succeed())
		report, err = engine.Run(context.Background(), plan(config("a")), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(report.Results[0].Err).To(MatchError(And(ContainSubstring("being terminated"), ContainSubstring("run again"))))
	})

	It("give way when the run is cancelled, with a report of what was done", func() {
		ctx, cancel := context.WithCancelCause(context.Background())
		reason := errors.New("shutting down")
		var posts atomic.Int64
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method != http.MethodPost {
				return nil, nil
			}
			if posts.Add(1) > 40 {
				cancel(reason)
				<-request.Context().Done()
				return nil, request.Context().Err()
			}
			return nil, nil
		}
		p := plan(configs(200)...)
		leaked := leak.Since()
		report, err := engine.Run(ctx, p, nil)
		Expect(err).To(MatchError(reason))
		Expect(leaked()).To(Succeed())
		Expect(report.Results).To(HaveLen(200))
		Expect(actions(report)[apply.ActionCreated]).To(And(BeNumerically(">", 0), BeNumerically("<=", 40)))
		untouched := 0
		for _, result := range report.Results {
			if result.Err != nil {
				Expect(result.Err).To(MatchError(reason))
			}
			if errors.Is(result.Err, apply.ErrNotBrought) {
				untouched++
			}
		}
		Expect(untouched).To(BeNumerically(">=", 140))
		for _, item := range p.Items {
			Expect(item.Object).To(BeNil())
		}
	})

	It("ends when the destination does not answer, for all objects together", func() {
		counter.tamper = func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }
		report, err := engine.Run(context.Background(), plan(configs(1000)...), nil)
		Expect(err).To(MatchError(ContainSubstring("does not answer")))
		Expect(actions(report)).To(Equal(map[apply.Action]int{"Failed": 1000}))
		Expect(total(counter.reset())).To(BeNumerically("<", 50))
	})

	It("ends when the destination stops answering, and keeps what was done", func() {
		var posts atomic.Int64
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method == http.MethodPost && posts.Add(1) > 100 {
				return nil, syscall.ECONNREFUSED
			}
			return nil, nil
		}
		report, err := engine.Run(context.Background(), plan(configs(1000)...), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionCreated: 100, "Failed": 900}))
		Expect(posts.Load()).To(BeNumerically("<", 100+16*40))
	})

	It("of a whole kind do not cost every object its budget", func() {
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method == http.MethodPost {
				return answer(request, 500, nil, "failed calling webhook"), nil
			}
			return nil, nil
		}
		report, err := engine.Run(context.Background(), plan(configs(500)...), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(Equal(map[apply.Action]int{"Failed": 500}))
		Expect(counter.reset()["POST"]).To(BeNumerically("<", 500+16*10))
	})

	It("marks nothing as changed that a webhook overrules each time", func() {
		o := changed(config("a"), func(o map[string]any) { o["metadata"].(map[string]any)["labels"] = map[string]any{"team": "ours"} })
		mutate(namespace)
		report := bring(engine, o)
		Expect(report.Notices).To(ConsistOf(ContainSubstring("metadata.labels.team")))
		for _, name := range []string{"two", "three", "four"} {
			p := plan(o)
			p.Provenance.MigrationName = name
			Expect(actions(bringPlan(engine, p))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
		}
		Expect(found(o).GetAnnotations()).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrationName, "one"))
	})
})
