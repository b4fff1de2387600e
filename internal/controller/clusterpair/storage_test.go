package clusterpair

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

var _ = Describe("The storage of a ClusterPair", func() {
	var b *bench
	BeforeEach(func(ctx SpecContext) { b = newBench(ctx) })

	It("is told to be not provided once", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), map[string]string{"mode": "OneTimeMigration"})
		b.pass(ctx, pair, 0)
		Expect(b.told()).To(ContainElement("Normal NotProvided " + messageNotProvided))
		b.pass(ctx, pair, time.Minute)
		b.pass(ctx, pair, time.Minute)
		Expect(b.told()).To(BeEmpty())
		Expect(b.driver.Calls()).To(BeEmpty())
	})

	It("is paired once for each spec", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.pass(ctx, pair, 0)
		Expect(pair.Status.StorageStatus).To(Equal(storkv1alpha1.ClusterPairStatusReady))
		Expect(pair.Status.RemoteStorageID).To(Equal("storage-at-" + b.namespace))
		Expect(state(pair, storkv1alpha1.ConditionStoragePaired)).To(Equal("True/Ready"))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))
		Expect(b.told()).To(ContainElement("Normal Ready Storage successfully paired"))
		b.pass(ctx, pair, time.Minute)
		Expect(b.calls("Pair")).To(Equal(1))

		pair.Spec.Options["ip"] = "192.0.2.2"
		Expect(b.Client.Update(ctx, pair)).To(Succeed())
		b.pass(ctx, pair, time.Minute)
		Expect(b.calls("Pair")).To(Equal(2))
		Expect(pair.Status.RemoteStorageID).To(Equal("storage-at-192.0.2.2"))
	})

	It("is retried with growing delays while the driver fails", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.driver.Fail("Pair", errors.New("port 9001 is closed"))
		next := b.pass(ctx, pair, 0)
		Expect(pair.Status.SchedulerStatus).To(Equal(storkv1alpha1.ClusterPairStatusReady), "objects can be migrated")
		Expect(pair.Status.StorageStatus).To(Equal(storkv1alpha1.ClusterPairStatusError))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/StorageError"))
		Expect(message(pair, storkv1alpha1.ConditionReady)).To(ContainSubstring("port 9001 is closed"))
		Expect(b.told()).To(ContainElement("Warning Error port 9001 is closed"))
		for _, want := range []int{5, 10, 20, 40} {
			next = b.pass(ctx, pair, next)
			Expect(next).To(Equal(time.Duration(want) * time.Second))
		}
		Expect(b.told()).To(BeEmpty())

		b.driver.Fail("Pair", nil)
		b.pass(ctx, pair, next)
		Expect(pair.Status.StorageStatus).To(Equal(storkv1alpha1.ClusterPairStatusReady))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("True/Ready"))
	})

	It("is Pending while the driver waits for the other side", func(ctx SpecContext) {
		b.driver.PendingPairs = 1
		pair := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		Expect(b.pass(ctx, pair, 0)).To(Equal(minRetryDelay))
		Expect(pair.Status.StorageStatus).To(Equal(storkv1alpha1.ClusterPairStatusPending))
		Expect(state(pair, storkv1alpha1.ConditionReady)).To(Equal("False/Pending"))
		b.pass(ctx, pair, minRetryDelay)
		Expect(pair.Status.StorageStatus).To(Equal(storkv1alpha1.ClusterPairStatusReady))
	})

	It("says that no driver is registered", func(ctx SpecContext) {
		b.Drivers = &volume.Registry{}
		pair := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.pass(ctx, pair, 0)
		Expect(pair.Status.StorageStatus).To(Equal(storkv1alpha1.ClusterPairStatusError))
		Expect(message(pair, storkv1alpha1.ConditionStoragePaired)).To(Equal(volume.ErrNoPairer.Error()))
		Expect(b.told()).To(ContainElement("Warning Error " + volume.ErrNoPairer.Error()))
	})

	It("is not called failed because the operator stops", func(ctx SpecContext) {
		pair := b.pairTo(ctx, destination.Kubeconfig(), b.storage())
		b.driver.Fail("Pair", errors.New("interrupted"))
		stopped, stop := context.WithCancel(ctx)
		stop()
		_, err := b.pairStorage(stopped, pair)
		Expect(err).To(MatchError(ContainSubstring("context canceled")))
	})
})
