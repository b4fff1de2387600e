package dr_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// metro is the namespace of an application whose volume is stretched over both clusters.
const metro = "metro"

func beginMetro(ctx SpecContext) {
	source.apply(ctx, "shop.yaml", metro)
	source.apply(ctx, "volume.yaml", metro)
	source.kubectl(ctx, "wait", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s", "-n", metro, "pvc/data")
	source.kubectl(ctx, "wait", "--for=jsonpath={.status.replicas}=3", "--timeout=60s", "-n", metro, "deployment/web")
	pair(ctx, metro)
	source.schedule(ctx, metro, forward, metro)
	Expect(source.read(ctx, metro, forward).Spec.Template.Spec.IncludeVolumes).To(HaveValue(BeFalse()))
	expectStopped(ctx)
}

func endMetro(ctx SpecContext) {
	source.migrated(ctx, metro, forward, 2)
	expectStopped(ctx)

	By("failing over to the same volume")
	failOver(ctx, metro, forward)
	standby.expectPods(ctx, 3)
	source.expectPods(ctx, 0)
}

// expectStopped expects the application to be at the standby with its volume and without pods: Deployment and ReplicaSet are 0/0.
func expectStopped(ctx context.Context) {
	GinkgoHelper()
	standby.kubectl(ctx, "wait", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s", "-n", metro, "pvc/data")
	volume := standby.object(ctx, "v1", "PersistentVolume", "", metro+"-data")
	Expect(volume.Object["spec"]).To(HaveKeyWithValue("csi", HaveKeyWithValue("volumeHandle", "shared-1")))
	Expect(volume.Object["spec"]).To(HaveKeyWithValue("persistentVolumeReclaimPolicy", "Retain"), "a claim deleted there deletes no volume here")
	standby.expectPods(ctx, 0)
	source.expectPods(ctx, 3)
}

// expectPods expects the Deployment and its ReplicaSet, which the cluster's own controllers look after, to want and to have so many
// pods.
func (s *side) expectPods(ctx context.Context, pods int32) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		web := &appsv1.Deployment{}
		g.Expect(s.Get(ctx, client.ObjectKey{Namespace: metro, Name: "web"}, web)).To(Succeed())
		g.Expect(web.Status.ObservedGeneration).To(Equal(web.Generation))
		g.Expect(web.Spec.Replicas).To(HaveValue(Equal(pods)))
		g.Expect(web.Status.Replicas).To(Equal(pods))
		sets := &appsv1.ReplicaSetList{}
		g.Expect(s.List(ctx, sets, client.InNamespace(metro))).To(Succeed())
		g.Expect(sets.Items).To(HaveLen(1))
		g.Expect(sets.Items[0].Spec.Replicas).To(HaveValue(Equal(pods)))
		g.Expect(sets.Items[0].Status.Replicas).To(Equal(pods))
	}).Should(Succeed())
}
