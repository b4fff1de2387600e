package apply_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
)

var _ = Describe("Objects with a life of their own at the destination", func() {
	var here *site

	BeforeEach(func() { here = newSite() })

	It("unites a ServiceAccount", func() {
		given("kubectl", here.parse(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, labels: {theirs: x, shared: theirs}}
secrets: [{name: local}]
imagePullSecrets: [{name: mirror}]
automountServiceAccountToken: true`))
		ours := here.parse(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, labels: {shared: ours}, annotations: {ours: yes-it-is}}
secrets: [{name: moved}, {name: local}]
imagePullSecrets: [{name: mirror}, {name: registry}]
automountServiceAccountToken: false`)
		Expect(actions(bring(here.engine, ours))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		live := found(ours)
		Expect(live.GetLabels()).To(Equal(map[string]string{"theirs": "x", "shared": "ours"}))
		Expect(live.GetAnnotations()).To(HaveKeyWithValue("ours", "yes-it-is"))
		Expect(live.Object["secrets"]).To(Equal([]any{map[string]any{"name": "local"}, map[string]any{"name": "moved"}}))
		Expect(live.Object["imagePullSecrets"]).To(Equal([]any{map[string]any{"name": "mirror"}, map[string]any{"name": "registry"}}))
		Expect(live.Object["automountServiceAccountToken"]).To(BeFalse())
		here.unchanged(ours)
	})

	It("adds to a Namespace what it lacks, and leaves its pod security to its owner", func() {
		edited("kubectl", object("{apiVersion: v1, kind: Namespace, metadata: {name: "+here.namespace+"}}"), `{"metadata":{"labels":{"team":"theirs"}}}`)
		ours := here.parse(`
apiVersion: v1
kind: Namespace
metadata: {name: NS, labels: {team: ours, new: ours, pod-security.kubernetes.io/enforce: privileged}}`)
		for range 2 {
			bring(here.engine, ours)
			Expect(found(ours).GetLabels()).To(And(HaveKeyWithValue("team", "theirs"), HaveKeyWithValue("new", "ours"),
				Not(HaveKey("pod-security.kubernetes.io/enforce"))))
		}
		Expect(found(ours).GetAnnotations()).NotTo(HaveKey(storkv1alpha1.AnnotationMigrated))
		here.unchanged(ours)
	})

	It("keeps a Namespace that it brought like that of the source", func() {
		ours := here.parse(`
apiVersion: v1
kind: Namespace
metadata: {name: NS-new, labels: {team: blue, pod-security.kubernetes.io/enforce: baseline}}`)
		bring(here.engine, ours)
		edited("kubectl", ours, `{"metadata":{"labels":{"theirs":"x"}}}`)
		here.unchanged(ours)
		bring(here.engine, changed(ours, func(o map[string]any) {
			o["metadata"].(map[string]any)["labels"] = map[string]any{"team": "green"}
		}))
		Expect(found(ours).GetLabels()).To(And(HaveKeyWithValue("team", "green"), HaveKeyWithValue("theirs", "x"),
			HaveKeyWithValue("pod-security.kubernetes.io/enforce", "baseline")))
	})

	Describe("A ClusterRoleBinding", func() {
		binding := func(role string, accounts ...string) *unstructured.Unstructured {
			o := here.parse(`
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
			bring(here.engine, config(here.namespace), binding("view", here.namespace+"/a", here.namespace+"/b"))
			bring(here.engine, config(other), binding("view", other+"/c"))
			Expect(subjects()).To(Equal([]string{here.namespace + "/a", here.namespace + "/b", other + "/c"}))
			edited("kubectl", binding("view"), `{"metadata":{"labels":{"theirs":"x"}}}`)

			By("running the first again")
			bring(here.engine, config(here.namespace), binding("view", here.namespace+"/b", here.namespace+"/d"))
			Expect(subjects()).To(Equal([]string{here.namespace + "/b", other + "/c", here.namespace + "/d"}))

			By("running both once more")
			before := found(binding("view")).GetResourceVersion()
			bring(here.engine, config(here.namespace), binding("view", here.namespace+"/b", here.namespace+"/d"))
			bring(here.engine, config(other), binding("view", other+"/c"))
			Expect(found(binding("view")).GetResourceVersion()).To(Equal(before))
		})

		It("of somebody else gets the subjects, keeps its own, and is not marked", func() {
			given("kubectl", binding("view", here.namespace+"/local"))
			bring(here.engine, config(here.namespace), binding("view", here.namespace+"/a"))
			Expect(subjects()).To(Equal([]string{here.namespace + "/local", here.namespace + "/a"}))
			Expect(found(binding("view")).GetAnnotations()).NotTo(HaveKey(storkv1alpha1.AnnotationMigrated))
			bring(here.engine, config(here.namespace), binding("view", here.namespace+"/b"))
			Expect(subjects()).To(Equal([]string{here.namespace + "/local", here.namespace + "/b"}))
		})

		It("of somebody else that grants another role is left alone", func() {
			given("kubectl", binding("edit", here.namespace+"/local"))
			report := bring(here.engine, binding("view", here.namespace+"/a"))
			Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionSkipped: 1}))
			Expect(report.Notices).To(ConsistOf(ContainSubstring("another role")))
			Expect(subjects()).To(Equal([]string{here.namespace + "/local"}))
		})

		It("is recreated with all subjects when the source grants another role", func() {
			other := newNamespace()
			bring(here.engine, config(here.namespace), binding("view", here.namespace+"/a"))
			bring(here.engine, config(other), binding("view", other+"/c"))
			report := bring(here.engine, config(here.namespace), binding("edit", here.namespace+"/a"))
			Expect(actionOf(report, "ClusterRoleBinding", here.namespace)).To(Equal(apply.ActionRecreated))
			Expect(at(found(binding("view")).Object, "roleRef", "name")).To(Equal("edit"))
			Expect(subjects()).To(Equal([]string{here.namespace + "/a", other + "/c"}))
			here.unchanged(binding("edit", here.namespace+"/a"))
		})
	})

	DescribeTable("Cluster-scoped objects of somebody else are left as they are", func(text string, difference string) {
		ours := here.parse(text)
		theirs := here.parse(strings.ReplaceAll(text, "ours", "theirs"))
		uid := given("kubectl", theirs).GetUID()
		report := bring(here.engine, ours)
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionSkipped: 1}))
		Expect(report.Notices).To(ConsistOf(And(ContainSubstring(difference), ContainSubstring("left as they are"))))
		Expect(found(ours).GetUID()).To(Equal(uid))
		_, same := apply.Difference(theirs.Object, found(ours).Object)
		Expect(same).To(BeTrue())
		Expect(actions(bring(here.engine, theirs))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}), "what they have already is there")
	},
		Entry("a StorageClass", `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: NS}, provisioner: example.com/ours}`, "provisioner"),
		Entry("a ClusterRole", `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: NS}, rules: [{apiGroups: [""], resources: [ours], verbs: [get]}]}`, "rules[0].resources"),
	)

	It("does not fight with the controller of an aggregated ClusterRole", func() {
		ours := here.parse(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NS}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {x: z}}]}
rules: [{apiGroups: [""], resources: [at-the-source], verbs: [get]}]`)
		bring(here.engine, ours)
		Expect(found(ours).Object["rules"]).To(BeNil())
		edited("clusterrole-aggregation-controller", ours, `{"rules":[{"apiGroups":[""],"resources":["here"],"verbs":["get"]}]}`)
		here.unchanged(ours)
	})
})
