package migration

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume/fake"
)

// What Stork does otherwise, or did until a release that its notes name, as one whole Migration shows it.
var _ = Describe("A Migration, other than Stork's,", func() {
	// Stork transforms what it found when the transformation was validated, in namespaces that are listed by name, and no workloads.
	It("transforms workloads, volumes and what was made since, in namespaces found by label", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		label(ctx, namespace, "tier", namespace)
		createPair(ctx, adminNamespace, "admin-"+namespace)
		createReady(ctx, namespace, "change", transformSpec("apps/v1/Deployment", "spec.minReadySeconds", "int", "7"),
			transformSpec("/v1/PersistentVolume", "spec.mountOptions", "slice", "noatime"),
			transformSpec("/v1/ConfigMap", "data", "keypair", "key:changed"))
		Expect(here.Create(ctx, &storkv1alpha1.Rule{ObjectMeta: metav1.ObjectMeta{Namespace: adminNamespace, Name: namespace}})).To(Succeed())
		Expect(here.Create(ctx, deployment(namespace, "web", 3))).To(Succeed())
		Expect(here.Create(ctx, configMap(namespace, "late", "as-it-was"))).To(Succeed())
		createVolume(ctx, namespace, "data", fake.Provisioner)

		migration := newMigration(adminNamespace, namespace)
		migration.Spec.ClusterPair, migration.Spec.Namespaces = "admin-"+namespace, nil
		migration.Spec.NamespaceSelectors = map[string]string{"tier": namespace}
		migration.Spec.TransformSpecs = []string{"change"}
		migration.Spec.PreExecRule = namespace // A rule is needed in the Migration's namespace only.
		migrate(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))

		web, volume, late := &appsv1.Deployment{}, &corev1.PersistentVolume{}, &corev1.ConfigMap{}
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "web"}, web)).To(Succeed())
		Expect(web.Spec.MinReadySeconds).To(BeEquivalentTo(7))
		Expect(*web.Spec.Replicas).To(BeZero())
		Expect(there.Get(ctx, types.NamespacedName{Name: namespace + "-data"}, volume)).To(Succeed())
		Expect(volume.Spec.MountOptions).To(Equal([]string{"noatime"}))
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "late"}, late)).To(Succeed())
		Expect(late.Data).To(Equal(map[string]string{"key": "changed"}))
		transformed := 0
		for _, info := range migration.Status.Resources {
			if info.TransformedBy == "change" {
				transformed++
			}
		}
		Expect(transformed).To(Equal(3))
	})

	// Stork's hash covers the status, so that each change of it has an object deleted and created again.
	It("writes nothing when only the status changed at the source", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		web := deployment(namespace, "web", 1)
		Expect(here.Create(ctx, web)).To(Succeed())
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "quota"}}
		Expect(here.Create(ctx, quota)).To(Succeed())
		migrate(ctx, newMigration(namespace, "first"))
		web.Status.Replicas, web.Status.ReadyReplicas = 1, 1
		Expect(here.Status().Update(ctx, web)).To(Succeed())
		quota.Status.Used = corev1.ResourceList{corev1.ResourcePods: resource.MustParse("3")}
		Expect(here.Status().Update(ctx, quota)).To(Succeed())
		Expect(outcomes(migrate(ctx, newMigration(namespace, "second")))).To(HaveEach("Unchanged"))
	})

	// In Stork an error of the purge repeats the whole Migration for ever, or leaves it without timestamps, and the labels that the
	// purge leaves out get into the spec.
	It("ends when the purge fails, with timestamps, and leaves its spec alone", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		Expect(here.Create(ctx, configMap(namespace, "held", "1"))).To(Succeed())
		Expect(here.Create(ctx, configMap(namespace, "gone", "1"))).To(Succeed())
		migrate(ctx, newMigration(namespace, "before"))
		Expect(here.Delete(ctx, configMap(namespace, "held", ""))).To(Succeed())
		Expect(here.Delete(ctx, configMap(namespace, "gone", ""))).To(Succeed())
		keepThere(ctx, namespace, "held")

		migration := newMigration(namespace, "after")
		migration.Spec.PurgeDeletedResources, migration.Spec.ExcludeSelectors = new(true), map[string]string{"tier": "cache"}
		spec := migration.Spec.DeepCopy()
		migrate(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusPartialSuccess), succeededMessage(migration))
		Expect(migration.Status.Resources[0].Name).To(Equal("held"))
		Expect(migration.Status.Resources[0].Reason).To(ContainSubstring("it stays"))
		Expect(outcomes(migration)).To(HaveKeyWithValue("ConfigMap gone", "Purged"))
		Expect(migration.Status.FinishTimestamp).NotTo(BeNil())
		Expect(migration.Status.ResourceMigrationFinishTimestamp).NotTo(BeNil())
		Expect(migration.Spec.ExcludeSelectors).To(Equal(spec.ExcludeSelectors))
	})

	// After one failure Stork calls everything successful that the same worker comes to, and brings none of it.
	It("brings and stashes everything else when one custom resource cannot be stashed", func(ctx SpecContext) {
		const group = "half-stashed.example.com"
		namespace := newNamespace(ctx)
		installWidgets(group)
		register(ctx, group, storkv1alpha1.ApplicationResource{StashStrategy: storkv1alpha1.StashStrategy{StashCR: true}})
		for _, name := range []string{"bad", "good", "well"} {
			Expect(here.Create(ctx, widget(group, namespace, name))).To(Succeed())
		}
		Expect(there.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
		refuse(ctx, namespace, "widget-"+group+"-bad")
		migration := migrate(ctx, newMigration(namespace, "stash"))
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusPartialSuccess))
		Expect(migration.Status.Resources[0]).To(HaveField("Name", "bad"))
		Expect(migration.Status.Summary.ResourcesFailed).To(BeEquivalentTo(1))
		for _, name := range []string{"good", "well"} {
			Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "widget-" + group + "-" + name}, &corev1.ConfigMap{})).To(Succeed())
		}
	})

	// Stork knows kinds by their names alone, and guesses plurals.
	It("takes custom resources for what they are, whatever their names", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		for plural, kind := range map[string]string{"services": "Service", "networkpolicies": "NetworkPolicy", "oxen": "Ox"} {
			installKind("like-core.example.com", plural, kind)
			Expect(here.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "like-core.example.com/v1", "kind": kind, "metadata": map[string]any{"namespace": namespace, "name": "kubernetes"},
				"spec": map[string]any{"clusterIP": "10.0.0.7", "egress": []any{map[string]any{"to": []any{map[string]any{"ipBlock": map[string]any{"cidr": "10.0.0.0/8"}}}}}},
			}})).To(Succeed())
		}
		migration := migrate(ctx, newMigration(namespace, "kinds"))
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		for _, kind := range []string{"Service", "NetworkPolicy", "Ox"} {
			arrived := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "like-core.example.com/v1", "kind": kind}}
			Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "kubernetes"}, arrived)).To(Succeed())
			Expect(arrived.Object["spec"]).To(HaveKeyWithValue("clusterIP", "10.0.0.7"))
			Expect(arrived.Object["spec"]).To(HaveKey("egress"))
		}
	})

	// Stork's release notes: PWX-38905, PWX-38925, and "default RBAC objects".
	It("succeeds with a volume whose StorageClass is gone, and with Jobs", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		key := createVolume(ctx, namespace, "data", fake.Provisioner)
		volume := &corev1.PersistentVolume{}
		Expect(here.Get(ctx, types.NamespacedName{Name: namespace + "-" + key.Name}, volume)).To(Succeed())
		volume.Spec.StorageClassName = "gone-" + namespace
		Expect(here.Update(ctx, volume)).To(Succeed())
		createJob(ctx, namespace, "running", nil)
		createJob(ctx, namespace, "done", []batchv1.JobCondition{
			{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue}, {Type: batchv1.JobComplete, Status: corev1.ConditionTrue},
		})
		for _, name := range []string{"first", "second"} {
			migration := newMigration(namespace, name)
			migration.Spec.IncludeOptionalResourceTypes = []string{"job"}
			migrate(ctx, migration)
			Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
			Expect(outcomes(migration)).To(And(HaveKey("Job running"), HaveKey("PersistentVolume "+volume.Name)))
			if name == "second" {
				Expect(outcomes(migration)).To(HaveEach("Unchanged"))
			}
		}
		running := &batchv1.Job{}
		Expect(there.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "running"}, running)).To(Succeed())
		Expect(running.Spec.Suspend).To(HaveValue(BeTrue()))
	})

	// Stork tells nobody, or tells it every ten seconds.
	It("tells once, by an event, what it waits for", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		migration := newMigration(namespace, "waiting")
		migration.Labels = map[string]string{labelOwnOperator: ""}
		migration.Spec.ClusterPair = "missing"
		Expect(here.Create(ctx, migration)).To(Succeed())
		operator := startOperator(newJournal(), -1)
		recorder := events.NewFakeRecorder(10)
		operator.Recorder = recorder
		for range 3 {
			operator.until(ctx, migration, func() bool { return migration.Status.Status == storkv1alpha1.MigrationStatusPending })
		}
		Expect(recorder.Events).To(Receive(HavePrefix("Warning Pending ClusterPair " + namespace + "/missing does not exist")))
		Expect(recorder.Events).NotTo(Receive())
	})

	// Stork overwrites what others change while it runs, or repeats everything because of it.
	It("does not mind who changes it while it runs", func(ctx SpecContext) {
		journal := newJournal()
		migration := newVolumeMigration(ctx, nil)
		key := client.ObjectKeyFromObject(migration)
		journal.polled = func(driver *fake.Driver) {
			defer GinkgoRecover()
			seen := &storkv1alpha1.Migration{}
			Expect(here.Get(ctx, key, seen)).To(Succeed())
			seen.Annotations = map[string]string{"note": "mine"}
			Expect(here.Update(ctx, seen)).To(Succeed())
			driver.Finish("")
		}
		startOperator(journal, -1).work(ctx, migration)
		expectVolumesArrived(ctx, migration)
		Expect(migration.Annotations).To(HaveKeyWithValue("note", "mine"))
		Expect(journal.all()).To(ContainElement(effectStart))
	})
})

var _ = Describe("Background commands of a pre-exec rule", func() {
	var (
		migration *storkv1alpha1.Migration
		stopped   *stoppable
		current   *run
	)
	BeforeEach(func(ctx SpecContext) {
		migration = newVolumeMigration(ctx, func(spec *storkv1alpha1.MigrationSpec) { spec.IncludeVolumes = new(false) })
		operator := startOperator(newJournal(), -1)
		job, verdict, err := operator.prepare(ctx, migration)
		Expect(err).NotTo(HaveOccurred())
		Expect(verdict.message).To(BeEmpty())
		stopped = &stoppable{}
		current = &run{Reconciler: operator.Reconciler, job: job, status: newStatusWriter(operator.Reconciler, migration), background: stopped}
		Expect(current.annotateTracker(ctx, `{"taskID":"a","pods":[]}`)).To(Succeed())
	})

	// Stork never ends them where there are no volumes.
	It("end before the post-exec rule, also without volumes, and are forgotten", func(ctx SpecContext) {
		Expect(current.migrateVolumes(ctx)).To(Succeed())
		Expect(stopped.times).To(Equal(1))
		Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
		Expect(migration.Annotations).To(BeEmpty())
		Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStagePostExecRule))
	})

	It("that failed make the Migration fail, since not everything was frozen all the time", func(ctx SpecContext) {
		stopped.err = errors.New("ended early")
		err := current.migrateVolumes(ctx)
		Expect(err).To(MatchError(And(ContainSubstring("Error running PostExecRule"), ContainSubstring("ended early"))))
		Expect(err).To(BeAssignableToTypeOf(&terminalError{}))
	})

	It("that a dead operator left behind are forgotten by the next one", func(ctx SpecContext) {
		startOperator(newJournal(), -1).work(ctx, migration)
		Expect(migration.Status.Status).To(Equal(storkv1alpha1.MigrationStatusSuccessful), succeededMessage(migration))
		Expect(migration.Annotations).To(BeEmpty())
	})
})

// stoppable stands for background commands.
type stoppable struct {
	times int
	err   error
}

func (s *stoppable) Stop(context.Context) error {
	s.times++
	return s.err
}

func label(ctx context.Context, namespace, key, value string) {
	GinkgoHelper()
	found := &corev1.Namespace{}
	Expect(here.Get(ctx, types.NamespacedName{Name: namespace}, found)).To(Succeed())
	found.Labels = map[string]string{key: value}
	Expect(here.Update(ctx, found)).To(Succeed())
}

func transformSpec(kind, path, valueType, value string) storkv1alpha1.TransformSpec {
	return storkv1alpha1.TransformSpec{Resource: kind, Paths: []storkv1alpha1.ResourcePath{{
		Path: path, Type: storkv1alpha1.TransformValueType(valueType), Value: value, Operation: storkv1alpha1.TransformAdd,
	}}}
}

// createReady makes a ResourceTransformation that was found ready when the namespace was empty; its own controller does not run here.
func createReady(ctx context.Context, namespace, name string, specs ...storkv1alpha1.TransformSpec) {
	GinkgoHelper()
	transformation := &storkv1alpha1.ResourceTransformation{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       storkv1alpha1.ResourceTransformationSpec{Objects: specs},
	}
	Expect(here.Create(ctx, transformation)).To(Succeed())
	transformation.Status.Status = storkv1alpha1.ResourceTransformationStatusReady
	transformation.Status.ObservedGeneration = transformation.Generation
	Expect(here.Status().Update(ctx, transformation)).To(Succeed())
}

// installKind installs the CRD of a kind at the source only.
func installKind(group, plural, kind string) {
	GinkgoHelper()
	preserve := true
	_, err := envtest.InstallCRDs(sourceCluster.Config(), envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{{
		ObjectMeta: metav1.ObjectMeta{Name: plural + "." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensionsv1.NamespaceScoped, Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: kind, Plural: plural},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &preserve}},
			}},
		},
	}}})
	Expect(err).NotTo(HaveOccurred())
}

func createJob(ctx context.Context, namespace, name string, conditions []batchv1.JobCondition) {
	GinkgoHelper()
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "app", Image: "example.com/app"}},
		}}},
	}
	Expect(here.Create(ctx, job)).To(Succeed())
	if conditions != nil {
		now := metav1.Now()
		for i := range conditions {
			conditions[i].LastTransitionTime = now
		}
		job.Status = batchv1.JobStatus{StartTime: &now, CompletionTime: &now, Succeeded: 1, Conditions: conditions,
			UncountedTerminatedPods: &batchv1.UncountedTerminatedPods{}}
		Expect(here.Status().Update(ctx, job)).To(Succeed())
	}
}

// keepThere makes the destination refuse to delete a ConfigMap, and waits until it does.
func keepThere(ctx context.Context, namespace, name string) {
	GinkgoHelper()
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "keep-" + namespace},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Delete},
					Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
				},
			}}},
			Validations: []admissionv1.Validation{{
				Expression: "oldObject.metadata.namespace != '" + namespace + "' || oldObject.metadata.name != '" + name + "'", Message: "it stays",
			}},
		},
	}
	Expect(there.Create(ctx, policy)).To(Succeed())
	Expect(there.Create(ctx, &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "keep-" + namespace},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: "keep-" + namespace, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	})).To(Succeed())
	Eventually(func() error { return there.Delete(ctx, configMap(namespace, name, ""), client.DryRunAll) }).
		Should(MatchError(ContainSubstring("it stays")))
}
