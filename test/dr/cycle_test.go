package dr_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// cycle is the namespace of an application that makes the whole way there and back.
const cycle = "cycle"

// state tells what of the application runs in a cluster. What is not there is nil.
func (s *side) state(ctx context.Context) map[string]any {
	GinkgoHelper()
	return map[string]any{
		"web":      s.replicas(ctx, cycle),
		"invoices": s.field(ctx, "batch/v1", "CronJob", cycle, "invoices", "spec.suspend"),
		"queue":    s.field(ctx, "rabbitmq.com/v1beta1", "RabbitmqCluster", cycle, "queue", "spec.replicas"),
		"billing":  s.field(ctx, "weblogic.oracle/v8", "Domain", cycle, "billing", "spec.serverStartPolicy"),
		"couch":    s.field(ctx, "couchbase.com/v2", "CouchbaseCluster", cycle, "documents", "spec.paused"),
		"ledger":   s.field(ctx, "shop.example.com/v1", "Ledger", cycle, "ledger", "spec.mode"),
		"reports":  s.field(ctx, "shop.example.com/v1", "Ledger", cycle, "ledger", "spec.reports.enabled"),
		"cache":    s.field(ctx, "shop.example.com/v1", "Cache", cycle, "cache", "spec.size"),
	}
}

// running is the state of the application with a number of queues and a size of the cache.
func running(queues, size int64) map[string]any {
	return map[string]any{
		"web": int64(3), "invoices": false, "queue": queues, "billing": "IF_NEEDED", "couch": false, "ledger": "active", "reports": true, "cache": size,
	}
}

// stopped is the state of the application where it does not run. There may be a cache, which nobody knows how to stop.
func stopped(cache any) map[string]any {
	return map[string]any{
		"web": int64(0), "invoices": true, "queue": int64(0), "billing": "NEVER", "couch": true, "ledger": "standby", "reports": false, "cache": cache,
	}
}

func beginCycle(ctx SpecContext) {
	for _, s := range []*side{source, standby} {
		s.apply(ctx, "registrations.yaml", "")
		s.apply(ctx, "crds.yaml", "")
		s.kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	}
	source.apply(ctx, "shop.yaml", cycle)
	Eventually(ctx, func() error { // Pods need the service account, which a controller makes.
		return source.Get(ctx, client.ObjectKey{Namespace: cycle, Name: "default"}, &corev1.ServiceAccount{})
	}).Should(Succeed())
	source.apply(ctx, "operators.yaml", cycle)
	pair(ctx, cycle)
	source.schedule(ctx, cycle, forward, cycle)

	Expect(source.state(ctx)).To(Equal(running(5, 1)))
	Expect(standby.state(ctx)).To(Equal(stopped(nil)))
	stash := standby.object(ctx, "v1", "ConfigMap", cycle, "cache-shop.example.com-cache")
	Expect(stash).NotTo(BeNil())
	Expect(stash.GetLabels()).To(HaveKeyWithValue(storkv1alpha1.LabelStashCR, "true"))

	By("editing the schedule, which edits its copy")
	copied := standby.read(ctx, cycle, forward)
	Expect(copied.Annotations).To(HaveKeyWithValue(storkv1alpha1.AnnotationStaticCopy, "true"))
	Expect(copied.Spec.Suspend).To(HaveValue(BeTrue()))
	source.kubectl(ctx, "patch", "migrationschedule", forward, "-n", cycle, "--type=merge", "-p", `{"spec":{"template":{"spec":{"skipServiceUpdate":true}}}}`)
	Eventually(ctx, func() *bool { return standby.read(ctx, cycle, forward).Spec.Template.Spec.SkipServiceUpdate }).Should(HaveValue(BeTrue()))
}

func failOverCycle(ctx SpecContext) {
	source.kubectl(ctx, "patch", "configmap", "settings", "-n", cycle, "--type=merge", "-p", `{"data":{"colour":"red"}}`)
	Expect(failOver(ctx, cycle, forward)).To(ContainSubstring("completed successfully"))
	Expect(standby.storkctl(ctx, "get", "failover", "-n", cycle)).To(MatchRegexp(`Completed\s+Successful\s+.*1/1 namespaces`))

	Expect(source.state(ctx)).To(Equal(stopped(int64(1))))
	Expect(source.object(ctx, "v1", "Pod", cycle, "documents-0")).To(BeNil())
	Expect(standby.state(ctx)).To(Equal(running(5, 1)))
	Expect(standby.field(ctx, "v1", "ConfigMap", cycle, "settings", "data.colour")).To(Equal("red"), "the last Migration brought it")
	expectHeld(ctx, cycle)

	By("stopping at the source what nobody else can, as the Action asks")
	Expect(standby.warnings(ctx, storkv1alpha1.ReasonNotStopped)).To(ContainElement(ContainSubstring("Cache cycle/cache, Cache cycle/sessions are stopped at the source: stop them by hand")))
	source.kubectl(ctx, "delete", "cache", "cache", "-n", cycle)
}

// sessions is the size of the cache that is left as it is at the source.
func (s *side) sessions(ctx context.Context) any {
	GinkgoHelper()
	return s.field(ctx, "shop.example.com/v1", "Cache", cycle, "sessions", "spec.size")
}

// warnings are what Events of the application's namespace say for a reason.
func (s *side) warnings(ctx context.Context, reason string) (notes []string) {
	GinkgoHelper()
	list := &eventsv1.EventList{}
	Expect(s.List(ctx, list, client.InNamespace(cycle))).To(Succeed())
	for _, event := range list.Items {
		if event.Type == corev1.EventTypeWarning && event.Reason == reason {
			notes = append(notes, event.Note)
		}
	}
	return notes
}

func failBackCycle(ctx SpecContext) {
	By("going on at the standby")
	standby.kubectl(ctx, "patch", "rabbitmqcluster", "queue", "-n", cycle, "--type=merge", "-p", `{"spec":{"replicas":7}}`)
	for _, cache := range []string{"cache", "sessions"} {
		standby.kubectl(ctx, "patch", "cache", cache, "-n", cycle, "--type=merge", "-p", `{"spec":{"size":2}}`)
	}
	standby.schedule(ctx, cycle, backward, cycle)
	Expect(source.state(ctx)).To(Equal(stopped(nil)))
	Expect(source.read(ctx, cycle, backward).Annotations).To(HaveKeyWithValue(storkv1alpha1.AnnotationStaticCopy, "true"))
	expectHeld(ctx, cycle)

	By("failing back")
	standby.kubectl(ctx, "patch", "configmap", "settings", "-n", cycle, "--type=merge", "-p", `{"data":{"colour":"green"}}`)
	Expect(failBack(ctx, cycle, backward)).To(ContainSubstring("completed successfully"))
	Expect(standby.storkctl(ctx, "get", "failback", "-n", cycle)).To(MatchRegexp(`Completed\s+Successful\s+.*1/1 namespaces`))
	Expect(source.state(ctx)).To(Equal(running(7, 2)))
	Expect(source.sessions(ctx)).To(Equal(int64(1)), "nobody has stopped it")
	Expect(standby.warnings(ctx, storkv1alpha1.ReasonNotStopped)).To(ContainElement(
		HavePrefix("Cache cycle/sessions (ConfigMap cache-shop.example.com-sessions) were at the source already and keep their spec")))
	source.kubectl(ctx, "delete", "cache", "sessions", "-n", cycle)
	source.storkctl(ctx, "activate", "migrations", "-n", cycle)
	Expect(source.sessions(ctx)).To(Equal(int64(2)), "the warning said how")

	Expect(standby.state(ctx)).To(Equal(stopped(int64(2))))
	standby.kubectl(ctx, "delete", "cache", "cache", "-n", cycle)
	Expect(source.field(ctx, "v1", "ConfigMap", cycle, "settings", "data.colour")).To(Equal("green"))
	suspended, reason := standby.suspended(ctx, cycle, backward)
	Expect(suspended).To(BeTrue())
	Expect(reason).To(Equal(storkv1alpha1.ReasonApplicationsActive))
}

func resumeCycle(ctx SpecContext) {
	Eventually(ctx, func() bool { return *source.read(ctx, cycle, forward).Spec.Suspend }).Should(BeFalse())
	source.migrated(ctx, cycle, forward, 2)
	Expect(source.state(ctx)).To(Equal(running(7, 2)))
	Expect(standby.state(ctx)).To(Equal(stopped(nil)))
	Expect(standby.read(ctx, cycle, backward).Spec.Suspend).To(HaveValue(BeTrue()), "the way back stays closed")
}
