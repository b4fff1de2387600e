package migration

import (
	"context"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

var _ = Describe("The status of a Migration", func() {
	var (
		key client.ObjectKey
		// lose is asked with each write that was carried out whether its answer is lost.
		lose func() bool
		run  *statusWriter
	)

	read := func(ctx context.Context) *storkv1alpha1.Migration {
		GinkgoHelper()
		migration := &storkv1alpha1.Migration{}
		Expect(here.Get(ctx, key, migration)).To(Succeed())
		return migration
	}
	// writer returns that of a process which reads the Migration now.
	writer := func(ctx context.Context) *statusWriter {
		GinkgoHelper()
		lossy := interceptor.NewClient(here, interceptor.Funcs{SubResourcePatch: func(
			ctx context.Context, c client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption,
		) error {
			answer := object.DeepCopyObject().(client.Object)
			if err := c.SubResource(name).Patch(ctx, answer, patch, options...); err != nil {
				return err
			}
			if lose() {
				return apierrors.NewTimeoutError("lost", 0)
			}
			answer.(*storkv1alpha1.Migration).DeepCopyInto(object.(*storkv1alpha1.Migration))
			return nil
		}})
		return newStatusWriter(&Reconciler{
			Client: lossy, Live: here, Recorder: events.NewFakeRecorder(100), metrics: reconciler.metrics,
			Clock: clocktesting.NewFakeClock(time.Date(2026, 11, 21, 1, 2, 3, 4, time.UTC)),
		}, read(ctx))
	}

	BeforeEach(func(ctx SpecContext) {
		lose = func() bool { return false }
		migration := newMigration(newNamespace(ctx), "one")
		migration.Spec.ClusterPair = "missing" // The controller leaves it alone once it has said so.
		Expect(here.Create(ctx, migration)).To(Succeed())
		key = client.ObjectKeyFromObject(migration)
		Eventually(func() storkv1alpha1.MigrationStatusType { return read(ctx).Status.Status }).Should(Equal(storkv1alpha1.MigrationStatusPending))
		run = writer(ctx)
		Expect(run.stage(ctx, storkv1alpha1.MigrationStageApplications, "bringing objects")).To(Succeed())
	})

	fail := func(ctx context.Context, message string) error {
		return run.final(ctx, storkv1alpha1.MigrationStatusFailed, storkv1alpha1.ReasonFailed, message, func(*storkv1alpha1.MigrationStatus) {})
	}

	It("tells since when a Migration lacks something, and not since when it runs or waits for another one", func(ctx SpecContext) {
		clock := run.clock.(*clocktesting.FakeClock)
		clock.Step(time.Hour)
		Expect(run.pendingSince()).To(Equal(clock.Now()), "it has run up to now")
		Expect(run.pending(ctx, storkv1alpha1.ReasonWaitingForMigration, "waits")).To(Succeed())
		clock.Step(time.Hour)
		Expect(run.pendingSince()).To(Equal(clock.Now()), "it has waited for another one up to now")
		Expect(run.pending(ctx, storkv1alpha1.ReasonPending, "no pair")).To(Succeed())
		began := clock.Now()
		clock.Step(time.Minute)
		Expect(run.pending(ctx, storkv1alpha1.ReasonPending, "no rule")).To(Succeed())
		Expect(writer(ctx).pendingSince()).To(BeTemporally("~", began, time.Second))
		Expect(run.stage(ctx, storkv1alpha1.MigrationStageApplications, "goes on")).To(Succeed())
		Expect(read(ctx).Status.PendingSince).To(BeNil())
	})

	It("is about the spec that the run began with", func(ctx SpecContext) {
		migration := newMigration(newNamespace(ctx), "edited")
		migration.Labels = map[string]string{labelOwnOperator: ""}
		Expect(here.Create(ctx, migration)).To(Succeed())
		key = client.ObjectKeyFromObject(migration)
		run = writer(ctx)
		Expect(run.stage(ctx, storkv1alpha1.MigrationStageApplications, "bringing objects")).To(Succeed())
		edited := read(ctx)
		edited.Spec.PurgeDeletedResources = new(true)
		Expect(here.Update(ctx, edited)).To(Succeed())
		Expect(fail(ctx, "so it is")).To(Succeed())
		Expect(read(ctx).Status.ObservedGeneration).To(Equal(edited.Generation - 1))
	})

	It("is not written by a run that was taken over", func(ctx SpecContext) {
		Expect(writer(ctx).takeOver(ctx)).To(Succeed())
		Expect(fail(ctx, "too late")).To(MatchError(errSuperseded))
		Expect(read(ctx).Status.Stage).To(Equal(storkv1alpha1.MigrationStageApplications))
	})

	It("is written although the Migration was labelled", func(ctx SpecContext) {
		labelled := read(ctx)
		labelled.Labels = map[string]string{"a": "b"}
		Expect(here.Update(ctx, labelled)).To(Succeed())
		Expect(fail(ctx, "so it is")).To(Succeed())
		Expect(read(ctx)).To(And(
			HaveField("Status.Stage", storkv1alpha1.MigrationStageFinal), HaveField("Labels", HaveKeyWithValue("a", "b"))))
	})

	It("is written once where the answer is lost", func(ctx SpecContext) {
		writes := 0
		lose = func() bool { writes++; return writes == 1 }
		Expect(fail(ctx, "so it is")).To(Succeed())
		Expect(writes).To(Equal(1))
		Expect(read(ctx).Status.Stage).To(Equal(storkv1alpha1.MigrationStageFinal))
	})
})

func TestWritesArePatientWithWhatPasses(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"an API server that starts": {err: apierrors.NewServiceUnavailable("starting"), want: 3},
		"what is invalid":           {err: &apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid}}, want: 1},
		"a run that was taken over": {err: errSuperseded, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			err := patiently(t.Context(), func() error {
				if calls++; calls == 3 {
					return nil
				}
				return test.err
			})
			if calls != test.want || (err == nil) != (test.want == 3) {
				t.Errorf("%d calls and error %v", calls, err)
			}
		})
	}
}
