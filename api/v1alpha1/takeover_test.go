package v1alpha1_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// takenOver is the namespace of what existed before the CRDs took over.
const takenOver = "taken-over"

// beforeTakeover holds the objects as they read under Stork's CRDs, by placed name.
var beforeTakeover = map[string]*unstructured.Unstructured{}

// useStork makes objects under Stork's CRDs in the way that Stork does: POST, then PUT with the status.
func useStork(ctx SpecContext) {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: takenOver}}
	Expect(k8s.Create(ctx, namespace)).To(Succeed())
	for _, obj := range append(storkObjects(), violations()...) {
		placed := place(obj, takenOver)
		Expect(k8s.Create(ctx, placed)).To(Succeed(), placed.GetName())
		if status, found := obj.Object["status"]; found {
			placed.Object["status"] = status
			Expect(k8s.Update(ctx, placed)).To(Succeed(), placed.GetName())
		}
		before := get(ctx, placed)
		Expect(lost(obj.Object["status"], before.Object["status"], "status")).To(BeEmpty())
		beforeTakeover[id(placed)] = before
	}
}

func id(obj *unstructured.Unstructured) string { return obj.GetKind() + "/" + obj.GetName() }

var _ = Describe("CRDs that take over from Stork's", func() {
	for _, obj := range storkObjects() {
		Context(id(obj), Ordered, func() {
			It("keep everything of it", func(ctx SpecContext) { expectTakenOver(ctx, obj) })
			if kindOf(obj).hasStatus {
				It("have a status that takes conditions", func(ctx SpecContext) {
					expectStatusWithCondition(ctx, get(ctx, place(obj, takenOver)))
				})
			}
		})
	}
})

// expectTakenOver compares an object to what it was under Stork's CRDs.
func expectTakenOver(ctx SpecContext, obj *unstructured.Unstructured) {
	GinkgoHelper()
	before := beforeTakeover[id(place(obj, takenOver))]
	after := get(ctx, before)
	Expect(lost(before.Object, after.Object, "")).To(BeEmpty())
	Expect(lost(obj.Object["status"], after.Object["status"], "status")).To(BeEmpty())
	Expect(after.GetUID()).To(Equal(before.GetUID()))
	Expect(after.GetResourceVersion()).To(Equal(before.GetResourceVersion()))
	Expect(after.GetFinalizers()).To(Equal(obj.GetFinalizers()))
}

var _ = Describe("objects that new rules would refuse", func() {
	for _, obj := range violations() {
		Context(id(obj), Ordered, func() {
			existing := func(ctx SpecContext) *unstructured.Unstructured { return get(ctx, place(obj, takenOver)) }

			It("are as they were", func(ctx SpecContext) { expectTakenOver(ctx, obj) })
			It("cannot be created", func(ctx SpecContext) {
				another := place(obj, takenOver)
				another.SetName("another")
				Expect(k8s.Create(ctx, another, client.DryRunAll)).To(Satisfy(apierrors.IsInvalid))
			})
			It("get and lose finalizers by a patch", func(ctx SpecContext) {
				for _, finalizers := range []string{`["` + storkv1alpha1.FinalizerCleanup + `"]`, `null`} {
					patch := fmt.Appendf(nil, `{"metadata":{"finalizers":%s}}`, finalizers)
					Expect(k8s.Patch(ctx, existing(ctx), client.RawPatch(types.MergePatchType, patch))).To(Succeed())
				}
			})
			It("take a plain update that leaves what is wrong", func(ctx SpecContext) {
				changed := existing(ctx)
				changed.SetAnnotations(map[string]string{"example.com/seen": "true"})
				Expect(k8s.Update(ctx, changed)).To(Succeed())
				Expect(lost(beforeTakeover[id(changed)].Object["spec"], changed.Object["spec"], "spec")).To(BeEmpty())
			})
			if kindOf(obj).hasStatus {
				It("take conditions in their status", func(ctx SpecContext) {
					expectStatusWithCondition(ctx, existing(ctx))
				})
			}
		})
	}
})

// expectStatusWithCondition adds to the status through its subresource, and expects that the rest of it stays.
func expectStatusWithCondition(ctx SpecContext, obj *unstructured.Unstructured) {
	GinkgoHelper()
	before := obj.DeepCopy()
	status, _, err := unstructured.NestedMap(obj.Object, "status")
	Expect(err).NotTo(HaveOccurred())
	if status == nil {
		status = map[string]any{}
	}
	if obj.GetKind() == "BackupLocation" {
		status["validation"] = map[string]any{
			"status": "Failed", "reason": "no such bucket", "lastUpdateTime": "2024-03-01T12:00:00Z", "objectLock": true,
			"retentionPeriodDays": int64(30),
		}
	} else {
		status["conditions"] = []any{map[string]any{
			"type": storkv1alpha1.ConditionStalled, "status": "True", "reason": storkv1alpha1.ReasonInvalidSpec,
			"message": "", "lastTransitionTime": "2024-03-01T12:00:00Z",
		}}
	}
	obj.Object["status"] = status
	Expect(k8s.Status().Update(ctx, obj)).To(Succeed())
	after := get(ctx, obj)
	Expect(lost(status, after.Object["status"], "status")).To(BeEmpty())
	Expect(lost(before.Object["status"], after.Object["status"], "status")).To(BeEmpty())
}
