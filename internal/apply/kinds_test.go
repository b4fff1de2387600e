package apply_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
)

var _ = Describe("Objects with a life of their own at the destination", func() {
	var (
		engine    *apply.Engine
		counter   *traffic
		namespace string
	)

	BeforeEach(func() {
		engine, counter = newEngine(cluster.Config(), apply.Options{})
		namespace = newNamespace()
	})

	// parsed parses an object in the namespace; NS in names keeps cluster-scoped ones apart.
	parsed := func(text string) *unstructured.Unstructured {
		return objects(namespace, strings.ReplaceAll(text, "NS", namespace))[0]
	}
	unchanged := func(o *unstructured.Unstructured) {
		GinkgoHelper()
		counter.reset()
		Expect(actions(bring(engine, o))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
		Expect(writes(counter.reset())).To(BeZero())
	}
	fails := func(o *unstructured.Unstructured, message ...string) {
		GinkgoHelper()
		uid := found(o).GetUID()
		report, err := engine.Run(context.Background(), plan(o), nil)
		Expect(err).NotTo(HaveOccurred())
		for _, part := range message {
			Expect(report.Results[0].Err).To(MatchError(ContainSubstring(part)))
		}
		Expect(found(o).GetUID()).To(Equal(uid))
	}

	It("unites a ServiceAccount", func() {
		given("kubectl", parsed(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, labels: {theirs: x, shared: theirs}}
secrets: [{name: local}]
imagePullSecrets: [{name: mirror}]
automountServiceAccountToken: true`))
		ours := parsed(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, labels: {shared: ours}, annotations: {ours: yes-it-is}}
secrets: [{name: moved}, {name: web-token-abcde}, {name: web-dockercfg-x}]
imagePullSecrets: [{name: mirror}, {name: registry}]
automountServiceAccountToken: false`)
		Expect(actions(bring(engine, ours))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		live := found(ours)
		Expect(live.GetLabels()).To(Equal(map[string]string{"theirs": "x", "shared": "ours"}))
		Expect(live.GetAnnotations()).To(HaveKeyWithValue("ours", "yes-it-is"))
		Expect(live.Object["secrets"]).To(Equal([]any{map[string]any{"name": "local"}, map[string]any{"name": "moved"}}))
		Expect(live.Object["imagePullSecrets"]).To(Equal([]any{map[string]any{"name": "mirror"}, map[string]any{"name": "registry"}}))
		Expect(live.Object["automountServiceAccountToken"]).To(BeFalse())
		unchanged(ours)
	})

	It("adds to a Namespace what it lacks, and leaves its pod security to its owner", func() {
		edited("kubectl", object("{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+"}}"), `{"metadata":{"labels":{"team":"theirs"}}}`)
		ours := parsed(`
apiVersion: v1
kind: Namespace
metadata: {name: NS, labels: {team: ours, new: ours, pod-security.kubernetes.io/enforce: privileged}}`)
		bring(engine, ours)
		Expect(found(ours).GetLabels()).To(And(HaveKeyWithValue("team", "theirs"), HaveKeyWithValue("new", "ours"),
			Not(HaveKey("pod-security.kubernetes.io/enforce"))))
	})

	It("keeps a Namespace that it brought like that of the source", func() {
		ours := parsed(`
apiVersion: v1
kind: Namespace
metadata: {name: NS-new, labels: {team: blue, pod-security.kubernetes.io/enforce: baseline}}`)
		bring(engine, ours)
		edited("kubectl", ours, `{"metadata":{"labels":{"theirs":"x"}}}`)
		unchanged(ours)
		bring(engine, changed(ours, func(o map[string]any) {
			o["metadata"].(map[string]any)["labels"] = map[string]any{"team": "green"}
		}))
		Expect(found(ours).GetLabels()).To(And(HaveKeyWithValue("team", "green"), HaveKeyWithValue("theirs", "x"),
			HaveKeyWithValue("pod-security.kubernetes.io/enforce", "baseline")))
	})

	Describe("A ClusterRoleBinding", func() {
		binding := func(role string, accounts ...string) *unstructured.Unstructured {
			o := parsed(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ` + role + `}`)
			var subjects []any
			for _, account := range accounts {
				in, name, _ := strings.Cut(account, "/")
				subjects = append(subjects, map[string]any{"kind": "ServiceAccount", "namespace": in, "name": name})
			}
			o.Object["subjects"] = subjects
			return o
		}
		subjects := func() []string {
			var names []string
			for _, subject := range found(binding("view")).Object["subjects"].([]any) {
				s := subject.(map[string]any)
				names = append(names, fmt.Sprint(s["namespace"], "/", s["name"]))
			}
			return names
		}
		config := func(in string) *unstructured.Unstructured {
			return object("{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: " + in + "}}")
		}

		It("has the subjects of all migrations, and loses those that the source of one has no more", func() {
			other := newNamespace()
			bring(engine, config(namespace), binding("view", namespace+"/a", namespace+"/b"))
			bring(engine, config(other), binding("view", other+"/c"))
			Expect(subjects()).To(Equal([]string{namespace + "/a", namespace + "/b", other + "/c"}))
			edited("kubectl", binding("view"), `{"metadata":{"labels":{"theirs":"x"}}}`)

			By("running the first again")
			bring(engine, config(namespace), binding("view", namespace+"/b", namespace+"/d"))
			Expect(subjects()).To(Equal([]string{namespace + "/b", other + "/c", namespace + "/d"}))

			By("running both once more")
			before := found(binding("view")).GetResourceVersion()
			bring(engine, config(namespace), binding("view", namespace+"/b", namespace+"/d"))
			bring(engine, config(other), binding("view", other+"/c"))
			Expect(found(binding("view")).GetResourceVersion()).To(Equal(before))
		})

		It("of somebody else gets the subjects, keeps its own, and is not marked", func() {
			given("kubectl", binding("view", namespace+"/local"))
			bring(engine, config(namespace), binding("view", namespace+"/a"))
			Expect(subjects()).To(Equal([]string{namespace + "/local", namespace + "/a"}))
			Expect(found(binding("view")).GetAnnotations()).NotTo(HaveKey(storkv1alpha1.AnnotationMigrated))
			bring(engine, config(namespace), binding("view", namespace+"/b"))
			Expect(subjects()).To(Equal([]string{namespace + "/local", namespace + "/b"}))
		})

		It("of somebody else that grants another role is left alone", func() {
			given("kubectl", binding("edit", namespace+"/local"))
			report := bring(engine, binding("view", namespace+"/a"))
			Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionSkipped: 1}))
			Expect(report.Notices).To(ConsistOf(ContainSubstring("another role")))
			Expect(subjects()).To(Equal([]string{namespace + "/local"}))
		})

		It("is recreated with all subjects when the source grants another role", func() {
			other := newNamespace()
			bring(engine, config(namespace), binding("view", namespace+"/a"))
			bring(engine, config(other), binding("view", other+"/c"))
			report := bring(engine, config(namespace), binding("edit", namespace+"/a"))
			Expect(actionOf(report, "ClusterRoleBinding", namespace)).To(Equal(apply.ActionRecreated))
			Expect(at(found(binding("view")).Object, "roleRef", "name")).To(Equal("edit"))
			Expect(subjects()).To(Equal([]string{namespace + "/a", other + "/c"}))
			unchanged(binding("edit", namespace+"/a"))
		})
	})

	DescribeTable("Cluster-scoped objects of somebody else are left as they are", func(text string, difference string) {
		ours := parsed(text)
		theirs := parsed(strings.ReplaceAll(text, "ours", "theirs"))
		uid := given("kubectl", theirs).GetUID()
		report := bring(engine, ours)
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionSkipped: 1}))
		Expect(report.Notices).To(ConsistOf(And(ContainSubstring(difference), ContainSubstring("left as they are"))))
		Expect(found(ours).GetUID()).To(Equal(uid))
		_, same := apply.Difference(theirs.Object, found(ours).Object)
		Expect(same).To(BeTrue())
		Expect(actions(bring(engine, theirs))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}), "what they have already is there")
	},
		Entry("a StorageClass", `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: NS}, provisioner: example.com/ours}`, "provisioner"),
		Entry("a ClusterRole", `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: NS}, rules: [{apiGroups: [""], resources: [ours], verbs: [get]}]}`, "rules[0].resources"),
	)

	It("does not fight with the controller of an aggregated ClusterRole", func() {
		ours := parsed(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NS}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {x: z}}]}
rules: [{apiGroups: [""], resources: [at-the-source], verbs: [get]}]`)
		bring(engine, ours)
		Expect(found(ours).Object["rules"]).To(BeNil())
		edited("clusterrole-aggregation-controller", ours, `{"rules":[{"apiGroups":[""],"resources":["here"],"verbs":["get"]}]}`)
		unchanged(ours)
	})

	DescribeTable("What cannot be changed is recreated", func(text string, change func(map[string]any)) {
		ours := parsed(text)
		bring(engine, ours)
		uid := found(ours).GetUID()
		next := changed(ours, change)
		Expect(actions(bring(engine, next))).To(Equal(map[apply.Action]int{apply.ActionRecreated: 1}))
		live := found(ours)
		Expect(live.GetUID()).NotTo(Equal(uid))
		_, same := apply.Difference(next.Object, live.Object)
		Expect(same).To(BeTrue())
		unchanged(next)
	},
		Entry("the role of a RoleBinding", `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: x}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: x}`, func(o map[string]any) { o["roleRef"].(map[string]any)["name"] = "y" }),
		Entry("an immutable ConfigMap", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, immutable: true, data: {a: b}}`,
			func(o map[string]any) { o["data"].(map[string]any)["a"] = "c" }),
		Entry("the type of a Secret", `{apiVersion: v1, kind: Secret, metadata: {name: x}, type: Opaque}`,
			func(o map[string]any) { o["type"] = "example.com/other" }),
		Entry("the selector of a Deployment that runs nothing", `
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: i}]}}}`,
			func(o map[string]any) {
				o["spec"].(map[string]any)["selector"] = map[string]any{"matchLabels": map[string]any{"c": "d"}}
			}),
		Entry("the selector of a DaemonSet that runs nothing", `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: x}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: i}]}}}`,
			func(o map[string]any) {
				o["spec"].(map[string]any)["selector"] = map[string]any{"matchLabels": map[string]any{"c": "d"}}
			}),
		Entry("the template of a Job that runs nothing", `
apiVersion: batch/v1
kind: Job
metadata: {name: x}
spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}`,
			func(o map[string]any) {
				at(o, "spec", "template", "spec", "containers").([]any)[0].(map[string]any)["image"] = "j"
			}),
		Entry("a StorageClass that it brought", `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: NS}, provisioner: example.com/x}`,
			func(o map[string]any) { o["parameters"] = map[string]any{"a": "b"} }),
	)

	It("keeps what a StatefulSet owns when it is recreated", func() {
		ours := parsed(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: x}
spec: {replicas: 0, serviceName: x, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}`)
		bring(engine, ours)
		done := make(chan error, 1)
		DeferCleanup(func() { Expect(<-done).To(Succeed()) })
		go func() { done <- actAsGarbageCollector(ours, found(ours).GetUID()) }()
		report := bring(engine, changed(ours, func(o map[string]any) { o["spec"].(map[string]any)["serviceName"] = "y" }))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionRecreated: 1}))
	})

	DescribeTable("What cannot be changed and must not go fails, and says what to do", func(text string, change func(map[string]any), message ...string) {
		ours := parsed(text)
		bring(engine, ours)
		fails(changed(ours, change), message...)
	},
		Entry("the selector of a Deployment that runs", `
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec: {replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: d}}, spec: {containers: [{name: c, image: i}]}}}`,
			func(o map[string]any) {
				o["spec"].(map[string]any)["selector"] = map[string]any{"matchLabels": map[string]any{"c": "d"}}
			}, "spec.selector", "scale it to zero"),
		Entry("the address of a Service", `{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {a: b}, clusterIP: None, ports: [{port: 80}]}}`,
			func(o map[string]any) { o["spec"].(map[string]any)["clusterIP"] = "10.1.2.3" }, "clusterIP", "delete it at the destination"),
		Entry("the class of a claim", `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: x}
spec: {accessModes: [ReadWriteOnce], storageClassName: a, resources: {requests: {storage: 1Gi}}}`,
			func(o map[string]any) { o["spec"].(map[string]any)["storageClassName"] = "b" }, "spec.storageClassName", "delete it there"),
		Entry("the data of a volume", `
apiVersion: v1
kind: PersistentVolume
metadata: {name: NS}
spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, csi: {driver: example.com, volumeHandle: a}}`,
			func(o map[string]any) { at(o, "spec", "csi").(map[string]any)["volumeHandle"] = "b" }, "spec.csi.volumeHandle", "holds other data"),
	)

	It("deletes nothing that the destination would not take back", func() {
		ours := parsed(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: {a: b}}, immutable: true, data: {a: b}}`)
		bring(engine, ours)
		forbid(namespace, "object.metadata.labels.a == 'b'")
		fails(changed(ours, func(o map[string]any) {
			o["metadata"].(map[string]any)["labels"] = map[string]any{"a": "c"}
			o["data"].(map[string]any)["a"] = "c"
		}), "would refuse")
		fails(changed(ours, func(o map[string]any) { o["data"].(map[string]any)["a"] = strings.Repeat("x", 2<<20) }), "would refuse")
	})

	Describe("A volume and its claim", func() {
		volume := func() *unstructured.Unstructured {
			return parsed(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: NS}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  persistentVolumeReclaimPolicy: Retain
  csi: {driver: example.com, volumeHandle: a}
  claimRef: {kind: PersistentVolumeClaim, apiVersion: v1, namespace: NS, name: data}`)
		}
		claim := func() *unstructured.Unstructured {
			return parsed(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", volumeName: NS, resources: {requests: {storage: 1Gi}}}`)
		}
		claimRef := func() any { return at(found(volume()).Object, "spec", "claimRef", "uid") }
		status := func(o *unstructured.Unstructured, status map[string]any) {
			GinkgoHelper()
			live := found(o)
			live.Object["status"] = status
			_, err := clientFor(o).UpdateStatus(context.Background(), live, metav1.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
		bound := func() {
			GinkgoHelper()
			edited("binder", volume(), `{"spec":{"claimRef":{"uid":"`+string(found(claim()).GetUID())+`"}}}`)
			status(volume(), map[string]any{"phase": "Bound"})
			status(claim(), map[string]any{"phase": "Bound"})
		}

		It("stay bound, and follow labels, reclaim policy and growth", func() {
			bring(engine, volume(), claim())
			bound()
			Expect(actions(bring(engine, volume(), claim()))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 2}))
			uid := claimRef()
			report := bring(engine,
				changed(volume(), func(o map[string]any) {
					o["metadata"].(map[string]any)["labels"] = map[string]any{"a": "b"}
					o["spec"].(map[string]any)["persistentVolumeReclaimPolicy"] = "Delete"
					at(o, "spec", "capacity").(map[string]any)["storage"] = "2Gi"
				}),
				changed(claim(), func(o map[string]any) { o["metadata"].(map[string]any)["labels"] = map[string]any{"a": "b"} }),
			)
			Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUpdated: 2}))
			live := found(volume())
			Expect(claimRef()).To(Equal(uid))
			Expect(at(live.Object, "spec", "persistentVolumeReclaimPolicy")).To(Equal("Delete"))
			Expect(at(live.Object, "spec", "capacity", "storage")).To(Equal("2Gi"))
			Expect(found(claim()).GetLabels()).To(HaveKeyWithValue("a", "b"))
		})

		It("never shrink", func() {
			large := changed(volume(), func(o map[string]any) { at(o, "spec", "capacity").(map[string]any)["storage"] = "2Gi" })
			bring(engine, large)
			Expect(actions(bring(engine, volume()))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
			Expect(at(found(volume()).Object, "spec", "capacity", "storage")).To(Equal("2Gi"))
		})

		It("find each other again when the claim was deleted at the destination", func() {
			bring(engine, volume(), claim())
			bound()
			status(volume(), map[string]any{"phase": "Released"})
			edited("x", claim(), `{"metadata":{"finalizers":null}}`)
			Expect(clientFor(claim()).Delete(context.Background(), "data", metav1.DeleteOptions{})).To(Succeed())
			report := bring(engine, volume(), claim())
			Expect(actionOf(report, "PersistentVolume", namespace)).To(Equal(apply.ActionUpdated))
			Expect(claimRef()).To(BeNil())
		})

		It("find each other again when the volume was deleted at the destination", func() {
			bring(engine, volume(), claim())
			status(claim(), map[string]any{"phase": "Lost"})
			Expect(clientFor(volume()).Delete(context.Background(), namespace, metav1.DeleteOptions{})).To(Succeed())
			edited("x", volume(), `{"metadata":{"finalizers":null}}`)
			Expect(isThere(volume())).To(BeFalse())
			bring(engine, volume(), claim())
			Expect(claimRef()).To(Equal(string(found(claim()).GetUID())))
		})

		It("fail when the claim is lost and nothing brings its volume", func() {
			bring(engine, claim())
			status(claim(), map[string]any{"phase": "Lost"})
			fails(claim(), "Lost", "delete the claim")
		})
	})

	Describe("A Service", func() {
		service := func(name string) *unstructured.Unstructured {
			return parsed(`{apiVersion: v1, kind: Service, metadata: {name: ` + name + `}, spec: {type: NodePort, ports: [{port: 80, nodePort: 30123}]}}`)
		}

		It("gets another node port where that of the source is taken, and keeps it", func() {
			given("kubectl", service("theirs"))
			DeferCleanup(func() {
				Expect(clientFor(service("theirs")).Delete(context.Background(), "theirs", metav1.DeleteOptions{})).To(Succeed())
			})
			report := bring(engine, service("ours"))
			Expect(report.Notices).To(ConsistOf(ContainSubstring("node ports")))
			port := func() any {
				return at(found(service("ours")).Object, "spec", "ports").([]any)[0].(map[string]any)["nodePort"]
			}
			given := port()
			Expect(given).NotTo(BeEquivalentTo(30123))
			unchanged(service("ours"))

			By("changing it")
			next := changed(service("ours"), func(o map[string]any) { o["metadata"].(map[string]any)["labels"] = map[string]any{"a": "b"} })
			Expect(actions(bring(engine, next))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
			Expect(port()).To(Equal(given))
			unchanged(next)
		})
	})
})

// actAsGarbageCollector orphans what an object owns once it is deleted, since the cluster has no controllers.
func actAsGarbageCollector(o *unstructured.Unstructured, uid any) error {
	for {
		live, err := clientFor(o).Get(context.Background(), o.GetName(), metav1.GetOptions{})
		if err != nil || live.GetUID() != uid {
			return err
		}
		if live.GetDeletionTimestamp() != nil {
			live.SetFinalizers(nil)
			_, err := clientFor(o).Update(context.Background(), live, metav1.UpdateOptions{})
			return err
		}
	}
}

// forbid has the API server refuse ConfigMaps and Secrets in the namespace that do not fulfil the expression. It must not allow a
// label "a" or a data "key" whose value is "probe".
func forbid(namespace, expression string) {
	GinkgoHelper()
	for _, o := range []*unstructured.Unstructured{
		object(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: ` + namespace + `}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ` + namespace + `}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps, secrets]}]
  validations: [{expression: "` + expression + `", message: "not here"}]`),
		object(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: ` + namespace + `}
spec: {policyName: ` + namespace + `, validationActions: [Deny]}`),
	} {
		given("test", o)
		DeferCleanup(func() error { return clientFor(o).Delete(context.Background(), o.GetName(), metav1.DeleteOptions{}) })
	}
	Eventually(func() error {
		probe := object("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: probe-, labels: {a: probe}, namespace: " + namespace + "}, data: {key: probe}}")
		_, err := clientFor(probe).Create(context.Background(), probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}).WithTimeout(time.Minute).Should(MatchError(ContainSubstring("not here")))
}

// mutate has the API server overrule the label "team" of ConfigMaps in the namespace.
func mutate(namespace string) {
	GinkgoHelper()
	for _, o := range []*unstructured.Unstructured{
		object(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: ` + namespace + `}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ` + namespace + `}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration: {expression: 'Object{metadata: Object.metadata{labels: {"team": "theirs"}}}'}`),
		object(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: ` + namespace + `}
spec: {policyName: ` + namespace + `}`),
	} {
		given("test", o)
		DeferCleanup(func() error { return clientFor(o).Delete(context.Background(), o.GetName(), metav1.DeleteOptions{}) })
	}
	Eventually(func() (map[string]string, error) {
		probe := object("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: probe-, namespace: " + namespace + "}}")
		created, err := clientFor(probe).Create(context.Background(), probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return nil, err
		}
		return created.GetLabels(), nil
	}).WithTimeout(time.Minute).Should(HaveKeyWithValue("team", "theirs"))
}
