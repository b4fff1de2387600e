package migrationschedule

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("The copy at the destination", func() {
	var f *fixture
	BeforeEach(func(ctx SpecContext) {
		f = newFixture(ctx)
		f.policy(ctx, every(30, 0))
	})

	It("is made with the schedule, suspended, in a namespace that is made for it", func(ctx SpecContext) {
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		copied := f.copied(ctx)
		Expect(copied.Annotations).To(And(HaveKeyWithValue(storkv1alpha1.AnnotationStaticCopy, "true"),
			HaveKeyWithValue("team", "shop"), HaveKey(storkv1alpha1.AnnotationResourceHash)))
		want := s.Spec.DeepCopy()
		want.Suspend = new(true)
		Expect(copied.Spec).To(Equal(*want))
		Expect(apimeta.IsStatusConditionTrue(s.Status.Conditions, storkv1alpha1.ConditionCopied)).To(BeTrue())
	})

	It("follows changes of the schedule at once, and keeps its status", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.activate(ctx, true)
		f.edit(ctx, func(s *object) { s.Spec.Template.Spec.PurgeDeletedResources = new(true) })
		f.reconcile(ctx)
		copied := f.copied(ctx)
		Expect(copied.Spec.Template.Spec.PurgeDeletedResources).To(HaveValue(BeTrue()))
		Expect(copied.Status.ApplicationActivated).To(BeTrue())
	})

	It("follows what is annotated and labelled, and keeps what others have put there", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		copied := f.copied(ctx)
		copied.Annotations["site"] = "south"
		Expect(there.Update(ctx, copied)).To(Succeed())
		f.edit(ctx, func(s *object) {
			s.Annotations["team"] = "bakery"
			s.Annotations[storkv1alpha1.AnnotationApplicationActivated] = "false"
			s.Labels = map[string]string{"tier": "one"}
		})
		f.reconcile(ctx)
		copied = f.copied(ctx)
		Expect(copied.Labels).To(HaveKeyWithValue("tier", "one"))
		Expect(copied.Annotations).To(And(HaveKeyWithValue("team", "bakery"), HaveKeyWithValue("site", "south"),
			Not(HaveKey(storkv1alpha1.AnnotationApplicationActivated))))
	})

	It("loses what is annotated and labelled no more, but nothing that others have put there", func(ctx SpecContext) {
		f.schedule(ctx, func(s *object) {
			s.Annotations["wave"], s.Labels = "1", map[string]string{"tier": "one"}
		})
		f.reconcile(ctx)
		copied := f.copied(ctx)
		copied.Annotations["site"], copied.Labels["site"] = "south", "south"
		Expect(there.Update(ctx, copied)).To(Succeed())
		f.edit(ctx, func(s *object) {
			delete(s.Annotations, "wave")
			s.Labels = nil
		})
		f.reconcile(ctx)
		copied = f.copied(ctx)
		Expect(copied.Annotations).To(And(Not(HaveKey("wave")), HaveKeyWithValue("site", "south"), HaveKeyWithValue("team", "shop")))
		Expect(copied.Labels).To(Equal(map[string]string{"site": "south"}))
	})

	Context("when the template names another pair", func() {
		const elsewhere = "elsewhere"
		BeforeEach(func(ctx SpecContext) {
			f.schedule(ctx)
			f.reconcile(ctx)
			Expect(f.read(ctx).Status.CopiedTo).To(Equal(f.namespace + "/remote"))
		})
		move := func(ctx SpecContext) {
			f.edit(ctx, func(s *object) { s.Spec.Template.Spec.ClusterPair = elsewhere })
			f.reconcile(ctx)
			Expect(f.read(ctx).Status.CopiedTo).To(Equal(f.namespace + "/elsewhere"))
		}
		It("goes from the cluster where it was", func(ctx SpecContext) {
			f.pair(ctx, elsewhere, bare.Kubeconfig())
			move(ctx)
			Expect(f.copied(ctx)).To(BeNil())
		})

		It("stays where both lead to the same cluster", func(ctx SpecContext) {
			f.activate(ctx, true)
			f.pair(ctx, elsewhere, destination.Kubeconfig())
			move(ctx)
			Expect(f.copied(ctx)).NotTo(BeNil())
			Expect(f.copied(ctx).Status.ApplicationActivated).To(BeTrue())
		})

		It("stays where the applications are active, which an event tells", func(ctx SpecContext) {
			f.activate(ctx, true)
			f.pair(ctx, elsewhere, bare.Kubeconfig())
			move(ctx)
			Expect(f.copied(ctx)).NotTo(BeNil())
			Expect(f.recorder.Events).To(Receive(ContainSubstring("is left there: the applications are active there")))
		})

		It("is left where that cluster is not reached, which an event tells", func(ctx SpecContext) {
			f.setPair(ctx, "remote", storkv1alpha1.ClusterPairStatusDegraded)
			f.pair(ctx, elsewhere, bare.Kubeconfig())
			move(ctx)
			Expect(f.copied(ctx)).NotTo(BeNil())
			Expect(f.recorder.Events).To(Receive(ContainSubstring("/remote, where Migrations went before, is left there")))
		})

		It("goes with the schedule although it was not written there yet", func(ctx SpecContext) {
			f.edit(ctx, func(s *object) { s.Spec.Template.Spec.ClusterPair = elsewhere })
			Expect(here.Delete(ctx, f.read(ctx))).To(Succeed())
			Expect(f.look(ctx)).To(Succeed())
			Expect(f.copied(ctx)).To(BeNil())
		})
	})

	It("learns what an older storkctl says of its applications", func(ctx SpecContext) {
		f.schedule(ctx, func(s *object) { s.Annotations[storkv1alpha1.AnnotationStaticCopy] = "true" })
		for _, activated := range []string{"true", "true", "false"} {
			f.edit(ctx, func(s *object) { s.Annotations[storkv1alpha1.AnnotationApplicationActivated] = activated })
			s, _ := f.reconcile(ctx)
			Expect(s.Status.ApplicationActivated).To(Equal(activated == "true"))
			Expect(s.Annotations).NotTo(HaveKey(storkv1alpha1.AnnotationApplicationActivated))
		}
	})

	It("is looked at only when it may matter", func(ctx SpecContext) {
		f.schedule(ctx)
		f.reconcile(ctx)
		f.finish(ctx, successful)
		f.pass(time.Minute)
		Expect(there.Delete(ctx, f.copied(ctx))).To(Succeed())
		f.reconcile(ctx)
		Expect(f.copied(ctx)).To(BeNil())
		f.pass(30 * time.Minute)
		f.reconcile(ctx)
		Expect(f.copied(ctx)).NotTo(BeNil())
	})

	It("goes with the schedule", func(ctx SpecContext) {
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		Expect(here.Delete(ctx, s)).To(Succeed())
		Expect(f.look(ctx)).To(Succeed())
		Expect(f.copied(ctx)).To(BeNil())
		Expect(f.read(ctx).UID).To(BeEmpty())
	})

	It("does not keep the schedule for ever where it cannot be reached", func(ctx SpecContext) {
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		f.setPair(ctx, "remote", storkv1alpha1.ClusterPairStatusDegraded)
		Expect(here.Delete(ctx, s)).To(Succeed())
		s, result := f.reconcile(ctx)
		Expect(s.UID).NotTo(BeEmpty())
		Expect(result.RequeueAfter).To(Equal(retryDelay))
		Expect(ready(s).Message).To(ContainSubstring("ClusterPair %s/remote is not ready: see its conditions: it is tried until", f.namespace))
		f.clock.SetTime(s.DeletionTimestamp.Add(deleteDeadline))
		Expect(f.look(ctx)).To(Succeed())
		Expect(f.read(ctx).UID).To(BeEmpty())
		Expect(f.copied(ctx)).NotTo(BeNil())
		Expect(f.recorder.Events).To(Receive(ContainSubstring("the copy at the destination could not be deleted and is left there")))
	})

	It("does not keep the schedule where its pair is gone", func(ctx SpecContext) {
		f.schedule(ctx)
		s, _ := f.reconcile(ctx)
		Expect(here.Delete(ctx, &storkv1alpha1.ClusterPair{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "remote"}})).To(Succeed())
		Expect(here.Delete(ctx, s)).To(Succeed())
		Expect(f.look(ctx)).To(Succeed())
		Expect(f.read(ctx).UID).To(BeEmpty())
	})

	It("is told to be missing before it is needed", func(ctx SpecContext) {
		f.setPolicy(ctx, storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: "1:00AM"}})
		f.schedule(ctx, func(s *object) { s.Spec.Template.Spec.ClusterPair = "nothing" })
		s, _ := f.reconcile(ctx)
		Expect(ready(s)).To(And(HaveField("Reason", storkv1alpha1.ReasonCopyFailed), HaveField("Message", ContainSubstring("/nothing does not exist"))))
	})

	It("is not needed where the destination has no CRDs", func(ctx SpecContext) {
		f.pair(ctx, "bare", bare.Kubeconfig())
		f.schedule(ctx, func(s *object) { s.Spec.Template.Spec.ClusterPair = "bare" })
		s, _ := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(HaveLen(1))
		copied := apimeta.FindStatusCondition(s.Status.Conditions, storkv1alpha1.ConditionCopied)
		Expect(copied).To(HaveField("Message", ContainSubstring("install the CRDs there")))
		Expect(here.Delete(ctx, s)).To(Succeed())
		Expect(f.look(ctx)).To(Succeed())
		Expect(f.read(ctx).UID).To(BeEmpty())
	})

	It("is never written over another schedule of the same name", func(ctx SpecContext) {
		f.schedule(ctx)
		foreign := f.read(ctx)
		foreign.ObjectMeta = metav1.ObjectMeta{Namespace: f.namespace, Name: "dr"}
		namespace := f.namespaceThere()
		Expect(there.Create(ctx, namespace)).To(Succeed())
		Expect(there.Create(ctx, foreign)).To(Succeed())
		s, _ := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(BeEmpty())
		Expect(ready(s).Message).To(ContainSubstring("a non static-copy migrationSchedule with the same name"))
		Expect(f.copied(ctx).ResourceVersion).To(Equal(foreign.ResourceVersion))
	})

	It("makes no Migrations itself, and goes when it is deleted", func(ctx SpecContext) {
		f.schedule(ctx, func(s *object) {
			s.Annotations[storkv1alpha1.AnnotationStaticCopy] = "true"
			s.Finalizers = []string{storkv1alpha1.FinalizerCleanup} // As Stork leaves it.
		})
		s, result := f.reconcile(ctx)
		Expect(f.migrations(ctx)).To(BeEmpty())
		Expect(result).To(BeZero())
		Expect(ready(s).Reason).To(Equal(storkv1alpha1.ReasonStaticCopy))
		Expect(here.Delete(ctx, s)).To(Succeed())
		Expect(f.look(ctx)).To(Succeed())
		Expect(f.read(ctx).UID).To(BeEmpty())
	})
})
