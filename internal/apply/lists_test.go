package apply_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/godwit-io/godwit/internal/apply"
)

var _ = Describe("Lists", func() {
	var (
		engine    *apply.Engine
		counter   *traffic
		namespace string
		objects   []*unstructured.Unstructured
	)

	BeforeEach(func() {
		engine, counter = newEngine(cluster.Config(), apply.Options{Clock: newSteppingClock()})
		namespace = newNamespace()
		objects = nil
		for i := range 5 {
			objects = append(objects, object(fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c-%d, namespace: %s}}", i, namespace)))
		}
	})

	// lists has requests for a list answered.
	lists := func(answer func(*http.Request) string) {
		counter.tamper = func(request *http.Request) (*http.Response, error) {
			if request.Method != http.MethodGet || !strings.HasSuffix(request.URL.Path, "/configmaps") {
				return nil, nil
			}
			body := answer(request)
			if body == "" {
				return nil, nil
			}
			code := http.StatusOK
			if strings.Contains(body, `"code":`) {
				_, err := fmt.Sscanf(body[strings.Index(body, `"code":`):], `"code":%d`, &code)
				Expect(err).NotTo(HaveOccurred())
			}
			return &http.Response{
				StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}}, Request: request, Body: io.NopCloser(strings.NewReader(body)),
			}, nil
		}
	}
	const (
		tooLarge = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"RequestEntityTooLarge","code":413}`
		expired  = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}`
	)
	page := func(token string, items ...string) string {
		return fmt.Sprintf(`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"continue":%q},"items":[%s]}`, token, strings.Join(items, ","))
	}

	It("are read in shorter pages where one is too large", func() {
		bring(engine, objects...)
		var limits []string
		lists(func(request *http.Request) string {
			limits = append(limits, request.URL.Query().Get("limit"))
			if len(limits) < 4 {
				return tooLarge
			}
			return ""
		})
		Expect(actions(bring(engine, objects...))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 5}))
		Expect(limits[:4]).To(Equal([]string{"500", "62", "7", "1"}))
		Expect(limits).To(HaveLen(3 + 5))
	})

	It("end where an object alone is too large", func() {
		lists(func(*http.Request) string { return tooLarge })
		report, err := engine.Run(context.Background(), plan(objects...), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(HaveKeyWithValue(apply.Action("Failed"), 5))
		Expect(counter.reset()[http.MethodGet]).To(BeNumerically("<", 10))
	})

	It("end that have no end", func() {
		var pages atomic.Int64
		lists(func(*http.Request) string { return page(fmt.Sprint(pages.Add(1))) })
		report, err := engine.Run(context.Background(), plan(objects...), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(HaveKeyWithValue(apply.Action("Failed"), 5))
		Expect(report.Results[0].Err).To(MatchError(ContainSubstring("the list of configmaps has no end")))
	})

	It("end whose pages expire again and again", func() {
		lists(func(request *http.Request) string {
			if request.URL.Query().Has("continue") {
				return expired
			}
			return page("next")
		})
		report, err := engine.Run(context.Background(), plan(objects...), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(HaveKeyWithValue(apply.Action("Failed"), 5))
		Expect(counter.reset()[http.MethodGet]).To(BeNumerically("<", 10))
	})

	It("with metadata that no API server gives are refused", func() {
		lists(func(*http.Request) string {
			return page("", fmt.Sprintf(`{"metadata":{"name":"c-0","namespace":%q,"uid":"1","resourceVersion":%q}}`, namespace, strings.Repeat("1", 100_000)))
		})
		report, err := engine.Run(context.Background(), plan(objects...), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(resultOf(report, "ConfigMap", "c-0").Err).To(MatchError(ContainSubstring("metadata that no API server gives")))
	})

	It("have nothing purged that cannot be in them", func() {
		marked := func(namespace, name string) string {
			return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":%q,"uid":"1","annotations":{"stork.libopenstorage.org/migrated":"true"},
				"managedFields":[{"manager":"godwit"}]}}`, name, namespace)
		}
		lists(func(*http.Request) string {
			return page("", marked("kube-system", "elsewhere"), marked(namespace, "../../../kube-system/configmaps/up"), marked(namespace, ""),
				marked(namespace, strings.Repeat("x", 254)), marked(namespace, ".."), marked(namespace, "a\nb"), marked("", "nowhere"), marked(namespace, "plausible"))
		})
		var asked []string
		p := plan(objects...)
		p.Purge = apply.Purge{
			Enabled: true, Namespaces: map[string]string{namespace: "at-source"},
			Kinds: []apply.Kind{{Resource: resources["ConfigMap"], Kind: resources["ConfigMap"].GroupVersion().WithKind("ConfigMap"), Namespaced: true}},
			Keep: func(_ context.Context, _ apply.Kind, name types.NamespacedName) (bool, error) {
				asked = append(asked, name.String())
				return true, nil
			},
		}
		_, err := engine.Run(context.Background(), p, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(asked).To(ConsistOf("at-source/plausible"))

		By("nor what is in a list without an end")
		asked = nil
		lists(func(*http.Request) string { return page("next", marked(namespace, "plausible")) })
		report, err := engine.Run(context.Background(), p, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(asked).To(BeEmpty())
		Expect(report.Notices).To(ContainElement(ContainSubstring("ConfigMaps were not purged")))
	})
})
