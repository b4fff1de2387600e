package action

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// claim makes a PersistentVolumeClaim, and bare a pod of nobody that uses it.
func claim(ctx context.Context, s *side, namespace string) {
	GinkgoHelper()
	Expect(s.Create(ctx, object(namespace, `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {`+
		`accessModes: [ReadWriteOnce], volumeName: none, storageClassName: "", resources: {requests: {storage: 1Gi}}}}`))).To(Succeed())
}

func bare(ctx context.Context, s *side, namespace, name string, phase corev1.PodPhase) *unstructured.Unstructured {
	GinkgoHelper()
	p := object(namespace, `{apiVersion: v1, kind: Pod, metadata: {name: `+name+`}, spec: {containers: [{name: c, image: i}], `+
		`volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]}}`)
	Expect(s.Create(ctx, p)).To(Succeed())
	Expect(unstructured.SetNestedField(p.Object, string(phase), "status", "phase")).To(Succeed())
	Expect(s.Status().Update(ctx, p)).To(Succeed())
	return p
}

var _ = Describe("A failover waits for pods that nobody stops", func() {
	It("as long as they use what is migrated", func(ctx SpecContext) {
		f := newFixture(ctx, 1)
		namespace := f.namespaces[0]
		claim(ctx, primary, namespace)
		running := bare(ctx, primary, namespace, "backup", corev1.PodRunning)
		bare(ctx, primary, namespace, "done", corev1.PodSucceeded)
		action := f.failover(ctx)
		f.until(ctx, action, func() bool { return succeeded(action).reason == storkv1alpha1.ReasonPodsRunning })
		Expect(succeeded(action).message).To(Equal("1 pods that nobody stops use PersistentVolumeClaims at the source: " + namespace + "/backup: end them by hand"))
		Expect(f.lastMiles(ctx, primary)).To(BeEmpty())
		Expect(primary.Delete(ctx, running, client.GracePeriodSeconds(0))).To(Succeed())
		f.succeed(ctx, action)
	})

	DescribeTable("but not for those of claims and applications that are left out", func(ctx SpecContext, filter storkv1alpha1.ActionFilter) {
		f := newFixture(ctx, 1)
		claim(ctx, primary, f.namespaces[0])
		bare(ctx, primary, f.namespaces[0], "backup", corev1.PodRunning)
		f.succeed(ctx, f.failover(ctx, func(p *storkv1alpha1.FailoverParameter) { p.ActionFilter = filter }))
	},
		Entry("by labels", storkv1alpha1.ActionFilter{Selectors: map[string]string{"tier": "front"}}),
		Entry("by types", storkv1alpha1.ActionFilter{Types: []string{"Deployment"}}),
		Entry("by objects", storkv1alpha1.ActionFilter{IncludeObjects: []storkv1alpha1.ObjectInfo{{Kind: "Deployment", Name: "web"}}}),
	)
})
