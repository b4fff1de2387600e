package cli

import (
	"context"
	"encoding/json"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// fromYAML returns an object in a namespace.
func fromYAML(namespace, text string) *unstructured.Unstructured {
	GinkgoHelper()
	object := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte(text), &object.Object)).To(Succeed())
	object.SetNamespace(namespace)
	return object
}

// podTemplate is that of every workload here.
const podTemplate = `{metadata: {labels: {app: a}}, spec: {restartPolicy: %s, containers: [{name: c, image: i}]}}`

// scaledDown returns a workload as a migration brings it, that had three replicas at the source.
func scaledDown(namespace, apiVersion, kind, name string) *unstructured.Unstructured {
	GinkgoHelper()
	return fromYAML(namespace, fmt.Sprintf(`
apiVersion: %s
kind: %s
metadata:
  name: %s
  annotations:
    stork.libopenstorage.org/migrated: "true"
    stork.libopenstorage.org/migrationReplicas: "3"
spec: {replicas: 0, serviceName: s, selector: {matchLabels: {app: a}}, template: %s}`, apiVersion, kind, name, fmt.Sprintf(podTemplate, "Always")))
}

func cronJob(namespace, name, annotations string) *unstructured.Unstructured {
	GinkgoHelper()
	return fromYAML(namespace, fmt.Sprintf(`
apiVersion: batch/v1
kind: CronJob
metadata: {name: %s, annotations: {%s}}
spec: {schedule: "0 0 * * *", suspend: true, jobTemplate: {spec: {template: %s}}}`, name, annotations, fmt.Sprintf(podTemplate, "Never")))
}

var _ = Describe("activate and deactivate migrations", func() {
	const migratedMark = `stork.libopenstorage.org/migrated: "true"`
	var namespace string
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx, hereClient, map[string]string{"team": "blue"})
		ensureNamespace(ctx, hereClient, "kube-system")
	})
	createAll := func(ctx context.Context, objects ...*unstructured.Unstructured) {
		GinkgoHelper()
		for _, o := range objects {
			Expect(hereClient.Create(ctx, o, &client.CreateOptions{Raw: &metav1.CreateOptions{FieldValidation: "Ignore"}})).To(Succeed())
		}
	}
	field := func(ctx context.Context, o *unstructured.Unstructured, path ...string) any {
		GinkgoHelper()
		Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(o), o)).To(Succeed())
		value, _, err := unstructured.NestedFieldNoCopy(o.Object, path...)
		Expect(err).NotTo(HaveOccurred())
		return value
	}
	run := func(ctx context.Context, verb string, args ...string) result {
		return storkctl(ctx, append([]string{verb, "migrations", "-n", namespace}, args...)...)
	}
	schedule := func(ctx context.Context, in, name string, static bool, spec storkv1alpha1.MigrationSpec) *storkv1alpha1.MigrationSchedule {
		GinkgoHelper()
		s := &storkv1alpha1.MigrationSchedule{}
		s.Namespace, s.Name = in, name
		if static {
			s.Annotations = map[string]string{storkv1alpha1.AnnotationStaticCopy: "true"}
		}
		spec.ClusterPair = "pair1"
		s.Spec.Template.Spec, s.Spec.SchedulePolicyName = spec, "p"
		create(ctx, hereClient, s)
		DeferCleanup(func(ctx SpecContext) { _ = hereClient.Delete(ctx, s) })
		return s
	}
	activated := func(ctx context.Context, s *storkv1alpha1.MigrationSchedule) bool {
		GinkgoHelper()
		Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(s), s)).To(Succeed())
		return s.Status.ApplicationActivated
	}

	It("starts what runs where the CRDs are not installed, as at a destination that never had an operator", func(ctx SpecContext) {
		namespace := newNamespace(ctx, thereClient, nil)
		deployment := scaledDown(namespace, "apps/v1", "Deployment", "dep")
		Expect(thereClient.Create(ctx, deployment)).To(Succeed())
		definition := &unstructured.Unstructured{}
		definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
		Expect(thereClient.Get(ctx, client.ObjectKey{Name: "migrationschedules.stork.libopenstorage.org"}, definition)).To(Succeed())
		Expect(thereClient.Delete(ctx, definition)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) {
			definition.SetResourceVersion("")
			definition.SetUID("")
			Expect(thereClient.Create(ctx, definition)).To(Succeed())
		})
		Eventually(func() result {
			return storkctl(ctx, "--kubeconfig", there.KubeconfigFile(), "activate", "migrations", "-n", namespace)
		}).Should(Or(Equal(succeeds("Updated replicas for deployment "+namespace+"/dep to 3\n")), Equal(succeeds(""))))
		Expect(thereClient.Get(ctx, client.ObjectKeyFromObject(deployment), deployment)).To(Succeed())
		Expect(deployment.Object["spec"]).To(HaveKeyWithValue("replicas", BeNumerically("==", 3)))
	})

	It("starts and stops every kind of workload, in Stork's words and order", func(ctx SpecContext) {
		registration := &storkv1alpha1.ApplicationRegistration{Resources: []storkv1alpha1.ApplicationResource{{
			Group: "apps.example.com", Version: "v1", Kind: "Database", PodsPath: "status.pods",
			SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.size", Type: "int"},
		}}}
		registration.Name = "database-" + namespace
		create(ctx, hereClient, registration)
		DeferCleanup(func(ctx SpecContext) { Expect(hereClient.Delete(ctx, registration)).To(Succeed()) })
		database := fromYAML(namespace, `
apiVersion: apps.example.com/v1
kind: Database
metadata: {name: db, annotations: {`+migratedMark+`, stork.libopenstorage.org/spec.size: "5,0"}}
spec: {size: 0}
status: {pods: [db-0, gone]}`)
		cron := cronJob(namespace, "cron", migratedMark)
		deployment := scaledDown(namespace, "apps/v1", "Deployment", "dep")
		config := scaledDown(namespace, "apps.openshift.io/v1", "DeploymentConfig", "dc")
		createAll(ctx, cron, database, config, deployment,
			scaledDown(namespace, "apps/v1", "ReplicaSet", "rs"), scaledDown(namespace, "apps/v1", "StatefulSet", "sts"))
		pod := fromYAML(namespace, "{apiVersion: v1, kind: Pod, metadata: {name: db-0}, spec: {containers: [{name: c, image: i}]}}")
		createAll(ctx, pod)

		Expect(run(ctx, "activate")).To(Equal(succeeds(lines(
			"Updated replicas for statefulset "+namespace+"/sts to 3",
			"Updated replicas for deployment "+namespace+"/dep to 3",
			"Updated replicas for replicaset "+namespace+"/rs to 3",
			"Updated replicas for deploymentconfig "+namespace+"/dc to 3",
			"Updated CR for database "+namespace+"/db",
			"Updated suspend option for cronjob "+namespace+"/cron to false"))))
		Expect(field(ctx, deployment, "spec", "replicas")).To(BeEquivalentTo(3))
		Expect(field(ctx, config, "spec", "replicas")).To(BeEquivalentTo(3))
		Expect(field(ctx, database, "spec", "size")).To(BeEquivalentTo(5))
		Expect(field(ctx, cron, "spec", "suspend")).To(BeFalse())
		Expect(run(ctx, "activate")).To(Equal(succeeds("")), "there is nothing left to start")
		Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(pod), pod)).To(Succeed())

		Expect(run(ctx, "deactivate")).To(Equal(succeeds(lines(
			"Updated replicas for statefulset "+namespace+"/sts to 0",
			"Updated replicas for deployment "+namespace+"/dep to 0",
			"Updated replicas for replicaset "+namespace+"/rs to 0",
			"Updated replicas for deploymentconfig "+namespace+"/dc to 0",
			"Updated CR for database "+namespace+"/db",
			"Updated suspend option for cronjob "+namespace+"/cron to true"))))
		Expect(field(ctx, database, "spec", "size")).To(BeEquivalentTo(0))
		Expect(apierrors.IsNotFound(hereClient.Get(ctx, client.ObjectKeyFromObject(pod), pod))).To(BeTrue())
	})

	It("leaves alone what no migration brought and what its owner scales", func(ctx SpecContext) {
		own := scaledDown(namespace, "apps/v1", "Deployment", "own")
		own.SetAnnotations(nil)
		owned := scaledDown(namespace, "apps/v1", "ReplicaSet", "owned")
		owned.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "own", UID: "1", Controller: new(true)}})
		cron := cronJob(namespace, "cron", "")
		machine := fromYAML(namespace, "{apiVersion: apps.example.com/v1, kind: Database, metadata: {name: own}, spec: {size: 2}}")
		registration := &storkv1alpha1.ApplicationRegistration{Resources: []storkv1alpha1.ApplicationResource{{
			Group: "apps.example.com", Version: "v2", Kind: "Database", SuspendOptions: storkv1alpha1.SuspendOptions{Path: "spec.size", Type: "int"},
		}}}
		registration.Name = "database-" + namespace
		create(ctx, hereClient, registration)
		DeferCleanup(func(ctx SpecContext) { Expect(hereClient.Delete(ctx, registration)).To(Succeed()) })
		createAll(ctx, own, owned, cron, machine)
		want := result{err: "Warn: Skipping CR update database-" + namespace + "/own, annotations not found\n"}
		Expect(run(ctx, "activate")).To(Equal(want))
		Expect(run(ctx, "deactivate")).To(Equal(want))
		Expect(field(ctx, cron, "spec", "suspend")).To(BeTrue())
		Expect(field(ctx, owned, "spec", "replicas")).To(BeEquivalentTo(0))
		Expect(field(ctx, machine, "spec", "size")).To(BeEquivalentTo(2))
	})

	It("goes on after an object that it cannot start, and fails in the end", func(ctx SpecContext) {
		bad := scaledDown(namespace, "apps/v1", "Deployment", "bad")
		bad.SetAnnotations(map[string]string{storkv1alpha1.AnnotationMigrationReplicas: "many"})
		createAll(ctx, bad, scaledDown(namespace, "apps/v1", "Deployment", "good"))
		got := run(ctx, "activate")
		Expect(got.code).To(Equal(1))
		Expect(got.out).To(Equal("Updated replicas for deployment " + namespace + "/good to 3\n"))
		Expect(got.err).To(And(
			HavePrefix("Error updating replicas for deployment "+namespace+"/bad : "),
			HaveSuffix("error: 1 errors, see above: run the command again once their causes are gone\n")))
	})

	It("takes all namespaces with -a, one after the other", func(ctx SpecContext) {
		other := newNamespace(ctx, hereClient, nil)
		// By itself, a StatefulSet would come first.
		first, second := min(namespace, other), max(namespace, other)
		createAll(ctx, scaledDown(first, "apps/v1", "Deployment", "dep"), scaledDown(second, "apps/v1", "StatefulSet", "sts"))
		got := storkctl(ctx, "activate", "migrations", "-a")
		Expect(got.out).To(MatchRegexp("(?s)Updated replicas for deployment " + first + "/dep to 3\n.*Updated replicas for statefulset " + second + "/sts to 3\n"))
		Expect(storkctl(ctx, "deactivate", "migrations", "--all-namespaces").out).To(And(ContainSubstring("/dep to 0\n"), ContainSubstring("/sts to 0\n")))
	})

	It("refuses a namespace that is not there", func(ctx SpecContext) {
		Expect(storkctl(ctx, "activate", "migrations", "-n", "no-such")).To(Equal(fails(`Error from server (NotFound): namespaces "no-such" not found`)))
	})

	Context("with stashed custom resources", func() {
		var configMap *corev1.ConfigMap
		var claim *corev1.PersistentVolumeClaim
		database := func() *unstructured.Unstructured {
			return fromYAML(namespace, "{apiVersion: apps.example.com/v1, kind: Database, metadata: {name: stashed}}")
		}
		BeforeEach(func(ctx SpecContext) {
			owned, err := json.Marshal(map[string]metav1.OwnerReference{
				"claim":   {APIVersion: "apps.example.com/v1", Kind: "Database", Name: "stashed", UID: "uid-at-the-source"},
				"missing": {APIVersion: "apps.example.com/v1", Kind: "Database", Name: "stashed", UID: "uid-at-the-source"},
			})
			Expect(err).NotTo(HaveOccurred())
			configMap = &corev1.ConfigMap{Data: map[string]string{
				"name":              "stashed",
				"ownedPVCs":         string(owned),
				"cr-runtime-object": `{"apiVersion":"apps.example.com/v1","kind":"Database","metadata":{"name":"stashed","namespace":"at-the-source","uid":"uid-at-the-source","resourceVersion":"1"},"spec":{"size":4}}`,
			}}
			configMap.Namespace, configMap.Name = namespace, "database-apps.example.com-stashed"
			configMap.Labels = map[string]string{"stash-cr": "true", "resource-kind": "Database"}
			Expect(hereClient.Create(ctx, configMap)).To(Succeed())
			registration := &storkv1alpha1.ApplicationRegistration{Resources: []storkv1alpha1.ApplicationResource{{
				Group: "apps.example.com", Version: "v1", Kind: "Database", StashStrategy: storkv1alpha1.StashStrategy{StashCR: true},
			}}}
			registration.Name = namespace
			Expect(hereClient.Create(ctx, registration)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(hereClient.Delete(ctx, registration)).To(Succeed()) })
			claim = &corev1.PersistentVolumeClaim{}
			Expect(yaml.Unmarshal([]byte(`{spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`), claim)).To(Succeed())
			claim.Namespace, claim.Name = namespace, "claim"
			claim.OwnerReferences = []metav1.OwnerReference{
				{APIVersion: "apps.example.com/v1", Kind: "Database", Name: "stashed", UID: "of-an-earlier-one"},
				{APIVersion: "v1", Kind: "ConfigMap", Name: "other", UID: "other"},
			}
			Expect(hereClient.Create(ctx, claim)).To(Succeed())
		})

		It("creates them on activation, owners of their claims, once", func(ctx SpecContext) {
			Expect(run(ctx, "activate")).To(Equal(succeeds("Successfully created the CRs from the stashed configmaps Database/stashed\n")))
			object := database()
			Expect(field(ctx, object, "spec", "size")).To(BeEquivalentTo(4))
			Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(claim), claim)).To(Succeed())
			Expect(claim.OwnerReferences).To(HaveExactElements(
				HaveField("Name", "other"),
				Equal(metav1.OwnerReference{APIVersion: "apps.example.com/v1", Kind: "Database", Name: "stashed", UID: object.GetUID()})))
			Expect(hereClient.Get(ctx, client.ObjectKeyFromObject(configMap), configMap)).To(Succeed())
			Expect(run(ctx, "activate")).To(Equal(succeeds("")))
		})

		It("leaves them in their ConfigMaps on deactivation", func(ctx SpecContext) {
			Expect(run(ctx, "deactivate")).To(Equal(succeeds("")))
			Expect(apierrors.IsNotFound(hereClient.Get(ctx, client.ObjectKeyFromObject(database()), database()))).To(BeTrue())
		})

		It("creates nothing that this cluster does not have registered as stashed", func(ctx SpecContext) {
			configMap.Data["cr-runtime-object"] = `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"` + namespace + `"},
"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"ServiceAccount","name":"default","namespace":"` + namespace + `"}]}`
			Expect(hereClient.Update(ctx, configMap)).To(Succeed())
			got := run(ctx, "activate")
			Expect(got.code).To(Equal(1))
			Expect(got.err).To(ContainSubstring("no ApplicationRegistration of this cluster has stashStrategy.stashCR for ClusterRoleBinding"))
			binding := fromYAML("", "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: "+namespace+"}}")
			Expect(apierrors.IsNotFound(hereClient.Get(ctx, client.ObjectKeyFromObject(binding), binding))).To(BeTrue())
		})

		It("names a ConfigMap that holds no object", func(ctx SpecContext) {
			configMap.Data["cr-runtime-object"] = "{"
			Expect(hereClient.Update(ctx, configMap)).To(Succeed())
			got := run(ctx, "activate")
			Expect(got.code).To(Equal(1))
			Expect(got.err).To(HavePrefix("Error creating the CR from the stashed configmap " + namespace + "/" + configMap.Name + " : key cr-runtime-object: "))
		})
	})

	Context("with schedules", func() {
		this := func() storkv1alpha1.MigrationSpec {
			return storkv1alpha1.MigrationSpec{Namespaces: []string{"first", namespace}}
		}
		told := func(s *storkv1alpha1.MigrationSchedule, value bool) string {
			return fmt.Sprintf("Setting the ApplicationActivated status in the MigrationSchedule %s/%s to %t\n", s.Namespace, s.Name, value)
		}

		It("tells only those that migrate the namespace, by name or label", func(ctx SpecContext) {
			other := schedule(ctx, namespace, "other", true, storkv1alpha1.MigrationSpec{Namespaces: []string{"first"}})
			named := schedule(ctx, namespace, "named", true, this())
			labelled := schedule(ctx, namespace, "selected", true, storkv1alpha1.MigrationSpec{NamespaceSelectors: map[string]string{"no": "label", "team": "blue"}})
			Expect(run(ctx, "activate")).To(Equal(succeeds(told(named, true) + told(labelled, true))))
			Expect([]bool{activated(ctx, named), activated(ctx, labelled), activated(ctx, other)}).To(Equal([]bool{true, true, false}))
			Expect(run(ctx, "deactivate")).To(Equal(succeeds(told(named, false) + told(labelled, false))))
			Expect(activated(ctx, named)).To(BeFalse())
		})

		It("tells any on activation, and only static copies on deactivation", func(ctx SpecContext) {
			plain := schedule(ctx, namespace, "plain", false, this())
			Expect(run(ctx, "activate")).To(Equal(succeeds(told(plain, true))))
			Expect(run(ctx, "deactivate")).To(Equal(succeeds("")))
			Expect(activated(ctx, plain)).To(BeTrue())
		})

		It("finds them in the admin namespace and where the migrated objects came from", func(ctx SpecContext) {
			admin, origin := newNamespace(ctx, hereClient, nil), newNamespace(ctx, hereClient, nil)
			publishAdminNamespace(ctx, admin)
			fromAdmin := schedule(ctx, admin, "s", true, this())
			fromOrigin := schedule(ctx, origin, "s", true, this())
			object := scaledDown(namespace, "apps/v1", "Deployment", "dep")
			annotations := object.GetAnnotations()
			annotations[storkv1alpha1.AnnotationMigrationNamespace] = origin
			object.SetAnnotations(annotations)
			createAll(ctx, object)
			got := run(ctx, "activate")
			Expect(got.code).To(BeZero(), got.err)
			Expect(activated(ctx, fromAdmin)).To(BeTrue())
			Expect(activated(ctx, fromOrigin)).To(BeTrue())
		})

		It("tells those of Stork's CustomResourceDefinition, which has no status subresource", func(ctx SpecContext) {
			s := schedule(ctx, namespace, "s", true, this())
			withoutStatusSubresource(ctx, "migrationschedules.stork.libopenstorage.org")
			Expect(run(ctx, "activate")).To(Equal(succeeds(told(s, true))))
			Expect(activated(ctx, s)).To(BeTrue())
		})
	})

	It("acts for a user who may do so in one namespace only", func(ctx SpecContext) {
		createAll(ctx, scaledDown(namespace, "apps/v1", "Deployment", "dep"))
		role := fromYAML(namespace, `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: [{apiGroups: ["*"], verbs: ["*"],
  resources: [deployments, statefulsets, replicasets, replicationcontrollers, daemonsets, cronjobs, jobs, horizontalpodautoscalers,
    deploymentconfigs, configmaps, migrationschedules]}]}`)
		binding := fromYAML(namespace, `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b},
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}, subjects: [{kind: User, name: tenant}]}`)
		reader := fromYAML("", `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: read-registrations},
  rules: [{apiGroups: [stork.libopenstorage.org], resources: [applicationregistrations], verbs: [list]}]}`)
		readers := fromYAML("", `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: read-registrations},
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: read-registrations}, subjects: [{kind: User, name: tenant}]}`)
		createAll(ctx, role, binding, reader, readers)
		kubeconfig, err := here.UserKubeconfig("tenant")
		Expect(err).NotTo(HaveOccurred())
		// Roles take effect a moment later.
		Eventually(func() result {
			return run(ctx, "activate", "--kubeconfig", writeFile(kubeconfig))
		}).Should(Equal(succeeds("Updated replicas for deployment " + namespace + "/dep to 3\n")))
		got := &appsv1.Deployment{}
		Expect(hereClient.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "dep"}, got)).To(Succeed())
		Expect(*got.Spec.Replicas).To(BeEquivalentTo(3))
	})
})

// withoutStatusSubresource takes the status subresource from a kind, as in Stork, until the spec ends.
func withoutStatusSubresource(ctx context.Context, name string) {
	GinkgoHelper()
	clientset, err := apiextensions.NewForConfig(here.Config())
	Expect(err).NotTo(HaveOccurred())
	definitions := clientset.ApiextensionsV1().CustomResourceDefinitions()
	set := func(ctx context.Context, subresources *apiextensionsv1.CustomResourceSubresources, served bool) {
		GinkgoHelper()
		definition, err := definitions.Get(ctx, name, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		definition.Spec.Versions[0].Subresources = subresources
		_, err = definitions.Update(ctx, definition, metav1.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() bool { return hasStatus(ctx, clientset.RESTClient(), definition.Spec.Names.Plural) }).Should(Equal(served))
	}
	set(ctx, nil, false)
	DeferCleanup(func(ctx SpecContext) {
		set(ctx, &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}}, true)
	})
}

// hasStatus tells whether the API server serves the status of a kind of ours by itself.
func hasStatus(ctx context.Context, c rest.Interface, plural string) bool {
	GinkgoHelper()
	list := &metav1.APIResourceList{}
	Expect(c.Get().AbsPath("/apis", storkv1alpha1.GroupName, "v1alpha1").Do(ctx).Into(list)).To(Succeed())
	for _, r := range list.APIResources {
		if r.Name == plural+"/status" {
			return true
		}
	}
	return false
}
