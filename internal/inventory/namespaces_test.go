package inventory

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var _ = Describe("Namespaces", func() {
	DescribeTable("resolves", func(ctx SpecContext, names []string, selectors map[string]string, found, missing []string, requests int) {
		w := &wire{}
		gotFound, gotMissing, err := Namespaces(ctx, client(w), names, selectors)
		Expect(err).NotTo(HaveOccurred())
		Expect(gotFound).To(Equal(found))
		Expect(gotMissing).To(Equal(missing))
		Expect(w.requests).To(HaveLen(requests))
	},
		Entry("names", []string{"shop", "red", "shop", "nowhere", "going"}, nil, []string{"red", "shop"}, []string{"going", "nowhere"}, 4),
		Entry("a label", nil, map[string]string{"color": "blue"}, []string{"blue"}, []string{}, 1),
		Entry("any of several labels, and names", []string{"shop", "nowhere"}, map[string]string{"size": "s", "color": "red"},
			[]string{"blue", "red", "shop"}, []string{"going", "nowhere"}, 1),
		Entry("a label that nothing has", nil, map[string]string{"color": "green"}, []string{}, []string{}, 1),
		Entry("nothing", nil, nil, []string{}, []string{}, 0),
	)

	It("fails when it cannot know", func(ctx SpecContext) {
		w := &wire{answer: func(*http.Request) *metav1.Status {
			return &metav1.Status{Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: "no"}
		}}
		_, _, err := Namespaces(ctx, client(w), []string{"shop"}, nil)
		Expect(err).To(MatchError("reading namespace shop: no"))
		_, _, err = Namespaces(ctx, client(w), nil, map[string]string{"a": "b"})
		Expect(err).To(MatchError("listing namespaces: no"))
	})
})
