package resourcetransformation

import (
	"context"
	"errors"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const (
	// messageLimit bounds a condition's message and an event's note in bytes; the API server bounds a note at 1024.
	messageLimit = 1000
	// eventPrefix is what Stork's event about a ResourceTransformation begins with.
	eventPrefix = "Unsupported resource for resource transformation found: "
)

// statusWriter writes the status of one ResourceTransformation, whenever it changes.
type statusWriter struct {
	*Reconciler
	// written is the object as the API server has it.
	written *storkv1alpha1.ResourceTransformation
	// failed says that it failed before and is only looked at again, which is not shown while it goes on.
	failed bool
}

// inProgress writes that the transformation is being tried. What an earlier trial found stays until this one ends.
func (s *statusWriter) inProgress(ctx context.Context, message string) error {
	if s.failed {
		return nil
	}
	_, err := s.write(ctx, storkv1alpha1.ResourceTransformationStatusInProgress, metav1.Condition{
		Status: metav1.ConditionUnknown, Reason: storkv1alpha1.ReasonInProgress, Message: message,
	}, s.written.Status.Resources)
	return err
}

// again writes why the trial could not be finished, and returns the reason, so that it is tried again.
func (s *statusWriter) again(ctx context.Context, reason error) error {
	if ctx.Err() != nil {
		return reason
	}
	return errors.Join(reason, s.inProgress(ctx, "this will be tried again: "+reason.Error()))
}

func (s *statusWriter) ready(ctx context.Context, message string, resources []*storkv1alpha1.TransformResourceInfo) error {
	changed, err := s.write(ctx, storkv1alpha1.ResourceTransformationStatusReady, metav1.Condition{
		Status: metav1.ConditionTrue, Reason: storkv1alpha1.ReasonValidated, Message: message,
	}, resources)
	if changed {
		s.event(corev1.EventTypeNormal, storkv1alpha1.ReasonReady, message)
	}
	return err
}

func (s *statusWriter) fail(ctx context.Context, reason, message string, resources []*storkv1alpha1.TransformResourceInfo) error {
	changed, err := s.write(ctx, storkv1alpha1.ResourceTransformationStatusFailed, metav1.Condition{
		Status: metav1.ConditionFalse, Reason: reason, Message: message,
	}, resources)
	if changed {
		s.event(corev1.EventTypeWarning, storkv1alpha1.ReasonFailed, eventPrefix+message)
	}
	return err
}

// write tells whether it changed anything.
func (s *statusWriter) write(
	ctx context.Context, state storkv1alpha1.ResourceTransformationStatusType, ready metav1.Condition,
	resources []*storkv1alpha1.TransformResourceInfo,
) (bool, error) {
	after := s.written.DeepCopy()
	after.Status.Status, after.Status.Resources, after.Status.ObservedGeneration = state, resources, after.Generation
	s.setConditions(&after.Status, ready)
	if equality.Semantic.DeepEqual(s.written.Status, after.Status) {
		return false, nil
	}
	if err := s.Client.Status().Patch(ctx, after, client.MergeFrom(s.written)); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	s.written = after
	return true, nil
}

// setConditions sets Ready, and after it Reconciling and Stalled, which kstatus reads.
func (s *statusWriter) setConditions(status *storkv1alpha1.ResourceTransformationStatus, ready metav1.Condition) {
	reconciling, stalled := metav1.ConditionFalse, metav1.ConditionFalse
	switch ready.Status {
	case metav1.ConditionUnknown:
		reconciling = metav1.ConditionTrue
	case metav1.ConditionFalse:
		stalled = metav1.ConditionTrue
	case metav1.ConditionTrue:
	}
	ready.ObservedGeneration, ready.LastTransitionTime = s.written.Generation, metav1.NewTime(s.Clock.Now())
	ready.Message = limit(ready.Message, messageLimit)
	for conditionType, value := range map[string]metav1.ConditionStatus{
		storkv1alpha1.ConditionReady:       ready.Status,
		storkv1alpha1.ConditionReconciling: reconciling,
		storkv1alpha1.ConditionStalled:     stalled,
	} {
		ready.Type, ready.Status = conditionType, value
		apimeta.SetStatusCondition(&status.Conditions, ready)
	}
	slices.SortFunc(status.Conditions, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) })
}

func (s *statusWriter) event(eventType, reason, note string) {
	s.Recorder.Eventf(s.written, nil, eventType, reason, "DryRun", "%s", limit(note, messageLimit))
}
