package tenant_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/hack/localcluster"
)

var _ = Describe("A Migration", Ordered, ContinueOnFailure, func() {
	const name = "mallory-scope"
	var mallory *tenant

	BeforeAll(func(ctx SpecContext) {
		mallory = newTenant(ctx, name)
		// Whatever she may, she may it everywhere at the destination: nothing but Godwit keeps her off others there.
		Expect(there.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: name}},
		})).To(Succeed())
		expectPair(ctx, mallory.pair(ctx, "remote", mallory.honest()), storkv1alpha1.ReasonReady, "")
		createNamespace(ctx, here, "victim", map[string]string{"team": "victim-team"})
		Expect(here.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "victim", Name: "prize"}})).To(Succeed())
		for _, rule := range []string{"victim", name} {
			Expect(here.Create(ctx, runningPod(rule))).To(Succeed())
		}
		setRunning(ctx, "victim")
		setRunning(ctx, name)
	})

	AfterEach(func(ctx SpecContext) {
		Expect(there.Get(ctx, client.ObjectKey{Name: "victim"}, &corev1.Namespace{})).To(Satisfy(apierrors.IsNotFound))
		for _, namespace := range executedIn() {
			Expect(namespace).To(Equal(name))
		}
	})

	spec := func(change func(*storkv1alpha1.MigrationSpec)) func(*storkv1alpha1.Migration) {
		return func(m *storkv1alpha1.Migration) { change(&m.Spec) }
	}

	It("that names another namespace is refused", func(ctx SpecContext) {
		for _, names := range [][]string{{"victim"}, {name, "victim"}, {"*"}, {""}, {"../victim"}} {
			migration := &storkv1alpha1.Migration{
				ObjectMeta: metav1.ObjectMeta{Namespace: name, GenerateName: "list-"},
				Spec:       storkv1alpha1.MigrationSpec{ClusterPair: "remote", Namespaces: names},
			}
			Expect(mallory.here.Create(ctx, migration)).NotTo(Succeed(), strings.Join(names, ","))
		}
	})

	It("that selects another namespace fails, and does not tell which that is", func(ctx SpecContext) {
		migration := mallory.migrate(ctx, "selects", "remote", spec(func(s *storkv1alpha1.MigrationSpec) {
			s.NamespaceSelectors = map[string]string{"team": "victim-team"}
		}))
		expectEnd(ctx, migration, storkv1alpha1.MigrationStatusFailed)
		Expect(messageOf(migration)).To(And(ContainSubstring("should only contain the current namespace"), Not(ContainSubstring("victim"))))
	})

	It("finds nothing that it names in another namespace", func(ctx SpecContext) {
		Expect(here.Create(ctx, &storkv1alpha1.Rule{
			ObjectMeta: metav1.ObjectMeta{Namespace: "victim", Name: "theirs"},
			Rules:      []storkv1alpha1.RuleItem{{Actions: []storkv1alpha1.RuleAction{{Type: storkv1alpha1.RuleActionCommand, Value: "true"}}}},
		})).To(Succeed())
		var all []*storkv1alpha1.Migration
		for id, change := range map[string]func(*storkv1alpha1.MigrationSpec){
			"pair-path":      func(s *storkv1alpha1.MigrationSpec) { s.ClusterPair = "neighbour/remote" },
			"pair-up":        func(s *storkv1alpha1.MigrationSpec) { s.ClusterPair = "../neighbour/remote" },
			"admin-pair":     func(s *storkv1alpha1.MigrationSpec) { s.AdminClusterPair = "remote" },
			"admin-path":     func(s *storkv1alpha1.MigrationSpec) { s.AdminClusterPair = "../neighbour/clusterpairs/remote" },
			"rule":           func(s *storkv1alpha1.MigrationSpec) { s.PreExecRule = "theirs" },
			"rule-path":      func(s *storkv1alpha1.MigrationSpec) { s.PreExecRule = "victim/theirs" },
			"transformation": func(s *storkv1alpha1.MigrationSpec) { s.TransformSpecs = []string{"victim/theirs"} },
		} {
			migration := &storkv1alpha1.Migration{
				ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: id},
				Spec:       storkv1alpha1.MigrationSpec{ClusterPair: "remote", Namespaces: []string{name}, IncludeVolumes: new(false)},
			}
			change(&migration.Spec)
			if err := mallory.here.Create(ctx, migration); err == nil {
				all = append(all, migration)
			}
		}
		Expect(all).NotTo(BeEmpty())
		for _, migration := range all {
			expectEnd(ctx, migration, storkv1alpha1.MigrationStatusFailed)
			Expect(messageOf(migration)).To(ContainSubstring("does not exist"))
		}
	})

	It("runs its Rule in its own pods only", func(ctx SpecContext) {
		mallory.create(ctx, &storkv1alpha1.Rule{
			ObjectMeta: metav1.ObjectMeta{Name: "everywhere"},
			Rules: []storkv1alpha1.RuleItem{{Actions: []storkv1alpha1.RuleAction{{
				Type: storkv1alpha1.RuleActionCommand, Value: "login --password=" + planted("password in a command"),
			}}}},
		})
		migration := mallory.migrate(ctx, "with-rule", "remote", spec(func(s *storkv1alpha1.MigrationSpec) { s.PreExecRule = "everywhere" }))
		Eventually(executedIn).Should(ContainElement(name))
		Expect(mallory.here.Delete(ctx, migration)).To(Succeed())
		Eventually(func() error { return here.Get(ctx, client.ObjectKeyFromObject(migration), migration) }).Should(Satisfy(apierrors.IsNotFound))
	})

	It("believes no tracker that leads elsewhere", func(ctx SpecContext) {
		pod := &corev1.Pod{}
		Expect(here.Get(ctx, client.ObjectKey{Namespace: "victim", Name: "pod"}, pod)).To(Succeed())
		for id, tracker := range map[string]string{
			"tracker-elsewhere": `{"taskID":"x","pods":[{"uid":"` + string(pod.UID) + `","namespace":"victim"}]}`,
			"tracker-shell":     `{"taskID":"x; touch /tmp/x","pods":[{"uid":"` + string(pod.UID) + `","namespace":"` + name + `"}]}`,
			"tracker-uid":       `{"taskID":"x","pods":[{"uid":"` + string(pod.UID) + `","namespace":"` + name + `"}]}`,
			"tracker-nonsense":  "\x00\n\x1b[2J{{{",
			"tracker-deep":      strings.Repeat("[", 20000),
		} {
			migration := mallory.migrate(ctx, id, "remote", func(m *storkv1alpha1.Migration) {
				m.Annotations = map[string]string{
					"stork.libopenstorage.org/pods-with-running-cmds":  tracker,
					"stork.libopenstorage.org/migration-schedule-name": "../victim\n\x1b[2J$(touch /tmp/x)",
				}
			})
			expectEnd(ctx, migration, storkv1alpha1.MigrationStatusSuccessful)
			Expect(migration.Annotations).NotTo(HaveKey("stork.libopenstorage.org/pods-with-running-cmds"))
		}
	})

	It("changes no object into one of another namespace", func(ctx SpecContext) {
		for _, path := range []string{
			"metadata.namespace", "metadata['namespace']", `metadata."namespace"`, "metadata", "kind", "apiVersion", "metadata.name", `metadata.name\space`,
		} {
			transformation := &storkv1alpha1.ResourceTransformation{
				ObjectMeta: metav1.ObjectMeta{Namespace: name, GenerateName: "into-"},
				Spec: storkv1alpha1.ResourceTransformationSpec{Objects: []storkv1alpha1.TransformSpec{{
					Resource: "/v1/ConfigMap",
					Paths:    []storkv1alpha1.ResourcePath{{Path: path, Operation: "add", Type: "string", Value: "victim"}},
				}}},
			}
			Expect(mallory.here.Create(ctx, transformation)).NotTo(Succeed(), path)
		}
	})

	It("brings nothing of others that its objects refer to", func(ctx SpecContext) {
		createNamespace(ctx, here, "victim-storage", nil)
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "victim-storage", Name: "data"}, Spec: claimSpec("theirs")}
		Expect(here.Create(ctx, claim)).To(Succeed())
		volume := &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: "theirs"},
			Spec: corev1.PersistentVolumeSpec{
				Capacity: claim.Spec.Resources.Requests, AccessModes: claim.Spec.AccessModes,
				ClaimRef:               &corev1.ObjectReference{Namespace: "victim-storage", Name: "data", UID: claim.UID},
				PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/tmp/theirs"}},
			},
		}
		Expect(here.Create(ctx, volume)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(volume), volume)).To(Succeed())
			g.Expect(volume.Status.Phase).To(Equal(corev1.VolumeBound))
		}).Should(Succeed())
		prize := &corev1.ConfigMap{}
		Expect(here.Get(ctx, client.ObjectKey{Namespace: "victim", Name: "prize"}, prize)).To(Succeed())
		mallory.create(ctx, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "grab"}, Spec: claimSpec("theirs")})
		mallory.create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owned", OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "v1", Kind: "ConfigMap", Name: "prize", UID: prize.UID},
		}}})
		migration := mallory.migrate(ctx, "refers", "remote", spec(func(s *storkv1alpha1.MigrationSpec) {
			s.IgnoreOwnerReferencesCheck = new(true)
		}))
		expectEnd(ctx, migration, storkv1alpha1.MigrationStatusSuccessful)
		Expect(there.Get(ctx, client.ObjectKeyFromObject(volume), volume)).To(Satisfy(apierrors.IsNotFound))
		for _, resource := range migration.Status.Resources {
			Expect(resource.Namespace).To(BeElementOf(name, ""))
		}
	})

	It("has names that break out of lines reported without what commands a terminal", func(ctx SpecContext) {
		Expect(here.Create(ctx, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "a\n{\"level\":\"info\"}\x1b[2J\r"}})).To(Succeed())
		migration := mallory.migrate(ctx, "lines", "remote", nil)
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
			g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal))
		}).Should(Succeed())
		Expect(messageOf(migration)).NotTo(MatchRegexp(`[\x00-\x09\x0b-\x1f]`))
		Expect(operatorLog()).NotTo(MatchRegexp(`(?m)[\x1b\r]|^{"level":"info"}`))
	})

	It("purges nothing that merely looks as if Godwit had brought it", func(ctx SpecContext) {
		for id, annotations := range map[string]map[string]string{
			"forged": {storkv1alpha1.AnnotationMigrated: "true", storkv1alpha1.AnnotationMigrationName: "lines", storkv1alpha1.AnnotationMigrationNamespace: name},
		} {
			Expect(there.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: id, Annotations: annotations}})).To(Succeed())
		}
		migration := mallory.migrate(ctx, "purges", "remote", spec(func(s *storkv1alpha1.MigrationSpec) { s.PurgeDeletedResources = new(true) }))
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(migration), migration)).To(Succeed())
			g.Expect(migration.Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal))
		}).Should(Succeed())
		Expect(there.Get(ctx, client.ObjectKey{Namespace: name, Name: "forged"}, &corev1.ConfigMap{})).To(Succeed())
	})

	It("ends whose finalizer was taken off, and leaves its name to another one", func(ctx SpecContext) {
		mallory.create(ctx, &storkv1alpha1.Rule{
			ObjectMeta: metav1.ObjectMeta{Name: "slow"},
			Rules:      []storkv1alpha1.RuleItem{{Actions: []storkv1alpha1.RuleAction{{Type: storkv1alpha1.RuleActionCommand, Value: "true"}}}},
		})
		first := mallory.migrate(ctx, "again", "remote", spec(func(s *storkv1alpha1.MigrationSpec) { s.PreExecRule = "slow" }))
		Eventually(func(g Gomega) {
			g.Expect(here.Get(ctx, client.ObjectKeyFromObject(first), first)).To(Succeed())
			g.Expect(first.Status.Stage).To(Equal(storkv1alpha1.MigrationStagePreExecRule))
		}).Should(Succeed())
		Expect(mallory.here.Patch(ctx, first, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed())
		Expect(mallory.here.Delete(ctx, first)).To(Succeed())
		second := mallory.migrate(ctx, "again", "missing", nil)
		expectEnd(ctx, second, storkv1alpha1.MigrationStatusFailed)
		Expect(messageOf(second)).To(ContainSubstring("ClusterPair mallory-scope/missing does not exist"))
		expectService(ctx)
	})

	It("cannot be given a status by its owner, nor anything in the namespaces of others", func(ctx SpecContext) {
		migration := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "lines"}}
		forged := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"stage":""}}`))
		Expect(mallory.here.Status().Patch(ctx, migration, forged)).To(Satisfy(apierrors.IsForbidden))
		Expect(mallory.here.Create(ctx, &storkv1alpha1.ApplicationRegistration{ObjectMeta: metav1.ObjectMeta{Name: "hers"}})).To(Satisfy(apierrors.IsForbidden))
		for _, namespace := range []string{"victim", "kube-system"} {
			theirs := &storkv1alpha1.Migration{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "hers"}}
			Expect(mallory.here.Create(ctx, theirs)).To(Satisfy(apierrors.IsForbidden))
		}
	})
})

func claimSpec(volume string) corev1.PersistentVolumeClaimSpec {
	return corev1.PersistentVolumeClaimSpec{
		VolumeName: volume, StorageClassName: new(""), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}
}

func runningPod(namespace string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pod", Labels: map[string]string{"app": "database"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "registry.example.com/c:1"}}},
	}
}

// setRunning has a pod look as if a kubelet ran it.
func setRunning(ctx context.Context, namespace string) {
	GinkgoHelper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pod"}}
	Expect(here.Status().Patch(ctx, pod, client.RawPatch("application/merge-patch+json", []byte(`{"status":{"phase":"Running"}}`)))).To(Succeed())
}

// executedIn returns the namespaces of the pods in which the operator asked for commands to be run.
func executedIn() []string {
	GinkgoHelper()
	events, err := localcluster.AuditEvents[struct{ ObjectRef struct{ Namespace string } }](workspace, "")
	Expect(err).NotTo(HaveOccurred())
	namespaces := make([]string, len(events))
	for i, event := range events {
		namespaces[i] = event.ObjectRef.Namespace
	}
	return namespaces
}
