package apply_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/godwit-io/godwit/internal/apply"
)

var _ = Describe("Volumes", func() {
	var here *site

	BeforeEach(func() { here = newSite() })

	Describe("A volume and its claim", func() {
		volume := func() *unstructured.Unstructured {
			return here.parse(`
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
			return here.parse(`
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
			bring(here.engine, volume(), claim())
			bound()
			Expect(actions(bring(here.engine, volume(), claim()))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 2}))
			uid := claimRef()
			report := bring(here.engine,
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

		// Stork goes on with everything else when a volume fails, and forgets the failure.
		It("fail together, so that no claim gets the data of another volume of that name", func() {
			given("somebody", changed(volume(), func(o map[string]any) {
				delete(o["spec"].(map[string]any), "claimRef")
				o["spec"].(map[string]any)["csi"] = map[string]any{"driver": "example.com", "volumeHandle": "theirs"}
			}))
			report, err := here.engine.Run(context.Background(), plan(volume(), claim()), nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(resultOf(report, "PersistentVolume", here.namespace).Err).To(MatchError(ContainSubstring("holds other data")))
			Expect(resultOf(report, "PersistentVolumeClaim", "data").Err).To(MatchError(ContainSubstring("PersistentVolume " + here.namespace + " did not arrive")))
			Expect(isThere(claim())).To(BeFalse())
		})

		It("never shrink", func() {
			large := changed(volume(), func(o map[string]any) { at(o, "spec", "capacity").(map[string]any)["storage"] = "2Gi" })
			bring(here.engine, large)
			Expect(actions(bring(here.engine, volume()))).To(Equal(map[apply.Action]int{apply.ActionUnchanged: 1}))
			Expect(at(found(volume()).Object, "spec", "capacity", "storage")).To(Equal("2Gi"))
		})

		It("find each other again when the claim was deleted at the destination", func() {
			bring(here.engine, volume(), claim())
			bound()
			status(volume(), map[string]any{"phase": "Released"})
			edited("x", claim(), `{"metadata":{"finalizers":null}}`)
			Expect(clientFor(claim()).Delete(context.Background(), "data", metav1.DeleteOptions{})).To(Succeed())
			report := bring(here.engine, volume(), claim())
			Expect(actionOf(report, "PersistentVolume", here.namespace)).To(Equal(apply.ActionUpdated))
			Expect(claimRef()).To(BeNil())
		})

		It("find each other again when the volume was deleted at the destination", func() {
			bring(here.engine, volume(), claim())
			status(claim(), map[string]any{"phase": "Lost"})
			Expect(clientFor(volume()).Delete(context.Background(), here.namespace, metav1.DeleteOptions{})).To(Succeed())
			edited("x", volume(), `{"metadata":{"finalizers":null}}`)
			Expect(isThere(volume())).To(BeFalse())
			bring(here.engine, volume(), claim())
			Expect(claimRef()).To(Equal(string(found(claim()).GetUID())))
		})

		It("fail when the claim is lost and nothing brings its volume", func() {
			bring(here.engine, claim())
			status(claim(), map[string]any{"phase": "Lost"})
			here.fails(claim(), "Lost", "delete the claim")
		})
	})
})
