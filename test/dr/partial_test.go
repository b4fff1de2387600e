package dr_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// adminNamespace is where schedules of several namespaces are.
const adminNamespace = "kube-system"

// three are the namespaces of one such schedule.
func three() []string { return []string{"first", "second", "third"} }

func (s *side) replicasOf(ctx context.Context, namespaces ...string) (all []any) {
	GinkgoHelper()
	for _, namespace := range namespaces {
		all = append(all, s.replicas(ctx, namespace))
	}
	return all
}

func numbers(all ...int64) (values []any) {
	for _, number := range all {
		values = append(values, number)
	}
	return values
}

// What is left of a schedule after a partial failover is not migrated any more, so that nothing goes over what was started: as
// documented for Stork, it takes a new schedule.
func failOverPartly(ctx SpecContext) {
	for _, namespace := range three() {
		source.apply(ctx, "shop.yaml", namespace)
	}
	pair(ctx, adminNamespace)
	source.schedule(ctx, adminNamespace, forward, three()...)
	Expect(failOver(ctx, adminNamespace, forward, "--include-namespaces", "second")).To(ContainSubstring("1/1 namespaces"))
	Expect(source.replicasOf(ctx, three()...)).To(Equal(numbers(3, 0, 3)))
	Expect(standby.replicasOf(ctx, three()...)).To(Equal(numbers(0, 3, 0)))
	expectHeld(ctx, adminNamespace)

	By("replacing the schedule by one of what is left")
	source.storkctl(ctx, "delete", "migrationschedule", forward, "-n", adminNamespace)
	standby.kubectl(ctx, "wait", "--for=delete", "--timeout=60s", "-n", adminNamespace, "migrationschedule/"+forward)
	standby.kubectl(ctx, "scale", "--replicas=7", "-n", "second", "deployment/web")
	source.kubectl(ctx, "scale", "--replicas=4", "-n", "third", "deployment/web")
	source.schedule(ctx, adminNamespace, "rest", "first", "third")
	Expect(source.replicasOf(ctx, three()...)).To(Equal(numbers(3, 0, 4)))
	Expect(standby.replicasOf(ctx, three()...)).To(Equal(numbers(0, 7, 0)))

	Expect(failOver(ctx, adminNamespace, "rest")).To(ContainSubstring("2/2 namespaces"))
	Expect(source.replicasOf(ctx, three()...)).To(Equal(numbers(0, 0, 0)))
	Expect(standby.replicasOf(ctx, three()...)).To(Equal(numbers(3, 7, 4)))
}
