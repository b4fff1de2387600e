package apply_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
)

// application is one object of each of the usual kinds. RUN is replaced, so that cluster-scoped names differ.
const application = `
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE, labels: {team: blue}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
imagePullSecrets: [{name: registry}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: NAMESPACE}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {app: web}}
data: {color: blue, size: "1000m"}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
data: {password: c2VjcmV0}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: web}
spec: {hard: {limits.memory: 1024Mi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, creationTimestamp: null}
    spec:
      containers:
      - name: web
        image: web:1
        resources: {requests: {cpu: 1000m}}
        env: [{name: A, value: a}, {name: B, value: b}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 0
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1", ports: [{containerPort: 1}]}]}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}`

var _ = Describe("A run", func() {
	var (
		engine    *apply.Engine
		counter   *traffic
		namespace string
	)

	BeforeEach(func() {
		engine, counter = newEngine(cluster.Config(), apply.Options{})
		namespace = nameNamespace()
		bring(engine, object("{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+", labels: {team: blue}}}"))
	})

	brought := func() []*unstructured.Unstructured {
		return objects(namespace, strings.ReplaceAll(application, "NAMESPACE", namespace))
	}
	pick := func(kind string) *unstructured.Unstructured {
		GinkgoHelper()
		for _, o := range brought() {
			if o.GetKind() == kind {
				return o
			}
		}
		Fail("no " + kind)
		return nil
	}

	It("creates what is absent, and marks it", func() {
		report := bring(engine, brought()...)
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionCreated: 9, apply.ActionUnchanged: 1}), "the namespace is there already")
		for _, o := range brought() {
			live := found(o)
			_, same := apply.Difference(o.Object, live.Object)
			Expect(same).To(BeTrue(), "%s as it should be", o.GetKind())
			Expect(live.GetAnnotations()).To(And(
				HaveKeyWithValue(storkv1alpha1.AnnotationMigrated, "true"),
				HaveKeyWithValue(storkv1alpha1.AnnotationMigrationName, "one"),
				HaveKeyWithValue(storkv1alpha1.AnnotationMigrationNamespace, "kube-system"),
				HaveKeyWithValue(storkv1alpha1.AnnotationMigrationTime, "2026-11-21-010203"),
				HaveKeyWithValue(storkv1alpha1.AnnotationResourceHash, MatchRegexp(`^\d+$`)),
			))
		}
		Expect(report.Notices).To(BeEmpty())
	})

	It("writes nothing when nothing has changed", func() {
		bring(engine, brought()...)
		before := versions(brought())
		counter.reset()
		report := bring(engine, brought()...)
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 10}))
		Expect(writes(counter.reset())).To(BeZero())
		Expect(versions(brought())).To(Equal(before))
	})

	It("updates only what has changed, and keeps its identity", func() {
		bring(engine, brought()...)
		before, uid := versions(brought()), found(pick("Deployment")).GetUID()
		p := plan(brought()...)
		for _, item := range p.Items {
			if item.SourceKind.Kind == "Deployment" {
				Expect(unstructured.SetNestedField(item.Object.Object, "two", "metadata", "labels", "version")).To(Succeed())
			}
		}
		p.Provenance.MigrationName = "two"
		report := bringPlan(engine, p)
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 9, apply.ActionUpdated: 1}))
		live := found(pick("Deployment"))
		Expect(live.GetUID()).To(Equal(uid))
		Expect(live.GetLabels()).To(HaveKeyWithValue("version", "two"))
		Expect(live.GetAnnotations()).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrationName, "two"))
		Expect(found(pick("ConfigMap")).GetAnnotations()).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrationName, "one"))
		after := versions(brought())
		delete(before, "Deployment/web")
		delete(after, "Deployment/web")
		Expect(after).To(Equal(before))
	})

	DescribeTable("removes what the plan no longer has, however often it was written before", func(kind string, remove func(map[string]any), gone ...string) {
		o := pick(kind)
		for round := range 3 {
			bring(engine, o)
			less := changed(o, remove)
			Expect(actions(bring(engine, less))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}), "round %d", round)
			live := found(o)
			Expect(at(live.Object, gone...)).To(BeNil(), "round %d", round)
			Expect(actions(bring(engine, less))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}), "round %d", round)
		}
	},
		Entry("a key", "ConfigMap", func(o map[string]any) { delete(o["data"].(map[string]any), "color") }, "data", "color"),
		Entry("a label", "ConfigMap", func(o map[string]any) { delete(o["metadata"].(map[string]any), "labels") }, "metadata", "labels"),
		Entry("a quota", "ResourceQuota", func(o map[string]any) { o["spec"] = map[string]any{"hard": map[string]any{"pods": "3"}} }, "spec", "hard", "limits.memory"),
	)

	It("removes an element of a list, and leaves that of somebody else", func() {
		bring(engine, pick("Deployment"))
		container := func(o map[string]any) map[string]any {
			return at(o, "spec", "template", "spec", "containers").([]any)[0].(map[string]any)
		}
		edited("kubectl-edit", pick("Deployment"), `{"spec":{"template":{"spec":{"nodeSelector":{"disk":"fast"}}}}}`)
		bring(engine, changed(pick("Deployment"), func(o map[string]any) {
			container(o)["env"] = []any{map[string]any{"name": "B", "value": "b"}}
		}))
		live := found(pick("Deployment"))
		Expect(container(live.Object)["env"]).To(Equal([]any{map[string]any{"name": "B", "value": "b"}}))
		Expect(at(live.Object, "spec", "template", "spec", "nodeSelector", "disk")).To(Equal("fast"))
	})

	It("repairs what was changed at the destination, and marks it anew", func() {
		bring(engine, pick("ConfigMap"))
		edited("kubectl-edit", pick("ConfigMap"), `{"data":{"color":"red"}}`)
		p := plan(pick("ConfigMap"))
		p.Provenance.MigrationName = "two"
		Expect(actions(bringPlan(engine, p))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		live := found(pick("ConfigMap"))
		Expect(at(live.Object, "data", "color")).To(Equal("blue"))
		Expect(live.GetAnnotations()).To(HaveKeyWithValue(storkv1alpha1.AnnotationMigrationName, "two"))
		Expect(actions(bring(engine, pick("ConfigMap")))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
	})

	It("leaves alone what others added", func() {
		bring(engine, brought()...)
		for _, o := range brought() {
			edited("somebody", o, `{"metadata":{"labels":{"theirs":"x"},"annotations":{"theirs":"y"},"finalizers":["example.com/theirs"]}}`)
		}
		before, address := versions(brought()), at(found(pick("Service")).Object, "spec", "clusterIP")
		counter.reset()
		Expect(actions(bring(engine, brought()...))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 10}))
		Expect(writes(counter.reset())).To(BeZero())
		Expect(versions(brought())).To(Equal(before))

		By("changing all of them")
		var more []*unstructured.Unstructured
		for _, o := range brought() {
			more = append(more, changed(o, func(o map[string]any) {
				Expect(unstructured.SetNestedField(o, "1", "metadata", "annotations", "ours")).To(Succeed())
			}))
		}
		Expect(actions(bring(engine, more...))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 10}))
		for _, o := range brought() {
			live := found(o)
			Expect(live.GetLabels()).To(HaveKeyWithValue("theirs", "x"), o.GetKind())
			Expect(live.GetAnnotations()).To(And(HaveKeyWithValue("theirs", "y"), HaveKeyWithValue("ours", "1")), o.GetKind())
			Expect(live.GetFinalizers()).To(ContainElement("example.com/theirs"), o.GetKind())
			edited("somebody", o, `{"metadata":{"finalizers":null}}`)
		}
		Expect(at(found(pick("Service")).Object, "spec", "clusterIP")).To(Equal(address))
	})

	It("adopts what Stork brought, without recreating it", func() {
		theirs := changed(pick("ConfigMap"), func(o map[string]any) {
			o["data"].(map[string]any)["old"] = "gone at the source"
			Expect(unstructured.SetNestedStringMap(o, map[string]string{
				storkv1alpha1.AnnotationMigrated: "true", storkv1alpha1.AnnotationResourceHash: "42",
			}, "metadata", "annotations")).To(Succeed())
		})
		uid := given("stork", theirs).GetUID()
		Expect(actions(bring(engine, pick("ConfigMap")))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		live := found(pick("ConfigMap"))
		Expect(live.GetUID()).To(Equal(uid))
		Expect(at(live.Object, "data")).To(Equal(map[string]any{"color": "blue", "size": "1000m"}))
		Expect(actions(bring(engine, pick("ConfigMap")))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
	})

	It("takes over an object that no migration brought, and leaves what only its owner set", func() {
		uid := given("kubectl-create", changed(pick("ConfigMap"), func(o map[string]any) {
			o["data"] = map[string]any{"color": "red", "theirs": "x"}
		})).GetUID()
		report := bring(engine, pick("ConfigMap"))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		Expect(report.Notices).To(ConsistOf(ContainSubstring("no migration had brought")))
		live := found(pick("ConfigMap"))
		Expect(live.GetUID()).To(Equal(uid))
		Expect(at(live.Object, "data")).To(Equal(map[string]any{"color": "blue", "size": "1000m", "theirs": "x"}))
	})

	It("ignores what the source's own server and migrations had set", func() {
		bring(engine, pick("ConfigMap"))
		again := changed(pick("ConfigMap"), func(o map[string]any) {
			metadata := o["metadata"].(map[string]any)
			metadata["uid"], metadata["resourceVersion"], metadata["creationTimestamp"] = "x", "7", "2020-01-01T00:00:00Z"
			metadata["ownerReferences"] = []any{map[string]any{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y"}}
			metadata["annotations"] = map[string]any{
				storkv1alpha1.AnnotationMigrated: "true", storkv1alpha1.AnnotationResourceHash: "7", storkv1alpha1.AnnotationMigrationName: "back",
			}
			o["status"] = map[string]any{"x": "y"}
		})
		Expect(actions(bring(engine, again))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
	})

	It("replaces what cannot be applied on the server's side", func() {
		duplicate := changed(pick("Deployment"), func(o map[string]any) {
			container := at(o, "spec", "template", "spec", "containers").([]any)[0].(map[string]any)
			container["env"] = append(container["env"].([]any), map[string]any{"name": "A", "value": "again"})
		})
		bring(engine, pick("Deployment"))
		edited("somebody", duplicate, `{"metadata":{"labels":{"theirs":"x"}}}`)
		Expect(actions(bring(engine, duplicate))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
		live := found(duplicate)
		container := at(live.Object, "spec", "template", "spec", "containers").([]any)[0].(map[string]any)
		Expect(container["env"]).To(HaveLen(3))
		Expect(live.GetLabels()).To(HaveKeyWithValue("theirs", "x"))
		Expect(actions(bring(engine, duplicate))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
	})

	It("tells what the destination drops", func() {
		report := bring(engine, changed(pick("Deployment"), func(o map[string]any) {
			o["spec"].(map[string]any)["unheardOf"] = "x"
		}))
		Expect(report.Notices).To(ConsistOf(And(ContainSubstring("spec.unheardOf of Deployments"), ContainSubstring(namespace+"/web"))))
	})

	It("releases the objects and reports in the order of the waves", func() {
		p := plan(brought()...)
		report := bringPlan(engine, p)
		for _, item := range p.Items {
			Expect(item.Object).To(BeNil())
		}
		var order []string
		for _, result := range report.Results {
			order = append(order, result.Kind.Kind)
		}
		Expect(order).To(Equal([]string{
			"Namespace", "Role", "ServiceAccount", "RoleBinding", "ConfigMap", "Secret", "Service", "Deployment", "StatefulSet", "ResourceQuota",
		}))
	})

	It("refuses items that cannot be brought, and brings the others", func() {
		p := plan(pick("ConfigMap"), pick("ConfigMap"), pick("Secret"))
		p.Items = append(p.Items, &apply.Item{Resource: resources["Secret"], Namespaced: true})
		nowhere := item(pick("Service"))
		nowhere.Object.SetNamespace("")
		p.Items = append(p.Items, nowhere)
		report, err := engine.Run(context.Background(), p, nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionCreated: 2, "Failed": 3}))
	})

	It("lists each kind once, page by page, and gets single objects", func() {
		var many []*unstructured.Unstructured
		for i := range 25 {
			many = append(many, changed(pick("ConfigMap"), func(o map[string]any) {
				o["metadata"].(map[string]any)["name"] = fmt.Sprintf("many-%d", i)
			}))
		}
		engine, counter = newEngine(cluster.Config(), apply.Options{PageSize: 10})
		bring(engine, append(many, pick("Secret"))...)
		Expect(total(counter.reset())).To(Equal(26 + 2))
		bring(engine, append(many, pick("Secret"))...)
		Expect(counter.reset()).To(Equal(map[string]int{"GET": 3 + 1}))
	})
})

var _ = Describe("Progress", func() {
	It("is told at most once a second, and at the end", func() {
		engine, _ := newEngine(cluster.Config(), apply.Options{Clock: newSteppingClock()})
		namespace := newNamespace()
		var objects []*unstructured.Unstructured
		for i := range 30 {
			objects = append(objects, object(fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d, namespace: %s}}", i, namespace)))
		}
		var told []apply.Progress
		_, err := engine.Run(context.Background(), plan(objects...), func(p apply.Progress) { told = append(told, p) })
		Expect(err).NotTo(HaveOccurred())
		Expect(told).To(Equal([]apply.Progress{{Total: 30, Done: 30}}), "no second passes on the clock")
	})
})
