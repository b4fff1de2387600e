package dr_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// byHand is the namespace of an application that nobody moves by an Action.
const byHand = "by-hand"

func activateByHand(ctx SpecContext) {
	source.apply(ctx, "shop.yaml", byHand)
	pair(ctx, byHand)
	source.schedule(ctx, byHand, forward, byHand)
	Expect(standby.replicas(ctx, byHand)).To(Equal(int64(0)))

	Expect(standby.storkctl(ctx, "activate", "migrations", "-n", byHand)).
		To(ContainSubstring("Setting the ApplicationActivated status in the MigrationSchedule by-hand/dr to true"))
	Expect(standby.replicas(ctx, byHand)).To(Equal(int64(3)))
}

func deactivateByHand(ctx SpecContext) {
	Eventually(ctx, func() bool { return *source.read(ctx, byHand, forward).Spec.Suspend }).Should(BeTrue())
	expectHeld(ctx, byHand)
	Expect(standby.replicas(ctx, byHand)).To(Equal(int64(3)), "no Migration went over it")

	Expect(standby.storkctl(ctx, "deactivate", "migrations", "-n", byHand)).
		To(ContainSubstring("Setting the ApplicationActivated status in the MigrationSchedule by-hand/dr to false"))
	Expect(standby.replicas(ctx, byHand)).To(Equal(int64(0)))
}

func resumeByHand(ctx SpecContext) {
	Eventually(ctx, func() bool { return *source.read(ctx, byHand, forward).Spec.Suspend }).Should(BeFalse())
	source.migrated(ctx, byHand, forward, 2)
	Expect(source.replicas(ctx, byHand)).To(Equal(int64(3)))
	Expect(standby.replicas(ctx, byHand)).To(Equal(int64(0)))
}
