package apply_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/apply"
)

var _ = Describe("What cannot be changed", func() {
	var here *site

	BeforeEach(func() { here = newSite() })

	DescribeTable("is recreated where nothing is lost by it: ", func(text string, change func(map[string]any)) {
		ours := here.parse(text)
		bring(here.engine, ours)
		uid := found(ours).GetUID()
		next := changed(ours, change)
		Expect(actions(bring(here.engine, next))).To(Equal(map[apply.Action]int{apply.ActionRecreated: 1}))
		live := found(ours)
		Expect(live.GetUID()).NotTo(Equal(uid))
		_, same := apply.Difference(next.Object, live.Object)
		Expect(same).To(BeTrue())
		here.unchanged(next)
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
		ours := here.parse(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: x}
spec: {replicas: 0, serviceName: x, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}`)
		bring(here.engine, ours)
		done := make(chan error, 1)
		DeferCleanup(func() { Expect(<-done).To(Succeed()) })
		go func() { done <- actAsGarbageCollector(ours, found(ours).GetUID()) }()
		report := bring(here.engine, changed(ours, func(o map[string]any) { o["spec"].(map[string]any)["serviceName"] = "y" }))
		Expect(actions(report)).To(Equal(map[apply.Action]int{apply.ActionRecreated: 1}))
	})

	DescribeTable("fails where it must not go, and says what to do: ", func(text string, change func(map[string]any), message ...string) {
		ours := here.parse(text)
		bring(here.engine, ours)
		here.fails(changed(ours, change), message...)
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

	It("is not deleted if the destination would not take it back", func() {
		ours := here.parse(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: {a: b}}, immutable: true, data: {a: b}}`)
		bring(here.engine, ours)
		forbid(here.namespace, "object.metadata.labels.a == 'b'")
		here.fails(changed(ours, func(o map[string]any) {
			o["metadata"].(map[string]any)["labels"] = map[string]any{"a": "c"}
			o["data"].(map[string]any)["a"] = "c"
		}), "would refuse")
		here.fails(changed(ours, func(o map[string]any) { o["data"].(map[string]any)["a"] = strings.Repeat("x", 2<<20) }), "would refuse")
	})

	Describe("A Service", func() {
		service := func(name string) *unstructured.Unstructured {
			return here.parse(`{apiVersion: v1, kind: Service, metadata: {name: ` + name + `}, spec: {type: NodePort, ports: [{port: 80, nodePort: 30123}]}}`)
		}

		It("gets another node port where that of the source is taken, and keeps it", func() {
			given("kubectl", service("theirs"))
			DeferCleanup(func() {
				Expect(clientFor(service("theirs")).Delete(context.Background(), "theirs", metav1.DeleteOptions{})).To(Succeed())
			})
			report := bring(here.engine, service("ours"))
			Expect(report.Notices).To(ConsistOf(ContainSubstring("node ports")))
			port := func() any {
				return at(found(service("ours")).Object, "spec", "ports").([]any)[0].(map[string]any)["nodePort"]
			}
			given := port()
			Expect(given).NotTo(BeEquivalentTo(30123))
			here.unchanged(service("ours"))

			By("changing it")
			next := changed(service("ours"), func(o map[string]any) { o["metadata"].(map[string]any)["labels"] = map[string]any{"a": "b"} })
			Expect(actions(bring(here.engine, next))).To(Equal(map[apply.Action]int{apply.ActionUpdated: 1}))
			Expect(port()).To(Equal(given))
			here.unchanged(next)
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
