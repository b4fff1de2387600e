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
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/godwit-io/godwit/internal/apply"
)

var _ = Describe("Custom resources", func() {
	var (
		engine    *apply.Engine
		counter   *traffic
		namespace string
	)

	BeforeEach(func() {
		engine, counter = newEngine(cluster.Config(), apply.Options{})
		namespace = newNamespace()
	})

	// definition of a kind Bird in a group of this test's own, with these versions; the first is the storage version.
	definition := func(versions ...string) *unstructured.Unstructured {
		o := object(strings.ReplaceAll(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: birds.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: Bird, plural: birds, singular: bird, listKind: BirdList}
  versions: []`, "GROUP", namespace+".example.com"))
		var list []any
		for i, version := range versions {
			list = append(list, map[string]any{
				"name": version, "served": true, "storage": i == 0, "subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
					"spec":   map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
					"status": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
				}}},
			})
		}
		o.Object["spec"].(map[string]any)["versions"] = list
		return o
	}
	birds := func(version string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: namespace + ".example.com", Version: version, Resource: "birds"}
	}
	bird := func(version, name string) *apply.Item {
		o := object(fmt.Sprintf("{apiVersion: %s.example.com/%s, kind: Bird, metadata: {name: %s, namespace: %s}, spec: {wings: 2}}",
			namespace, version, name, namespace))
		return &apply.Item{
			Object: o, Resource: birds(version), Namespaced: true, SourceKind: o.GroupVersionKind(),
			Source: types.NamespacedName{Namespace: namespace, Name: name}, SourceUID: types.UID("source-" + name),
		}
	}
	with := func(p apply.Plan, items ...*apply.Item) apply.Plan {
		p.Items = append(p.Items, items...)
		return p
	}
	live := func(version, name string) *unstructured.Unstructured {
		GinkgoHelper()
		o, err := admin.Resource(birds(version)).Namespace(namespace).Get(context.Background(), name, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		return o
	}

	It("arrive in one plan with their definition", func() {
		report := bringPlan(engine, with(plan(definition("v1")), bird("v1", "a"), bird("v1", "b")))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionCreated: 3}))
		counter.reset()
		report = bringPlan(engine, with(plan(definition("v1")), bird("v1", "a"), bird("v1", "b")))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 3}))
		Expect(writes(counter.reset())).To(BeZero())
	})

	It("bring their status when they are created", func() {
		kept := bird("v1", "a")
		kept.Object.Object["status"] = map[string]any{"phase": "Flying"}
		bringPlan(engine, with(plan(definition("v1")), kept))
		Expect(at(live("v1", "a").Object, "status", "phase")).To(Equal("Flying"))
		edited := live("v1", "a")
		edited.Object["status"] = map[string]any{"phase": "Landed"}
		_, err := admin.Resource(birds("v1")).Namespace(namespace).UpdateStatus(context.Background(), edited, metav1.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		kept = bird("v1", "a")
		kept.Object.Object["status"] = map[string]any{"phase": "Flying"}
		bringPlan(engine, with(plan(definition("v1")), kept))
		Expect(at(live("v1", "a").Object, "status", "phase")).To(Equal("Landed"), "the destination's controller owns it now")
	})

	It("arrive in a version that their definition gets on the way, which keeps the versions that objects are stored in", func() {
		bringPlan(engine, with(plan(definition("v1")), bird("v1", "a")))
		report := bringPlan(engine, with(plan(definition("v2")), bird("v2", "b")))
		Expect(actionOf(report, "CustomResourceDefinition", "birds."+namespace+".example.com")).To(Equal(apply.ActionUpdated))
		Expect(actionOf(report, "Bird", "b")).To(Equal(apply.ActionCreated))
		Expect(live("v1", "a")).NotTo(BeNil())
		report = bringPlan(engine, with(plan(definition("v2")), bird("v2", "b")))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 2}))
	})

	It("fail with their definition", func() {
		invalid := changed(definition("v1"), func(o map[string]any) { o["spec"].(map[string]any)["scope"] = "Nowhere" })
		report, err := engine.Run(context.Background(), with(plan(invalid), bird("v1", "a")), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(resultOf(report, "Bird", "a").Err).To(MatchError(ContainSubstring("CustomResourceDefinition birds." + namespace + ".example.com did not arrive")))
	})

	It("fail, and say why, where the names of their definition are taken", func() {
		bring(engine, definition("v1"))
		taken := changed(definition("v1"), func(o map[string]any) {
			o["metadata"].(map[string]any)["name"] = "others." + namespace + ".example.com"
			at(o, "spec", "names").(map[string]any)["plural"] = "others"
		})
		report, err := engine.Run(context.Background(), plan(taken), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(report.Results[0].Err).To(MatchError(ContainSubstring("names are taken")))
	})

	It("fail where the destination does not serve them, and name kind, version and remedy", func() {
		report, err := engine.Run(context.Background(), with(plan(), bird("v1", "a"), bird("v1", "b")), nil)
		Expect(err).NotTo(HaveOccurred())
		for _, result := range report.Results {
			Expect(result.Err).To(MatchError(And(ContainSubstring("does not serve Bird"), ContainSubstring("example.com/v1"), ContainSubstring("install"))))
		}
	})

	It("leave a definition alone that no migration brought", func() {
		given("helm", definition("v1"))
		Eventually(func() error {
			_, err := admin.Resource(birds("v1")).List(context.Background(), metav1.ListOptions{})
			return err
		}).WithTimeout(10 * time.Second).Should(Succeed())
		report, err := engine.Run(context.Background(), with(plan(definition("v2")), bird("v1", "a"), bird("v2", "b")), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actionOf(report, "CustomResourceDefinition", "birds."+namespace+".example.com")).To(Equal(apply.ActionSkipped))
		Expect(actionOf(report, "Bird", "a")).To(Equal(apply.ActionCreated))
		Expect(resultOf(report, "Bird", "b").Err).To(MatchError(ContainSubstring("does not serve Bird")))
	})
})

var _ = Describe("Owners", func() {
	var (
		engine    *apply.Engine
		counter   *traffic
		namespace string
	)

	BeforeEach(func() {
		engine, counter = newEngine(cluster.Config(), apply.Options{})
		namespace = newNamespace()
	})

	config := func(name string, owners ...*apply.Item) *apply.Item {
		i := item(object("{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + ", namespace: " + namespace + "}}"))
		for _, owner := range owners {
			i.Owners = append(i.Owners, metav1.OwnerReference{
				APIVersion: "old/v1", Kind: "Old", Name: "old", UID: owner.SourceUID, Controller: new(true),
			})
		}
		return i
	}
	deployment := func() *apply.Item {
		return item(object(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: owner, namespace: ` + namespace + `}
spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}`))
	}
	of := func(items ...*apply.Item) apply.Plan {
		p := plan()
		p.Items = items
		return p
	}
	live := func(kind, name string) *unstructured.Unstructured {
		GinkgoHelper()
		o, err := admin.Resource(resources[kind]).Namespace(namespace).Get(context.Background(), name, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		return o
	}

	It("are those at the destination, also where they come later in the order", func() {
		owner := deployment()
		bringPlan(engine, of(config("owned", owner), config("twice", owner), owner))
		Expect(live("ConfigMap", "owned").GetOwnerReferences()).To(Equal([]metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "Deployment", Name: "owner", UID: live("Deployment", "owner").GetUID(), Controller: new(true),
		}}))

		By("running again")
		counter.reset()
		owner = deployment()
		report := bringPlan(engine, of(config("owned", owner), config("twice", owner), owner))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 3}))
		Expect(writes(counter.reset())).To(BeZero())
	})

	It("are followed when they are recreated", func() {
		owner := deployment()
		bringPlan(engine, of(config("owned", owner), owner))
		owner = deployment()
		Expect(unstructured.SetNestedStringMap(owner.Object.Object, map[string]string{"a": "b", "c": "d"}, "spec", "selector", "matchLabels")).To(Succeed())
		Expect(unstructured.SetNestedStringMap(owner.Object.Object, map[string]string{"a": "b", "c": "d"}, "spec", "template", "metadata", "labels")).To(Succeed())
		report := bringPlan(engine, of(config("owned", owner), owner))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionRecreated: 1, apply.ActionUpdated: 1}))
		references := live("ConfigMap", "owned").GetOwnerReferences()
		Expect(references).To(HaveLen(1))
		Expect(references[0].UID).To(Equal(live("Deployment", "owner").GetUID()))
	})

	It("that are not in the plan any more are dropped", func() {
		owner := deployment()
		bringPlan(engine, of(config("owned", owner), owner))
		bringPlan(engine, of(config("owned", owner)))
		Expect(live("ConfigMap", "owned").GetOwnerReferences()).To(BeEmpty())
	})

	It("that do not arrive are left out, with a notice", func() {
		owner := deployment()
		unstructured.RemoveNestedField(owner.Object.Object, "spec", "template")
		report, err := engine.Run(context.Background(), of(config("owned", owner), owner), nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionCreated: 1, "Failed": 1}))
		Expect(report.Notices).To(ConsistOf(And(ContainSubstring("without their owner Deployment "+namespace+"/owner"), ContainSubstring("owned"))))
		Expect(live("ConfigMap", "owned").GetOwnerReferences()).To(BeEmpty())
	})

	It("in a circle do not hang the run", func() {
		a, b := config("a"), config("b")
		a.Owners = []metav1.OwnerReference{{UID: b.SourceUID}}
		b.Owners = []metav1.OwnerReference{{UID: a.SourceUID}, {UID: b.SourceUID}}
		report := bringPlan(engine, of(a, b))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionCreated: 2}))
		Expect(report.Notices).To(ConsistOf(And(ContainSubstring("circle"), ContainSubstring("2 objects"))))
	})

	It("in another namespace of the destination are left out", func() {
		owner := deployment()
		owner.Object.SetNamespace(newNamespace())
		report := bringPlan(engine, of(config("owned", owner), owner))
		Expect(report.Notices).To(ConsistOf(ContainSubstring("another namespace")))
		Expect(live("ConfigMap", "owned").GetOwnerReferences()).To(BeEmpty())
	})

	// Stork looks for an owner by kind and name in all namespaces that it migrates.
	It("of claims are those of their own namespace, where another one has owners of the same name", func() {
		first, second := namespace, newNamespace()
		claim := func(namespace string, owner *apply.Item) *apply.Item {
			i := item(object(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: ` + namespace + `}
spec: {accessModes: [ReadWriteOnce], storageClassName: a, resources: {requests: {storage: 1Gi}}}`))
			i.Owners = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "owner", UID: owner.SourceUID}}
			return i
		}
		here := deployment()
		namespace = second
		there := deployment()
		bringPlan(engine, of(claim(first, here), claim(second, there), here, there))
		for _, namespace = range []string{first, second} {
			Expect(live("PersistentVolumeClaim", "data").GetOwnerReferences()).To(ConsistOf(HaveField("UID", live("Deployment", "owner").GetUID())))
		}
	})

	It("of a claim are set once they are there, since they wait for it", func() {
		claim := func(owner *apply.Item) *apply.Item {
			i := item(object(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: ` + namespace + `}
spec: {accessModes: [ReadWriteOnce], storageClassName: a, resources: {requests: {storage: 1Gi}}}`))
			i.Owners = []metav1.OwnerReference{{UID: owner.SourceUID}}
			return i
		}
		owner := deployment()
		bringPlan(engine, of(claim(owner), owner))
		Expect(live("PersistentVolumeClaim", "data").GetOwnerReferences()).To(ConsistOf(HaveField("UID", live("Deployment", "owner").GetUID())))
		counter.reset()
		owner = deployment()
		Expect(actions(bringPlan(engine, of(claim(owner), owner)))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 2}))
		Expect(writes(counter.reset())).To(BeZero())
	})
})
