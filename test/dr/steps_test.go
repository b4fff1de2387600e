package dr_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Names of what each scenario has in the namespace of its schedules.
const (
	pairName = "remote"
	forward  = "dr"
	backward = "back"
)

// pair pairs the clusters in both directions by one command.
func pair(ctx context.Context, namespace string, flags ...string) {
	GinkgoHelper()
	source.storkctl(ctx, append([]string{
		"create", "clusterpair", pairName, "-n", namespace, "--mode", "sync-dr",
		"--src-kube-file", source.cluster.KubeconfigFile(), "--dest-kube-file", standby.cluster.KubeconfigFile(),
	}, flags...)...)
	for _, s := range []*side{source, standby} {
		s.kubectl(ctx, "wait", "--for=condition=Ready", "--timeout=60s", "-n", namespace, "clusterpair/"+pairName)
	}
}

// schedule has namespaces migrated each minute, and waits for the first Migration.
func (s *side) schedule(ctx context.Context, namespace, name string, namespaces ...string) {
	GinkgoHelper()
	s.storkctl(ctx, "create", "migrationschedule", name, "-n", namespace, "--cluster-pair", pairName,
		"--namespaces", strings.Join(namespaces, ","), "--exclude-volumes", "--interval", "1")
	s.migrated(ctx, namespace, name, 1)
}

// migrated waits until a schedule has made so many Migrations, of which none may have failed, not even in part.
func (s *side) migrated(ctx context.Context, namespace, name string, times int) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		items := s.read(ctx, namespace, name).Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]
		var successful int
		for _, item := range items {
			g.Expect(item.Status).NotTo(BeElementOf(storkv1alpha1.MigrationStatusFailed, storkv1alpha1.MigrationStatusPartialSuccess), item.Name)
			if item.Status == storkv1alpha1.MigrationStatusSuccessful {
				successful++
			}
		}
		g.Expect(successful).To(BeNumerically(">=", times))
	}).Should(Succeed())
}

func (s *side) read(ctx context.Context, namespace, name string) *storkv1alpha1.MigrationSchedule {
	GinkgoHelper()
	schedule := &storkv1alpha1.MigrationSchedule{}
	Expect(s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, schedule)).To(Succeed())
	return schedule
}

// suspended tells whether a schedule is, and why.
func (s *side) suspended(ctx context.Context, namespace, name string) (suspended bool, reason string) {
	GinkgoHelper()
	schedule := s.read(ctx, namespace, name)
	for _, condition := range schedule.Status.Conditions {
		if condition.Type == storkv1alpha1.ConditionReady {
			reason = condition.Reason
		}
	}
	return *schedule.Spec.Suspend, reason
}

// expectHeld expects that the schedule at the source has been suspended because its applications run at the standby.
func expectHeld(ctx context.Context, namespace string) {
	GinkgoHelper()
	suspended, reason := source.suspended(ctx, namespace, forward)
	Expect(suspended).To(BeTrue())
	Expect(reason).To(Equal(storkv1alpha1.ReasonApplicationsActive))
	Expect(standby.read(ctx, namespace, forward).Status.ApplicationActivated).To(BeTrue())
}

// failOver and failBack are performed at the standby, where users are asked to.
func failOver(ctx context.Context, namespace, schedule string, flags ...string) string {
	GinkgoHelper()
	return standby.storkctl(ctx, append([]string{"perform", "failover", "-m", schedule, "-n", namespace, "--wait"}, flags...)...)
}

func failBack(ctx context.Context, namespace, schedule string) string {
	GinkgoHelper()
	return standby.storkctl(ctx, "perform", "failback", "-m", schedule, "-n", namespace, "--wait")
}

// object reads an object, as apps/v1, Deployment. It is nil where there is none.
func (s *side) object(ctx context.Context, apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	GinkgoHelper()
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(schema.FromAPIVersionAndKind(apiVersion, kind))
	err := s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, o)
	if client.IgnoreNotFound(err) == nil && err != nil {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return o
}

// field reads a field of an object by its dotted path. It is nil where there is no such object or field.
func (s *side) field(ctx context.Context, apiVersion, kind, namespace, name, path string) any {
	GinkgoHelper()
	o := s.object(ctx, apiVersion, kind, namespace, name)
	if o == nil {
		return nil
	}
	value, _, err := unstructured.NestedFieldNoCopy(o.Object, strings.Split(path, ".")...)
	Expect(err).NotTo(HaveOccurred())
	return value
}

// replicas of the Deployment of the shop.
func (s *side) replicas(ctx context.Context, namespace string) any {
	GinkgoHelper()
	return s.field(ctx, "apps/v1", "Deployment", namespace, "web", "spec.replicas")
}
