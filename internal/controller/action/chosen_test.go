package action

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// clear deletes all of the application that runs, in a namespace of a cluster, also what waits to be created.
func clear(ctx context.Context, s *side, namespace string) {
	GinkgoHelper()
	texts := append(application()[:7:7], `{apiVersion: v1, kind: ConfigMap, metadata: {name: cache-apps.example.com-cache}}`)
	for _, text := range texts {
		Expect(client.IgnoreNotFound(s.Delete(ctx, object(namespace, text)))).To(Succeed())
	}
}

func reasons(action *storkv1alpha1.Action) map[string]string {
	found := map[string]string{}
	for _, entry := range append(action.Status.Summary.FailoverSummary, action.Status.Summary.FailbackSummary...) {
		found[entry.Namespace] = entry.Reason
	}
	return found
}

var _ = Describe("An Action that would start nothing", func() {
	named := func(kind, name string) []storkv1alpha1.ObjectInfo {
		return []storkv1alpha1.ObjectInfo{{Kind: "Deployment", Name: "web"}, {Kind: kind, Name: name}}
	}

	DescribeTable("is refused for its filter", func(ctx SpecContext, filter storkv1alpha1.ActionFilter, message string) {
		f := newFixture(ctx, 1)
		action := f.finish(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.ActionFilter = filter }))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(ContainSubstring(message))
		f.untouched(ctx)

		By("failing over without the source, which does not judge otherwise")
		filter.SkipLastMileMigration = nil
		action = f.finish(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) {
			p.ActionFilter, p.SkipSourceOperations = filter, new(true)
		}))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		f.untouched(ctx)
	},
		Entry("which names an object that is not there", storkv1alpha1.ActionFilter{IncludeObjects: named("Deployment", "wbe")}, "there is no Deployment wbe at the source or the destination in namespaces"),
		Entry("which names one of another kind", storkv1alpha1.ActionFilter{IncludeObjects: named("StatefulSet", "web")}, "there is no StatefulSet web"),
		Entry("which leaves out an object that is not there", storkv1alpha1.ActionFilter{ExcludeObjects: named("Database", "bd")}, "there is no Database bd"),
		Entry("which names a kind that is not there", storkv1alpha1.ActionFilter{Types: []string{"Deployment", "Databse"}}, "there is no kind Databse"),
		Entry("whose kinds are there, but no objects of them", storkv1alpha1.ActionFilter{Types: []string{"DaemonSet", "Service"}}, "the filter of the failover leaves nothing to be started and stopped at the source or the destination"),
		Entry("whose labels nothing has", storkv1alpha1.ActionFilter{Selectors: map[string]string{"tier": "fornt"}}, "the filter of the failover leaves nothing"),
		Entry("whose labels nothing has, without a last Migration", storkv1alpha1.ActionFilter{
			Selectors: map[string]string{"tier": "fornt"}, SkipLastMileMigration: new(true),
		}, "the filter of the failover leaves nothing"),
	)

	It("is not refused for a kind of its filter that there is nothing of, beside others", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.Types = []string{"Deployment", "daemonsets", "Cache"} }))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(with(with(stopped(true), "web", int64(3)), "cache", true)))
	})

	It("is refused where nothing was migrated yet and nothing will be", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		clear(ctx, secondary, f.namespaces[0])
		action := f.finish(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipSourceOperations = new(true) }))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(HavePrefix("there is nothing at the destination that a Migration brought to namespaces [" + f.namespaces[0] + "]"))
		Expect(f.active(ctx, secondary, forward)).To(BeFalse())

		action = f.finish(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipLastMileMigration = new(true) }))
		Expect(action.Status.Status).To(Equal(storkv1alpha1.ActionStatusFailed))
		Expect(action.Status.Reason).To(HavePrefix("nothing that is started and stopped has been migrated yet of namespace " + f.namespaces[0]))
		Expect(state(ctx, primary, f.namespaces[0])).To(Equal(runs()))

		By("failing over with a last Migration")
		f.succeed(ctx, f.failover(ctx))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))
	})

	It("says so where there is nothing in either cluster that could be", func(ctx SpecContext) {
		f := newFixture(ctx, 2)
		for _, s := range []*side{primary, secondary} {
			clear(ctx, s, f.namespaces[1])
		}
		action := f.succeed(ctx, f.failover(ctx))
		Expect(action.Status.Reason).To(BeEmpty())
		Expect(reasons(action)).To(Equal(map[string]string{f.namespaces[0]: "", f.namespaces[1]: nothing}))
		Expect(state(ctx, secondary, f.namespaces[0])).To(Equal(runs()))

		f = newFixture(ctx, 1)
		for _, s := range []*side{primary, secondary} {
			clear(ctx, s, f.namespaces[0])
		}
		action = f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.SkipLastMileMigration = new(true) }))
		Expect(action.Status.Reason).To(Equal(nothing))
		Expect(reasons(action)).To(Equal(map[string]string{f.namespaces[0]: nothing}))
	})
})

// nothing is said where there was nothing to start.
const nothing = "nothing was to be started"
