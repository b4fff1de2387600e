package webhook

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("What an update of a whole MigrationSchedule says of its applications", func() {
	var schedule *storkv1alpha1.MigrationSchedule
	BeforeEach(func(ctx SpecContext) {
		schedule = copyOf(scheduleOf(migrationOf("shop", "shop")))
		Expect(admin.Create(ctx, schedule)).To(Succeed())
	})
	noted := func(ctx SpecContext) string {
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(schedule), schedule)).To(Succeed())
		return schedule.Annotations[storkv1alpha1.AnnotationApplicationActivated]
	}

	It("is noted where the API server keeps it, both ways", func(ctx SpecContext) {
		schedule.Status.ApplicationActivated = true
		Expect(as("nobody").Update(ctx, schedule)).To(Succeed())
		Expect(schedule.Status.ApplicationActivated).To(BeFalse(), "the API server drops it")
		Expect(noted(ctx)).To(Equal("true"))

		By("as the controller does")
		operator := as("system:serviceaccount:kube-system:godwit")
		schedule.Status.ApplicationActivated = true
		Expect(operator.Status().Update(ctx, schedule)).To(Succeed())
		delete(schedule.Annotations, storkv1alpha1.AnnotationApplicationActivated)
		Expect(operator.Update(ctx, schedule)).To(Succeed())

		schedule.Status.ApplicationActivated = false
		Expect(as("nobody").Update(ctx, schedule)).To(Succeed())
		Expect(noted(ctx)).To(Equal("false"))
	})

	It("is noted where there are no annotations, and nulls", func(ctx SpecContext) {
		schedule.Annotations = nil
		Expect(admin.Update(ctx, schedule)).To(Succeed())
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(schedule)
		Expect(err).NotTo(HaveOccurred())
		object := &unstructured.Unstructured{Object: content}
		object.SetGroupVersionKind(storkv1alpha1.GroupVersion.WithKind("MigrationSchedule"))
		object.Object["status"] = map[string]any{"items": nil, "applicationActivated": true}
		Expect(admin.Update(ctx, object)).To(Succeed())
		Expect(noted(ctx)).To(Equal("true"))
		object.SetResourceVersion(schedule.ResourceVersion)
		object.Object["status"] = nil
		Expect(admin.Update(ctx, object)).To(Succeed(), "it says nothing")
	})

	It("is not looked at where it is as it was", func(ctx SpecContext) {
		schedule.Labels = map[string]string{"a": "b"}
		Expect(inGroups("planner").Update(ctx, schedule)).To(Succeed())
		Expect(noted(ctx)).To(BeEmpty())
	})

	It("takes the right to write the status, and so does the note", func(ctx SpecContext) {
		planner, before := inGroups("planner"), schedule.DeepCopy()
		schedule.Status.ApplicationActivated = true
		const missing = `user "planner" may not update migrationschedules/status in namespace shop`
		Expect(planner.Update(ctx, schedule)).To(MatchError(And(ContainSubstring("is forbidden"), ContainSubstring(missing))))
		patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"`+storkv1alpha1.AnnotationApplicationActivated+`":"true"}}}`))
		Expect(planner.Patch(ctx, before, patch)).To(MatchError(ContainSubstring(missing)))
		Expect(noted(ctx)).To(BeEmpty())
	})
})
