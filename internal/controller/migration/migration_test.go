package migration

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func configMap(namespace, name, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string]string{"key": value}}
}

func deployment(namespace, name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.com/app"}}},
			},
		},
	}
}

var _ = Describe("A Migration", func() {
	It("brings every object of the namespace, stopped, and says what became of each", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		Expect(here.Create(ctx, configMap(namespace, "settings", "1"))).To(Succeed())
		Expect(here.Create(ctx, deployment(namespace, "web", 3))).To(Succeed())

		first := migrate(ctx, newMigration(namespace, "first"))
		Expect(first.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(first))
		Expect(outcomes(first)).To(Equal(map[string]string{
			"Namespace " + namespace: "Created", "ConfigMap settings": "Created", "Deployment web": "Created",
		}))
		Expect(first.Status.Progress.Resources).To(Equal("3/3"))
		Expect(first.Status.Progress.Volumes).To(Equal("N/A"))
		Expect(first.Status.Summary.ElapsedTimeForVolumeMigration).To(Equal("NA"))
		Expect(first.Finalizers).To(ConsistOf(storkv1alpha1.FinalizerCleanup))

		arrived := &appsv1.Deployment{}
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "web"}, arrived)).To(Succeed())
		Expect(*arrived.Spec.Replicas).To(BeZero())
		Expect(arrived.Annotations).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrationReplicas, "3"))
		Expect(arrived.Annotations).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrationName, "first"))

		By("writing nothing when nothing has changed")
		second := migrate(ctx, newMigration(namespace, "second"))
		Expect(outcomes(second)).To(HaveEach("Unchanged"))

		By("writing only what has changed")
		Expect(here.Update(ctx, configMap(namespace, "settings", "2"))).To(Succeed())
		third := migrate(ctx, newMigration(namespace, "third"))
		Expect(outcomes(third)).To(Equal(map[string]string{
			"Namespace " + namespace: "Unchanged", "ConfigMap settings": "Updated", "Deployment web": "Unchanged",
		}))
	})

	It("is partly successful when an object does not arrive, and names it", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		Expect(here.Create(ctx, configMap(namespace, "good", "1"))).To(Succeed())
		Expect(here.Create(ctx, claim(namespace, "unbound"))).To(Succeed())
		Expect(there.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
		refuse(ctx, namespace, "bad")
		Expect(here.Create(ctx, configMap(namespace, "bad", "1"))).To(Succeed())

		migration := migrate(ctx, newMigration(namespace, "partial"))
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusPartialSuccess), succeededMessage(migration))
		Expect(migration.Status.Resources[0].Name).To(Equal("bad"))
		Expect(migration.Status.Resources[0].Reason).To(And(HavePrefix("Error applying resource: "), ContainSubstring("not welcome")))
		Expect(migration.Status.Progress.Resources).To(Equal("2/3"))
		Expect(migration.Status.Notices).To(ContainElement(HavePrefix("PersistentVolumeClaim " + namespace + "/unbound was left out")))
		Expect(migration.Status.Summary.ResourcesSkipped).To(BeEquivalentTo(1))
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "good"}, &corev1.ConfigMap{})).To(Succeed())
	})

	It("fails at once when it wants namespaces that it may not move", func(ctx SpecContext) {
		namespace, other := newNamespace(ctx), newNamespace(ctx)
		migration := newMigration(namespace, "too-far")
		migration.Spec.Namespaces = []string{namespace, other}
		Expect(migrate(ctx, migration).Status.Status).To(Equal(storkv1alpha1.MigrationStatusFailed))
		Expect(succeededMessage(migration)).To(HavePrefix("InvalidSpec: migration namespaces should only contain the current namespace: " + other))
		Expect(there.Get(ctx, types.NamespacedName{Name: other}, &corev1.Namespace{})).NotTo(Succeed())
	})

	It("moves any namespaces when it is in the admin namespace", func(ctx SpecContext) {
		one, two := newNamespace(ctx), newNamespace(ctx)
		createPair(ctx, adminNamespace, "admin-"+one)
		migration := newMigration(adminNamespace, "admin-"+one)
		migration.Spec.ClusterPair, migration.Spec.AdminClusterPair, migration.Spec.Namespaces = "", "admin-"+one, []string{one, two}
		Expect(migrate(ctx, migration).Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(there.Get(ctx, types.NamespacedName{Name: two}, &corev1.Namespace{})).To(Succeed())
	})

	It("waits for a ClusterPair that does not exist, and goes on when it does", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migration := newMigration(namespace, "early")
		migration.Spec.ClusterPair = "late"
		Expect(here.Create(ctx, migration)).To(Succeed())
		Eventually(pendingMessage(ctx, migration)).Should(Equal("Pending: ClusterPair " + namespace + "/late does not exist: create it or correct spec.clusterPair"))
		createPair(ctx, namespace, "late")
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
			g.Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful))
		}).Should(Succeed())
	})

	It("gives up waiting after the deadline", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migration := newMigration(namespace, "never")
		migration.Spec.PreExecRule = "missing"
		Expect(here.Create(ctx, migration)).To(Succeed())
		Eventually(pendingMessage(ctx, migration)).Should(ContainSubstring("Error getting PreExecRule missing"))
		later := *reconciler
		later.Clock = clocktesting.NewFakeClock(time.Now().Add(later.Options.PendingDeadline + time.Minute))
		_, err := later.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(migration)})
		Expect(err).NotTo(HaveOccurred())
		Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusFailed))
		Expect(succeededMessage(migration)).To(HavePrefix("DeadlineExceeded: gave up after 1h0m0s"))
	})

	It("is continued where another operator left it", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migration := newMigration(namespace, "taken-over")
		migration.Spec.ClusterPair = "late"
		Expect(here.Create(ctx, migration)).To(Succeed())
		Eventually(pendingMessage(ctx, migration)).ShouldNot(BeEmpty())
		started := metav1.NewTime(time.Now().Add(-time.Minute).Truncate(time.Second))
		migration.Status.Stage, migration.Status.StartTimestamp = storkv1alpha1.MigrationStageApplications, &started
		Expect(here.Status().Update(ctx, migration)).To(Succeed())
		createPair(ctx, namespace, "late")
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
			g.Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful))
		}).Should(Succeed())
		Expect(migration.Status.StartTimestamp.Equal(&started)).To(BeTrue())
	})

	It("fails when it has taken too long", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migration := newMigration(namespace, "slow")
		migration.Spec.ClusterPair = "late"
		Expect(here.Create(ctx, migration)).To(Succeed())
		Eventually(pendingMessage(ctx, migration)).ShouldNot(BeEmpty())
		started := metav1.NewTime(time.Now().Add(-reconciler.Options.RunDeadline - time.Minute))
		migration.Status.StartTimestamp = &started
		Expect(here.Status().Update(ctx, migration)).To(Succeed())
		createPair(ctx, namespace, "late")
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
			g.Expect(succeededMessage(migration)).To(HavePrefix("DeadlineExceeded: gave up 1h0m0s after the start"))
		}).Should(Succeed())
	})

	It("leaves deleted namespaces out, or fails when it is told to", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		createPair(ctx, adminNamespace, "gone-"+namespace)
		lenient := newMigration(adminNamespace, "lenient-"+namespace)
		lenient.Spec.ClusterPair, lenient.Spec.Namespaces = "gone-"+namespace, []string{namespace, "gone"}
		Expect(migrate(ctx, lenient).Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(lenient))
		Expect(lenient.Status.Notices).To(ContainElement("Namespace gone does not exist and was left out"))

		strict := newMigration(adminNamespace, "strict-"+namespace)
		strict.Spec.ClusterPair, strict.Spec.Namespaces = "gone-"+namespace, []string{namespace, "gone"}
		strict.Spec.SkipDeletedNamespaces = new(false)
		Expect(migrate(ctx, strict).Status.Status).To(Equal(storkv1alpha1.MigrationStatusFailed))
		Expect(succeededMessage(strict)).To(ContainSubstring("error getting namespace gone"))
	})

	It("fails when it includes volumes that no storage driver owns, and says which", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		pvc := claim(namespace, "data")
		Expect(here.Create(ctx, pvc)).To(Succeed())
		pvc.Status.Phase = corev1.ClaimBound
		Expect(here.Status().Update(ctx, pvc)).To(Succeed())
		migration := newMigration(namespace, "volumes")
		migration.Spec.IncludeVolumes = nil
		Expect(migrate(ctx, migration).Status.Status).To(Equal(storkv1alpha1.MigrationStatusFailed))
		Expect(succeededMessage(migration)).To(And(HavePrefix("NoStorageDriver:"), ContainSubstring(namespace+"/data"),
			ContainSubstring("spec.includeVolumes")))
		Expect(migration.Status.Volumes).To(HaveLen(1))
		Expect(migration.Status.Progress.Volumes).To(Equal("0/1"))
	})

	It("purges what is gone from the source, and nothing that it did not bring", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		Expect(here.Create(ctx, configMap(namespace, "old", "1"))).To(Succeed())
		migrate(ctx, newMigration(namespace, "before"))
		Expect(there.Create(ctx, configMap(namespace, "foreign", "1"))).To(Succeed())
		Expect(here.Delete(ctx, configMap(namespace, "old", "1"))).To(Succeed())
		after := newMigration(namespace, "after")
		after.Spec.PurgeDeletedResources = new(true)
		Expect(outcomes(migrate(ctx, after))).To(HaveKeyWithValue("ConfigMap old", "Purged"))
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "old"}, &corev1.ConfigMap{})).NotTo(Succeed())
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "foreign"}, &corev1.ConfigMap{})).To(Succeed())
	})

	It("is cancelled by its deletion, and another one of the namespace waits until then", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		stuck := newMigration(namespace, "one")
		stuck.Spec.ClusterPair = pairStuck
		Expect(here.Create(ctx, stuck)).To(Succeed())
		Eventually(func() bool { return reconciler.runner.running(client.ObjectKeyFromObject(stuck)) }).Should(BeTrue())
		waiting := newMigration(namespace, "two")
		Expect(here.Create(ctx, waiting)).To(Succeed())
		Eventually(pendingMessage(ctx, waiting)).Should(HavePrefix("WaitingForMigration: waits for Migration " + namespace + "/one"))

		Expect(here.Delete(ctx, stuck)).To(Succeed())
		Eventually(func() error { return here.Get(ctx, client.ObjectKeyFromObject(stuck), stuck) }).ShouldNot(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(waiting), waiting)).To(Succeed())
			g.Expect(waiting.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(waiting))
		}).Should(Succeed())
	})

	It("keeps the status small and the whole report in ConfigMaps when there are many objects", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		for i := range 400 {
			Expect(here.Create(ctx, configMap(namespace, strings.Repeat("n", 150)+string(rune('a'+i%26))+strings.Repeat("x", i/26+1), "1"))).To(Succeed())
		}
		migration := migrate(ctx, newMigration(namespace, "many"))
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(migration.Status.Resources).To(BeEmpty())
		Expect(migration.Status.Report.Total).To(BeEquivalentTo(401))
		Expect(migration.Status.Report.ConfigMaps).To(HaveLen(1))
		report := &corev1.ConfigMap{}
		Expect(here.Get(ctx, types.NamespacedName{Namespace: namespace, Name: migration.Status.Report.ConfigMaps[0]}, report)).To(Succeed())
		Expect(report.OwnerReferences).To(HaveLen(1))
		Expect(report.BinaryData).To(HaveKey(storkv1alpha1.ReportKey))

		By("not migrating the report itself")
		again := migrate(ctx, newMigration(namespace, "again"))
		Expect(again.Status.Summary.TotalNumberOfResources).To(BeEquivalentTo(401))
	})

	It("is not run again when the cache has not seen its end", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migration := migrate(ctx, newMigration(namespace, "stale"))
		stale := *reconciler
		stale.Client = interceptor.NewClient(here, interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
				err := c.Get(ctx, key, object, options...)
				if found, ok := object.(*storkv1alpha1.Migration); ok {
					found.Status = storkv1alpha1.MigrationStatus{Stage: storkv1alpha1.MigrationStageApplications}
				}
				return err
			},
		})
		_, err := stale.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(migration)})
		Expect(err).NotTo(HaveOccurred())
		Expect(reconciler.runner.running(client.ObjectKeyFromObject(migration))).To(BeFalse())
		Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal))
	})

	It("is cancelled where somebody took its finalizer off", func(ctx SpecContext) {
		gone := types.NamespacedName{Namespace: newNamespace(ctx), Name: "gone"}
		ended := make(chan error, 1)
		started := reconciler.runner.start(gone, []string{gone.Namespace}, func(ctx context.Context) error {
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return nil
		})
		Expect(started.holder).To(BeEmpty())
		_, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: gone})
		Expect(err).NotTo(HaveOccurred())
		Eventually(ended).Should(Receive(MatchError(errDeleted)))
	})

	It("is never worked on again when it is Final", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migration := migrate(ctx, newMigration(namespace, "done"))
		before := migration.ResourceVersion
		Eventually(func() int64 { // Once the cache has seen the end.
			sent := requests.Load()
			_, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(migration)})
			Expect(err).NotTo(HaveOccurred())
			return requests.Load() - sent
		}).Should(BeZero(), "requests to either API server")
		Expect(here.Get(context.Background(), client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		Expect(migration.ResourceVersion).To(Equal(before))
	})
})

// refuse makes the destination refuse ConfigMaps of a name, and waits until it does.
func refuse(ctx context.Context, namespace, name string) {
	GinkgoHelper()
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Create},
					Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
				},
			}}},
			Validations: []admissionv1.Validation{{
				Expression: "object.metadata.namespace != '" + namespace + "' || object.metadata.name != '" + name + "'", Message: "not welcome",
			}},
		},
	}
	Expect(there.Create(ctx, policy)).To(Succeed())
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: namespace, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	}
	Expect(there.Create(ctx, binding)).To(Succeed())
	Eventually(func() error {
		return there.Create(ctx, configMap(namespace, name, "1"), client.DryRunAll)
	}).Should(MatchError(ContainSubstring("not welcome")))
}

func claim(namespace, name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
}
