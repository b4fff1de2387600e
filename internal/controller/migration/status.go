package migration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// errSuperseded ends a run whose Migration another run has written to: this process was taken for dead, and another one continues
// the Migration.
var errSuperseded = errors.New("somebody else has written the status of the Migration: this run does not own it any more")

// statusWriter is the only writer of one Migration's status: the reconciler's before a run, the run's while it lasts. A process that
// has lost the lease without noticing, for example because its machine stood still, may have a run of the same Migration. Each write
// therefore tells what it follows, and is refused with errSuperseded if the status is another one.
type statusWriter struct {
	client client.Client
	// live reads past the cache.
	live     client.Reader
	recorder events.EventRecorder
	clock    clock.PassiveClock
	metrics  *metrics
	// written is the Migration as the API server has it.
	written *storkv1alpha1.Migration
	// generation is that of the spec that the status is about, also after somebody has changed it.
	generation int64
}

func newStatusWriter(r *Reconciler, migration *storkv1alpha1.Migration) *statusWriter {
	return &statusWriter{
		client: r.Client, live: r.Live, recorder: r.Recorder, clock: r.Clock, metrics: r.metrics,
		written: migration.DeepCopy(), generation: migration.Generation,
	}
}

// update changes the status, and writes it if that made a difference. The summary in words follows by itself.
func (s *statusWriter) update(ctx context.Context, change func(*storkv1alpha1.MigrationStatus)) error {
	before := s.written.DeepCopy()
	after := s.written.DeepCopy()
	change(&after.Status)
	if after.Status.Summary == nil {
		after.Status.Summary = &storkv1alpha1.MigrationSummary{
			ElapsedTimeForVolumeMigration:   storkv1alpha1.ElapsedNotApplicable,
			ElapsedTimeForResourceMigration: storkv1alpha1.ElapsedNotApplicable,
		}
	}
	if after.Status.Status != storkv1alpha1.MigrationStatusPending {
		after.Status.PendingSince = nil
	}
	progress := after.TableProgress()
	after.Status.Progress = &progress
	after.Status.ObservedGeneration = s.generation
	if equality.Semantic.DeepEqual(before.Status, after.Status) {
		return nil
	}
	if err := patiently(ctx, func() error { return s.write(ctx, after) }); err != nil {
		return err
	}
	s.metrics.observe(s.written)
	return nil
}

// write writes the status of after once. Afterwards written is what the API server has, also if the write came too late.
func (s *statusWriter) write(ctx context.Context, after *storkv1alpha1.Migration) error {
	next := s.written.DeepCopy()
	next.Status = *after.Status.DeepCopy()
	err := s.client.Status().Patch(ctx, next, client.MergeFromWithOptions(s.written, client.MergeFromWithOptimisticLock{}))
	if err == nil {
		s.written = next
	}
	if !apierrors.IsConflict(err) {
		return err
	}
	current := &storkv1alpha1.Migration{}
	if err := s.live.Get(ctx, client.ObjectKeyFromObject(after), current); err != nil {
		return err
	}
	switch {
	case current.UID != s.written.UID:
		return errSuperseded
	case sameStatus(current, after): // The answer to an earlier attempt was lost.
		s.written = current
		return nil
	case sameStatus(current, s.written): // Only labels, annotations or the like have changed.
		s.written = current
		return err
	default:
		return errSuperseded
	}
}

// sameStatus compares as the API server stores: times have no fractions of seconds there.
func sameStatus(a, b *storkv1alpha1.Migration) bool {
	first, err := json.Marshal(a.Status)
	if err != nil {
		return false
	}
	second, err := json.Marshal(b.Status)
	return err == nil && bytes.Equal(first, second)
}

// patience outlasts a restart of an API server: what is lost with a request that fails is the whole run.
var patience = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 8}

// patiently repeats a request until it succeeds, cannot succeed, or some twelve seconds have passed.
func patiently(ctx context.Context, request func() error) error {
	var last error
	err := wait.ExponentialBackoffWithContext(ctx, patience, func(context.Context) (bool, error) {
		if last = request(); last != nil && !retriable(last) {
			return false, last
		}
		return last == nil, nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}

// retriable tells whether a request is worth another try. A write to a deleted object is not, and what is invalid stays so.
func retriable(err error) bool {
	return !apierrors.IsNotFound(err) && !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) && !errors.Is(err, errSuperseded)
}

// stage writes down that the Migration works on a stage.
func (s *statusWriter) stage(ctx context.Context, stage storkv1alpha1.MigrationStageType, message string) error {
	from := s.written.Status.Stage
	err := s.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
		status.Stage, status.Status = stage, storkv1alpha1.MigrationStatusInProgress
		now := metav1.NewTime(s.clock.Now())
		if status.StartTimestamp == nil {
			status.StartTimestamp = &now
		}
		if stage == storkv1alpha1.MigrationStageApplications && status.VolumeMigrationFinishTimestamp == nil {
			status.VolumeMigrationFinishTimestamp = &now
		}
		s.setConditions(status, metav1.ConditionUnknown, storkv1alpha1.ReasonInProgress, message)
	})
	if err == nil && from != stage {
		s.event(corev1.EventTypeNormal, storkv1alpha1.ReasonInProgress, string(stage), message)
	}
	return err
}

// takeOver writes down that another run continues the Migration, so that the earlier one can write nothing any more.
func (s *statusWriter) takeOver(ctx context.Context) error {
	return s.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
		s.setConditions(status, metav1.ConditionUnknown, storkv1alpha1.ReasonInProgress,
			"continuing what an earlier run has begun, since "+s.clock.Now().UTC().Format(time.RFC3339Nano))
	})
}

// pending writes down what the Migration waits for. The stage stays what it was.
func (s *statusWriter) pending(ctx context.Context, reason, message string) error {
	condition := apimeta.FindStatusCondition(s.written.Status.Conditions, storkv1alpha1.ConditionSucceeded)
	known := condition != nil && condition.Message == message
	err := s.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
		status.Status = storkv1alpha1.MigrationStatusPending
		switch {
		case reason != storkv1alpha1.ReasonPending: // It waits for another Migration, however long that takes.
			status.PendingSince = nil
		case status.PendingSince == nil:
			status.PendingSince = new(metav1.NewTime(s.clock.Now()))
		}
		s.setConditions(status, metav1.ConditionUnknown, reason, message)
	})
	if err == nil && !known {
		s.event(corev1.EventTypeWarning, reason, "Wait", message)
	}
	return err
}

// pendingSince is when the Migration began to wait for what it needs, now if it does not.
func (s *statusWriter) pendingSince() time.Time {
	if since := s.written.Status.PendingSince; since != nil {
		return since.Time
	}
	return s.clock.Now()
}

// final ends the Migration. change fills in what is known of its objects.
func (s *statusWriter) final(
	ctx context.Context, state storkv1alpha1.MigrationStatusType, reason, message string, change func(*storkv1alpha1.MigrationStatus),
) error {
	succeeded, eventType := metav1.ConditionFalse, corev1.EventTypeWarning
	if state == storkv1alpha1.MigrationStatusSuccessful {
		succeeded, eventType = metav1.ConditionTrue, corev1.EventTypeNormal
	}
	err := s.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
		now := metav1.NewTime(s.clock.Now())
		status.Stage, status.Status = storkv1alpha1.MigrationStageFinal, state
		status.FinishTimestamp = &now
		change(status)
		s.setConditions(status, succeeded, reason, message)
	})
	if err == nil {
		s.event(eventType, reason, "Finish", message)
	}
	return err
}

// setConditions sets Succeeded, and after it Reconciling and Stalled, which kstatus reads.
func (s *statusWriter) setConditions(status *storkv1alpha1.MigrationStatus, succeeded metav1.ConditionStatus, reason, message string) {
	reconciling, stalled := metav1.ConditionFalse, metav1.ConditionFalse
	switch succeeded {
	case metav1.ConditionUnknown:
		reconciling = metav1.ConditionTrue
	case metav1.ConditionFalse:
		stalled = metav1.ConditionTrue
	case metav1.ConditionTrue:
	}
	now := metav1.NewTime(s.clock.Now())
	for conditionType, value := range map[string]metav1.ConditionStatus{
		storkv1alpha1.ConditionSucceeded:   succeeded,
		storkv1alpha1.ConditionReconciling: reconciling,
		storkv1alpha1.ConditionStalled:     stalled,
	} {
		apimeta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: conditionType, Status: value, Reason: reason, Message: limit(message, conditionMessageLimit),
			ObservedGeneration: s.generation, LastTransitionTime: now,
		})
	}
	sortConditions(status.Conditions)
}

func (s *statusWriter) event(eventType, reason, action, message string) {
	s.recorder.Eventf(s.written, nil, eventType, reason, action, "%s", limit(message, eventNoteLimit))
}
