package migration

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// statusWriter is the only writer of one Migration's status: the reconciler's before a run, the run's while it lasts.
type statusWriter struct {
	client   client.Client
	recorder events.EventRecorder
	clock    clock.PassiveClock
	metrics  *metrics
	// written is the Migration as the API server has it.
	written *storkv1alpha1.Migration
}

func newStatusWriter(r *Reconciler, migration *storkv1alpha1.Migration) *statusWriter {
	return &statusWriter{client: r.Client, recorder: r.Recorder, clock: r.Clock, metrics: r.metrics, written: migration.DeepCopy()}
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
	progress := after.TableProgress()
	after.Status.Progress = &progress
	after.Status.ObservedGeneration = after.Generation
	if equality.Semantic.DeepEqual(before.Status, after.Status) {
		return nil
	}
	err := retry.OnError(retry.DefaultBackoff, retriable, func() error {
		return s.client.Status().Patch(ctx, after, client.MergeFrom(before))
	})
	if err != nil {
		return err
	}
	s.written = after
	s.metrics.observe(after)
	return nil
}

// retriable tells whether a write of the status is worth another try at once. A deleted object is not.
func retriable(err error) bool { return client.IgnoreNotFound(err) != nil }

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

// pending writes down what the Migration waits for. The stage stays what it was.
func (s *statusWriter) pending(ctx context.Context, reason, message string) error {
	condition := apimeta.FindStatusCondition(s.written.Status.Conditions, storkv1alpha1.ConditionSucceeded)
	known := condition != nil && condition.Message == message
	err := s.update(ctx, func(status *storkv1alpha1.MigrationStatus) {
		status.Status = storkv1alpha1.MigrationStatusPending
		s.setConditions(status, metav1.ConditionUnknown, reason, message)
	})
	if err == nil && !known {
		s.event(corev1.EventTypeWarning, reason, "Wait", message)
	}
	return err
}

// pendingSince is when the Migration began to wait, now if it does not.
func (s *statusWriter) pendingSince() time.Time {
	condition := apimeta.FindStatusCondition(s.written.Status.Conditions, storkv1alpha1.ConditionSucceeded)
	if s.written.Status.Status != storkv1alpha1.MigrationStatusPending || condition == nil {
		return s.clock.Now()
	}
	return condition.LastTransitionTime.Time
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
			ObservedGeneration: s.written.Generation, LastTransitionTime: now,
		})
	}
	sortConditions(status.Conditions)
}

func (s *statusWriter) event(eventType, reason, action, message string) {
	s.recorder.Eventf(s.written, nil, eventType, reason, action, "%s", limit(message, eventNoteLimit))
}
