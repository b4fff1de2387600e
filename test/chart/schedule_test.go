package chart_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// itSchedules runs a MigrationSchedule. The Migration "second" has ended.
func itSchedules() {
	It("has the policies that Stork's users name", func(ctx SpecContext) {
		policies := &storkv1alpha1.SchedulePolicyList{}
		Expect(here.List(ctx, policies)).To(Succeed())
		Expect(policies.Items).To(HaveLen(5))
	})

	It("makes Migrations by a schedule, and deletes those that are too old", func(ctx SpecContext) {
		schedule := &storkv1alpha1.MigrationSchedule{
			ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "hourly"},
			Spec: storkv1alpha1.MigrationScheduleSpec{
				SchedulePolicyName: "hourly",
				Template:           storkv1alpha1.MigrationTemplateSpec{Spec: storkv1alpha1.MigrationSpec{ClusterPair: "inline", Namespaces: []string{shop}}},
			},
		}
		Expect(here.Create(ctx, &storkv1alpha1.NamespacedSchedulePolicy{
			ObjectMeta: schedule.ObjectMeta, Policy: storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 60, Retain: 1}},
		})).To(Succeed())
		Expect(here.Create(ctx, schedule)).To(Succeed())
		Eventually(runsOf).WithContext(ctx).WithArguments(schedule).
			Should(HaveExactElements(HaveField("Status", storkv1alpha1.MigrationStatusSuccessful)))

		By("finding an older one")
		const kind = storkv1alpha1.SchedulePolicyTypeInterval
		old := &storkv1alpha1.ScheduledMigrationStatus{
			Name: "second", Status: storkv1alpha1.MigrationStatusSuccessful, CreationTimestamp: new(metav1.NewTime(time.Now().Add(-time.Hour))),
		}
		before := schedule.DeepCopy()
		schedule.Status.Items[kind] = append(schedule.Status.Items[kind], old)
		Expect(here.Status().Patch(ctx, schedule, client.MergeFrom(before))).To(Succeed())
		before = schedule.DeepCopy()
		schedule.Annotations = map[string]string{"example.com/look": "again"}
		Expect(here.Patch(ctx, schedule, client.MergeFrom(before))).To(Succeed())
		migration := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "second"}}
		Eventually(func() error { return here.Get(ctx, client.ObjectKeyFromObject(migration), migration) }).Should(Satisfy(apierrors.IsNotFound))
		Expect(runsOf(ctx, schedule)).To(HaveLen(1))
	})

	It("lets a MigrationSchedule go, and its Migrations with it", func(ctx SpecContext) {
		schedule := &storkv1alpha1.MigrationSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "hourly"}}
		Expect(here.Delete(ctx, schedule)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(schedule), schedule)).To(Satisfy(apierrors.IsNotFound))
			migrations := &storkv1alpha1.MigrationList{}
			g.Expect(here.List(ctx, migrations, client.InNamespace(shop))).To(Succeed())
			g.Expect(migrations.Items).NotTo(ContainElement(HaveField("Name", HavePrefix("hourly-"))))
		}).Should(Succeed())
	})
}

func runsOf(ctx context.Context, schedule *storkv1alpha1.MigrationSchedule) ([]*storkv1alpha1.ScheduledMigrationStatus, error) {
	err := here.Get(ctx, client.ObjectKeyFromObject(schedule), schedule)
	return schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval], err
}
