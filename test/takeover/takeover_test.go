package takeover_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// origin are the objects of Stork's kinds at the source as they were under Stork, by id.
var origin map[string]*unstructured.Unstructured

var _ = Describe("Godwit where Stork was", Ordered, func() {
	var stopOperator func() error

	BeforeAll(func(ctx SpecContext) {
		makeOrigin(ctx)
		origin = snapshot(ctx, here)
		By("trying a plain helm install, which owns nothing of what is there")
		_, err := helm(ctx, "install", release, root+"/config/chart", "--namespace", namespace)
		Expect(err).To(MatchError(ContainSubstring("cannot be imported into the current release")))
		By("installing as the documentation says")
		install(ctx)
		stopOperator = startOperator(ctx)
	}, NodeTimeout(5*time.Minute))

	itContinues()
	itPairs()
	It("does not even write what had ended, and what is not its turn yet", func(ctx SpecContext) {
		now := snapshot(ctx, here)
		for name, before := range settled() {
			Expect(now).To(HaveKey(name))
			Expect(now[name].GetResourceVersion()).To(Equal(before.GetResourceVersion()), name)
		}
		expectSettled(ctx)
	})
	It("ends an Action that Stork had begun, whose marks it does not know, and says what is left to do", func(ctx SpecContext) {
		Eventually(func() any {
			return get(ctx, here, ofStork("Action", port, "failback-nightly-2024-03-02-130000")).Object["status"]
		}).Should(And(
			HaveKeyWithValue("stage", "Final"),
			HaveKeyWithValue("status", "Failed"),
			HaveKeyWithValue("reason", And(ContainSubstring("does not say any more which namespaces"), ContainSubstring("storkctl activate migrations"))),
		))
	})
	itSchedules()
	itKeepsObjects()
	itAdopts()
	itActivates()
	itServesClientsOfStork()
	It("has left what had ended as it was, to the end", expectSettled)

	It("lets a pair go whose storage nobody pairs any more", func(ctx SpecContext) {
		pair := ofStork("ClusterPair", shop, "storage")
		Expect(here.Delete(ctx, pair)).To(Succeed())
		Eventually(func() error { return here.Get(ctx, client.ObjectKeyFromObject(pair), pair) }).Should(Satisfy(apierrors.IsNotFound))
	})
	It("goes", func(ctx SpecContext) {
		Expect(stopOperator()).To(Succeed())
		_, err := helm(ctx, "uninstall", release, "--namespace", namespace)
		Expect(err).NotTo(HaveOccurred())
	})
	itLeavesToStork()
})

// settled are objects that are not Godwit's to write: Migrations and Actions that have ended, and all that has no controller.
func settled() map[string]*unstructured.Unstructured {
	found := maps.Clone(origin)
	maps.DeleteFunc(found, func(_ string, object *unstructured.Unstructured) bool {
		switch object.GetKind() {
		case "ClusterPair", "ResourceTransformation", "MigrationSchedule":
			return true
		case "Migration", "Action":
			stage, _, _ := unstructured.NestedString(object.Object, "status", "stage")
			return stage != "Final"
		default:
			return false
		}
	})
	return found
}

// expectSettled expects the status that Stork wrote, no more and no less, and all that it wrote besides. Only nulls may read as
// nothing.
func expectSettled(ctx SpecContext) {
	GinkgoHelper()
	now := snapshot(ctx, here)
	for name, before := range settled() {
		Expect(now).To(HaveKey(name))
		Expect(lost(before.Object["status"], now[name].Object["status"], name)).To(BeEmpty())
		Expect(lost(now[name].Object["status"], before.Object["status"], name)).To(BeEmpty())
		Expect(lost(payload(before), payload(now[name]), name)).To(BeEmpty())
		Expect(now[name].GetUID()).To(Equal(before.GetUID()))
		Expect(now[name].GetFinalizers()).To(Equal(before.GetFinalizers()))
	}
}

// itContinues follows the Migrations that had not ended.
func itContinues() {
	const remedy = "set spec.includeVolumes to false to migrate objects only"
	for _, c := range []struct {
		namespace, name string
		status          storkv1alpha1.MigrationStatusType
		reason, message string
	}{
		{port, "new", storkv1alpha1.MigrationStatusSuccessful, "Successful", "all"},
		{port, "in-pre-exec-rule", storkv1alpha1.MigrationStatusSuccessful, "Successful", "all"},
		{port, "before-volumes", storkv1alpha1.MigrationStatusSuccessful, "Successful", "all"},
		{hold, "in-volumes", storkv1alpha1.MigrationStatusFailed, "NoStorageDriver", remedy},
		{port, "before-applications", storkv1alpha1.MigrationStatusSuccessful, "Successful", "all"},
		{port, "nightly-interval-2024-03-01-120000", storkv1alpha1.MigrationStatusSuccessful, "Successful", "all"},
		{port, "overtaken", storkv1alpha1.MigrationStatusFailed, "ApplicationsActive", "migrated applications are active on remote cluster"},
		{port, "without-pair", storkv1alpha1.MigrationStatusFailed, "InvalidSpec", "name one in spec.clusterPair"},
	} {
		It(fmt.Sprintf("ends Migration %s, which Stork had not, as %s", c.name, c.status), func(ctx SpecContext) {
			migration := awaitFinal(ctx, c.namespace, c.name)
			Expect(migration.Status.Status).To(Equal(c.status), fmt.Sprint(migration.Status.Conditions))
			succeeded := apimeta.FindStatusCondition(migration.Status.Conditions, storkv1alpha1.ConditionSucceeded)
			Expect(succeeded.Reason).To(Equal(c.reason))
			Expect(succeeded.Message).To(ContainSubstring(c.message))
			Expect(migration.Annotations).NotTo(HaveKey("stork.libopenstorage.org/pods-with-running-cmds"))
		})
	}
	It("keeps when Stork was done with the volumes", func(ctx SpecContext) {
		for _, name := range []string{"before-applications", "nightly-interval-2024-03-01-120000"} {
			migration := awaitFinal(ctx, port, name)
			Expect(migration.Status.VolumeMigrationFinishTimestamp.UTC().Format(time.RFC3339)).To(Equal("2024-03-01T12:00:30Z"))
		}
	})
	It("has brought the objects", func(ctx SpecContext) {
		get(ctx, there, core("ConfigMap", port, "cargo"))
	})
	It("lets a Migration go that was deleted under Stork", func(ctx SpecContext) {
		leaving := ofStork("Migration", port, "leaving")
		Eventually(func() error { return here.Get(ctx, client.ObjectKeyFromObject(leaving), leaving) }).Should(Satisfy(apierrors.IsNotFound))
		delete(origin, id(ofStork("Migration", port, "leaving")))
	})
}

func awaitFinal(ctx context.Context, namespace, name string) *storkv1alpha1.Migration {
	GinkgoHelper()
	migration := &storkv1alpha1.Migration{}
	Eventually(func(g Gomega) {
		g.Expect(here.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, migration)).To(Succeed())
		g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal), fmt.Sprint(migration.Status.Conditions))
	}).Should(Succeed())
	return migration
}

// itPairs follows the pairs, which were all Ready under Stork.
func itPairs() {
	for _, c := range []struct {
		pair               client.ObjectKey
		scheduler, storage storkv1alpha1.ClusterPairStatusType
		message            string
	}{
		{client.ObjectKey{Namespace: shop, Name: "remote"}, "Ready", "NotProvided", ""},
		{client.ObjectKey{Namespace: port, Name: "remote"}, "Ready", "NotProvided", ""},
		{client.ObjectKey{Namespace: shop, Name: "by-command"}, "Ready", "NotProvided", ""},
		{client.ObjectKey{Namespace: shop, Name: "refused"}, "Error", "NotProvided", "--allow-exec-command"},
		{client.ObjectKey{Namespace: shop, Name: "storage"}, "Ready", "Error", "driver"},
	} {
		It(fmt.Sprintf("finds the cluster of ClusterPair %s %s and its storage %s", c.pair, c.scheduler, c.storage), func(ctx SpecContext) {
			pair := &storkv1alpha1.ClusterPair{}
			Eventually(func(g Gomega) {
				g.Expect(here.Get(ctx, c.pair, pair)).To(Succeed())
				g.Expect(pair.Status.ObservedGeneration).NotTo(BeZero(), "it was not looked at")
			}).Should(Succeed())
			Expect(pair.Status.SchedulerStatus).To(Equal(c.scheduler), fmt.Sprint(pair.Status.Conditions))
			Expect(pair.Status.StorageStatus).To(Equal(c.storage))
			ready := apimeta.FindStatusCondition(pair.Status.Conditions, storkv1alpha1.ConditionReady)
			Expect(ready.Message).To(ContainSubstring(c.message))
			if c.message == "" {
				Expect(ready.Status).To(Equal(metav1.ConditionTrue), ready.Message)
			} else {
				Expect(ready.Status).To(Equal(metav1.ConditionFalse), ready.Message)
			}
		})
	}
	It("keeps the ID by which the storage knows the other one", func(ctx SpecContext) {
		pair := get(ctx, here, ofStork("ClusterPair", shop, "storage"))
		Expect(pair.Object["status"]).To(HaveKeyWithValue("remoteStorageId", "7b0f4a52-1d0e-4c5f-9a57-0b1a66f6e1aa"))
	})
	for name, status := range map[string]storkv1alpha1.ResourceTransformationStatusType{"adapt": "Ready", "hopeless": "Failed"} {
		It(fmt.Sprintf("finds, as Stork did, that ResourceTransformation %s is %s", name, status), func(ctx SpecContext) {
			transformation := &storkv1alpha1.ResourceTransformation{}
			Eventually(func(g Gomega) {
				g.Expect(here.Get(ctx, client.ObjectKey{Namespace: shop, Name: name}, transformation)).To(Succeed())
				g.Expect(transformation.Status.ObservedGeneration).NotTo(BeZero(), "it was not looked at")
				g.Expect(transformation.Status.Status).To(Equal(status), fmt.Sprint(transformation.Status.Conditions))
			}).Should(Succeed())
		})
	}
}

// itSchedules follows the schedules: one whose Migration was running, and the copy of one elsewhere.
func itSchedules() {
	It("goes on with a schedule where Stork stopped, and finds its copy", func(ctx SpecContext) {
		schedule := &storkv1alpha1.MigrationSchedule{}
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKey{Namespace: port, Name: "nightly"}, schedule)).To(Succeed())
			items := schedule.Status.Items[storkv1alpha1.SchedulePolicyTypeInterval]
			g.Expect(items).To(HaveLen(3), fmt.Sprint(schedule.Status.Conditions))
			g.Expect(items).To(HaveEach(HaveField("Status", storkv1alpha1.MigrationStatusSuccessful)))
		}).Should(Succeed())
		Expect(schedule.Status.NextRunTime.Time).To(BeTemporally("~", time.Now().Add(30*time.Minute), 5*time.Minute))
		copied := get(ctx, there, ofStork("MigrationSchedule", port, "nightly"))
		Expect(copied.GetAnnotations()).To(HaveKeyWithValue(storkv1alpha1.AnnotationStaticCopy, "true"))
	})
	It("makes no Migrations of the copy of a schedule elsewhere", func(ctx SpecContext) {
		copied := get(ctx, here, ofStork("MigrationSchedule", shop, "from-elsewhere"))
		Expect(copied.Object["status"]).To(HaveKeyWithValue("conditions", ContainElement(HaveKeyWithValue("reason", storkv1alpha1.ReasonStaticCopy))))
		Expect(copied.Object["status"]).NotTo(HaveKey("items"))
	})
	It("adds the policies that Stork's users name, and keeps those that are there", func(ctx SpecContext) {
		get(ctx, here, ofStork("SchedulePolicy", "", "default-monthly-policy"))
		Expect(get(ctx, here, ofStork("SchedulePolicy", "", "daily")).Object["policy"]).To(HaveKeyWithValue("daily", HaveKeyWithValue("time", "10:15PM")))
	})
}

// itKeepsObjects writes each object that Stork left, in each way that clients do.
func itKeepsObjects() {
	// Objects of other kinds have no status, or none of Stork's.
	withStatus := []string{"Action", "ClusterPair", "Migration", "MigrationSchedule", "ResourceTransformation"}
	for way, write := range map[string]func(context.Context, *unstructured.Unstructured) error{
		"is updated by what it is": func(ctx context.Context, live *unstructured.Unstructured) error { return here.Update(ctx, live) },
		"gets a label by a patch": func(ctx context.Context, live *unstructured.Unstructured) error {
			return here.Patch(ctx, live, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"example.com/seen":"yes"}}}`)))
		},
		"gets its status again": func(ctx context.Context, live *unstructured.Unstructured) error {
			if !slices.Contains(withStatus, live.GetKind()) || live.Object["status"] == nil {
				return nil
			}
			return here.Status().Update(ctx, live)
		},
	} {
		It("keeps every object manageable: each "+way, func(ctx SpecContext) {
			for name, before := range origin {
				Eventually(func() error { return write(ctx, get(ctx, here, before)) }).Should(Succeed(), name)
				after := get(ctx, here, before)
				Expect(lost(payload(before), payload(after), name)).To(BeEmpty())
				Expect(after.GetUID()).To(Equal(before.GetUID()), name)
				Expect(after.GetGeneration()).To(Equal(before.GetGeneration()), name)
			}
		})
	}
}
