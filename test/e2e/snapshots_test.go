package e2e_test

import (
	"context"
	"fmt"
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/hack/localnode"
)

const (
	// csiLabel is of specs that need a CSI driver, whose programs are built for minutes the first time.
	csiLabel = "csi"
	// csiTimeout is for that.
	csiTimeout = 40 * time.Minute
)

var _ = Describe("A CSI driver", Ordered, Label(csiLabel), func() {
	BeforeAll(func(ctx SpecContext) {
		Expect(source.cluster.StartCSI(ctx, os.Stderr)).To(Succeed())
	}, NodeTimeout(csiTimeout))

	DescribeTable("gives a new claim what a volume held when its snapshot was taken",
		func(ctx SpecContext, labels map[string]string, place string, adapt func(namespace string) client.Object) {
			namespace := source.newNamespace(ctx, labels)
			Expect(source.Create(ctx, adapt(namespace))).To(Succeed())
			pod := types.NamespacedName{Namespace: namespace, Name: "keeper-0"}
			first := source.awaitReady(ctx, pod, "")
			source.keeper(ctx, pod, "write", place, "old")
			source.takeSnapshot(ctx, namespace, "data-keeper-0", "snapshot")
			source.keeper(ctx, pod, "write", place, "new")

			// The StatefulSet's next pod has a claim of the same name, of the snapshot.
			claim := &corev1.PersistentVolumeClaim{}
			Expect(source.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "data-keeper-0"}, claim)).To(Succeed())
			copied := &corev1.PersistentVolumeClaim{Spec: claim.Spec}
			copied.Namespace, copied.Name, copied.Spec.VolumeName = namespace, claim.Name, ""
			copied.Spec.DataSourceRef = &corev1.TypedObjectReference{
				APIGroup: new("snapshot.storage.k8s.io"), Kind: "VolumeSnapshot", Name: "snapshot",
			}
			Expect(source.Delete(ctx, object[corev1.PersistentVolumeClaim](client.ObjectKeyFromObject(claim)))).To(Succeed())
			source.scaleKeeper(ctx, namespace, 0)
			Eventually(func() error { return source.Create(ctx, copied.DeepCopy()) }).WithContext(ctx).Should(Succeed())
			source.scaleKeeper(ctx, namespace, 1)
			source.awaitReady(ctx, pod, first)
			Expect(source.keeper(ctx, pod, "read", place, "3")).To(Equal("old"))
		},
		Entry("of files", SpecTimeout(10*time.Minute), nil, "/data/note", func(namespace string) client.Object {
			return keeper(namespace, localnode.CSIClass)
		}),
		Entry("of files of a restricted pod", SpecTimeout(10*time.Minute), map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
			"/data/note", func(namespace string) client.Object {
				return restricted(keeper(namespace, localnode.CSIClass), 1234, 1235, 5678)
			}),
		Entry("of a block device", SpecTimeout(10*time.Minute), nil, keeperDevice, func(namespace string) client.Object {
			return onDevice(keeper(namespace, localnode.CSIClass))
		}),
	)
})

// takeSnapshot returns when the snapshot of a claim can be used.
func (s *side) takeSnapshot(ctx context.Context, namespace, claim, name string) {
	GinkgoHelper()
	snapshot := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
		"metadata": map[string]any{"namespace": namespace, "name": name},
		"spec": map[string]any{
			"volumeSnapshotClassName": localnode.CSIClass,
			"source":                  map[string]any{"persistentVolumeClaimName": claim},
		},
	}}
	Expect(s.Create(ctx, snapshot)).To(Succeed())
	Eventually(func() (bool, error) {
		err := s.Get(ctx, client.ObjectKeyFromObject(snapshot), snapshot)
		ready, _, _ := unstructured.NestedBool(snapshot.Object, "status", "readyToUse")
		return ready, err
	}).WithContext(ctx).Should(BeTrue())
}

// scaleKeeper changes how many pods the keeper has.
func (s *side) scaleKeeper(ctx context.Context, namespace string, replicas int) {
	GinkgoHelper()
	set := keeper(namespace, "")
	patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas))
	Expect(s.Patch(ctx, set, patch)).To(Succeed())
}
