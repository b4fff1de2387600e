package action

import (
	"context"
	"errors"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// stumble is a request that fails, alone among those before and after it.
type stumble struct {
	// after is how many requests go well before it.
	after int
	// lost says that it is carried out, and only its answer never comes.
	lost bool
	// met tells whether it has come to that.
	met bool
}

// stumbling sends a request on unless it is the one that fails.
func (f *faults) stumbling(request *http.Request, next http.RoundTripper) (*http.Response, error) {
	fails, lost := f.fails()
	if fails && !lost {
		return answer(request, http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable), nil
	}
	response, err := next.RoundTrip(request)
	if fails && err == nil {
		return nil, errors.Join(errors.New("the answer was lost"), response.Body.Close())
	}
	return response, err
}

// fails counts a request.
func (f *faults) fails() (fails, lost bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stumble == nil {
		return false, false
	}
	f.stumble.after--
	fails = f.stumble.after == -1
	f.stumble.met = f.stumble.met || fails
	return fails, f.stumble.lost
}

// stumble has an operator work on an Action until it is at its end. Of each of its steps the first request fails, then the second one,
// and so on until none is left to fail. It returns how many did.
func (f *fixture) stumble(ctx context.Context, action *storkv1alpha1.Action, lost bool) (failed int) {
	GinkgoHelper()
	operator, after := f.operator(), 0
	Eventually(func(g Gomega) {
		one := &stumble{after: after, lost: lost}
		f.faults.set(func(x *faults) { x.stumble = one })
		err := f.once(ctx, action, operator)
		f.faults.set(func(x *faults) { x.stumble = nil })
		if after++; one.met {
			failed++
		} else {
			Expect(err).NotTo(HaveOccurred())
			after = 0
		}
		g.Expect(final(action) && len(action.Finalizers) == 0).To(BeTrue(), "stage %q: %s", action.Status.Stage, succeeded(action))
	}).WithPolling(time.Millisecond).WithTimeout(3 * time.Minute).Should(Succeed())
	return failed
}

var _ = Describe("An Action whose every single request fails once", func() {
	const refused, lost = false, true

	DescribeTable("still moves an application there and back", func(ctx SpecContext, lost bool) {
		f := newFixture(ctx, 1)
		namespace := f.namespaces[0]
		action := f.failover(ctx)
		Expect(f.stumble(ctx, action, lost)).To(BeNumerically(">", 100))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusSuccessful), action.Status.Reason)
		Expect(action.Status.Reason).To(BeEmpty())
		Expect(state(ctx, primary, namespace)).To(Equal(stopped(true)))
		Expect(state(ctx, secondary, namespace)).To(Equal(runs()))
		Expect(memos(ctx, secondary, namespace)).To(BeEmpty())
		Expect(f.lastMiles(ctx, primary)).To(HaveLen(1))
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())
		Expect(f.suspended(ctx, primary, forward)).To(BeTrue())

		f.schedule(ctx, secondary, backward)
		action = f.failback(ctx)
		Expect(f.stumble(ctx, action, lost)).To(BeNumerically(">", 100))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusSuccessful), action.Status.Reason)
		Expect(state(ctx, primary, namespace)).To(Equal(runs()))
		Expect(state(ctx, secondary, namespace)).To(Equal(stopped(true)))
		Expect(f.active(ctx, secondary, forward)).To(BeFalse())
		Expect(f.active(ctx, primary, backward)).To(BeTrue())
		Expect(f.suspended(ctx, secondary, backward)).To(BeTrue())
		f.pass(minute)
		f.look(ctx, primary, forward)
		Expect(f.suspended(ctx, primary, forward)).To(BeFalse(), "the schedule knows why it was suspended")
	},
		Entry("because it is refused", refused),
		Entry("because its answer is lost", lost),
	)

	DescribeTable("is still rolled back completely", func(ctx SpecContext, lost bool) {
		f := newFixture(ctx, 1)
		f.faults.set(refusing(secondary, "PATCH", "/statefulsets/idle"))
		action := f.failover(ctx)
		f.stumble(ctx, action, lost)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed), action.Status.Reason)
		Expect(summary(action)).To(Equal(map[string]storkv1alpha1.ActionStatusType{f.namespaces[0]: storkv1alpha1.ActionStatusRollbackSuccessful}))
		f.untouched(ctx)
	},
		Entry("because it is refused", refused),
		Entry("because its answer is lost", lost),
	)

	It("still overtakes a source that does not answer", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.faults.set(func(x *faults) { x.unreachable = primary })
		action := f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipSourceOperations = new(true) })
		f.stumble(ctx, action, lost)
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusSuccessful), action.Status.Reason)
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
		Expect(f.active(ctx, secondary, forward)).To(BeTrue())
	})
})
