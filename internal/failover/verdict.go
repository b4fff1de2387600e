package failover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// verdict is what a step came to: the stage goes on to the next, waits, or has failed.
type verdict struct {
	outcome outcome
	next    storkv1alpha1.ActionStageType
	// reason and message say what is waited for, or why it failed.
	reason, message string
	// poll says that there is something to wait for: without, the next step is taken at once.
	poll bool
	// bound is how long to wait at most; zero is for ever.
	bound time.Duration
}

type outcome int

const (
	outcomeNext outcome = iota
	outcomeWait
	outcomeFail
)

func proceed(next storkv1alpha1.ActionStageType, message string) verdict {
	return verdict{outcome: outcomeNext, next: next, message: message}
}

func wait(reason, message string, bound time.Duration) verdict {
	return verdict{outcome: outcomeWait, reason: reason, message: message, poll: true, bound: bound}
}

// again goes on in the same stage at once.
func again(message string) verdict {
	return verdict{outcome: outcomeWait, reason: storkv1alpha1.ReasonInProgress, message: message}
}

func fail(reason, message string) verdict {
	return verdict{outcome: outcomeFail, reason: reason, message: message}
}

// retry tries again later what failed for a passing reason, and fails for all others.
func (t *trip) retry(doing string, err error) verdict {
	message := fmt.Sprintf("%s: %v", doing, err)
	if refused, ok := errors.AsType[*refusal](err); ok {
		return fail(storkv1alpha1.ReasonInvalidSpec, refused.message)
	}
	if running, ok := errors.AsType[*runningError](err); ok {
		return wait(storkv1alpha1.ReasonWaitingForMigration, "waits for Migration "+running.name, t.Options.MigrationTimeout)
	}
	switch {
	case unreachable(err):
		return wait(storkv1alpha1.ReasonUnreachable, message, t.Options.Patience)
	case passing(err):
		return wait(storkv1alpha1.ReasonRetrying, message, t.Options.Patience)
	}
	return fail(storkv1alpha1.ReasonFailed, message)
}

// unreachable tells whether an API server did not answer, or not to this credential.
func unreachable(err error) bool {
	if _, ok := errors.AsType[*accessError](err); ok || apierrors.IsUnauthorized(err) {
		return true
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	// An answer that broke off.
	_, broken := errors.AsType[net.Error](err)
	return broken || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

// passing tells whether the same request may succeed later. Whatever is no answer of an API server and no failure to reach it is
// about the object itself.
func passing(err error) bool {
	// Each of several errors must be.
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !passing(err) })
	}
	// An API server whose etcd has no leader says 500, of no known reason.
	status, ok := errors.AsType[*apierrors.StatusError](err)
	failing := ok && status.ErrStatus.Code >= http.StatusInternalServerError
	return unreachable(err) || failing || apierrors.IsConflict(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsUnexpectedServerError(err)
}

// settle writes a verdict into the status.
func (t *trip) settle(v verdict) {
	status := &t.action.Status
	switch v.outcome {
	case outcomeWait:
		if t.left(v) {
			t.note(metav1.ConditionUnknown, v.reason, v.message)
			return
		}
		t.settle(fail(storkv1alpha1.ReasonDeadlineExceeded, fmt.Sprintf("gave up after %s: %s", v.bound, v.message)))
	case outcomeFail:
		t.turnBack(v)
	case outcomeNext:
		if v.next == storkv1alpha1.ActionStageFinal {
			t.finish(v)
			return
		}
		status.Status, status.Reason = storkv1alpha1.ActionStatusInProgress, ""
		t.enter(v.next)
		t.note(metav1.ConditionUnknown, storkv1alpha1.ReasonInProgress, v.message)
	}
}

// left tells whether there is time left to wait. Each thing that is waited for has its own: a cluster that cannot be reached for a
// moment does not end a Migration that takes long.
func (t *trip) left(v verdict) bool {
	status, now := &t.action.Status, t.Clock.Now()
	succeeded := apimeta.FindStatusCondition(status.Conditions, storkv1alpha1.ConditionSucceeded)
	if status.StageTimestamp == nil || succeeded == nil || succeeded.Reason != v.reason {
		status.StageTimestamp = new(metav1.NewTime(now))
	}
	return v.bound == 0 || now.Sub(status.StageTimestamp.Time) < v.bound
}

func (t *trip) enter(stage storkv1alpha1.ActionStageType) {
	t.action.Status.Stage = stage
	t.action.Status.StageTimestamp = new(metav1.NewTime(t.Clock.Now()))
}

// turnBack ends an Action that has changed nothing yet, and has all others undo what they did.
func (t *trip) turnBack(v verdict) {
	status := &t.action.Status
	switch {
	case status.Stage == t.stages.back:
		t.end(storkv1alpha1.ActionStatusRollbackFailed, storkv1alpha1.ReasonRollbackFailed, strings.TrimSuffix(status.Reason, ".")+"; "+v.message)
	case status.Summary == nil:
		t.end(storkv1alpha1.ActionStatusFailed, v.reason, v.message)
	default:
		status.Status, status.Reason = storkv1alpha1.ActionStatusInProgress, shorten(v.message)
		t.enter(t.stages.back)
		t.note(metav1.ConditionUnknown, v.reason, "rolling back: "+v.message)
	}
}

// finish ends an Action that has come to its end, be it that of a rollback.
func (t *trip) finish(v verdict) {
	status := &t.action.Status
	if status.Stage == t.stages.back {
		t.end(storkv1alpha1.ActionStatusFailed, storkv1alpha1.ReasonRolledBack, status.Reason)
		return
	}
	t.summarise(storkv1alpha1.ActionStatusSuccessful)
	status.Reason = v.message
	t.end(storkv1alpha1.ActionStatusSuccessful, storkv1alpha1.ReasonSuccessful, v.message)
}

func (t *trip) end(state storkv1alpha1.ActionStatusType, reason, message string) {
	status := &t.action.Status
	t.enter(storkv1alpha1.ActionStageFinal)
	status.Status, status.Reason = state, shorten(message)
	status.FinishTimestamp = new(metav1.NewTime(t.Clock.Now()))
	succeeded := metav1.ConditionFalse
	if state == storkv1alpha1.ActionStatusSuccessful {
		succeeded = metav1.ConditionTrue
	}
	t.note(succeeded, reason, message)
}

// maxMessage bounds messages of conditions, which API servers do at 32768 characters.
const maxMessage = 16384

func shorten(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}

// note writes the conditions. They follow kstatus: an Action that failed is Stalled, for nothing more happens.
func (t *trip) note(succeeded metav1.ConditionStatus, reason, message string) {
	status := &t.action.Status
	message = shorten(message)
	if status.Stage == storkv1alpha1.ActionStageInitial && succeeded == metav1.ConditionUnknown {
		status.Reason = ""
		if reason != storkv1alpha1.ReasonInProgress {
			status.Reason = message
		}
	}
	set := func(kind string, value bool) {
		condition := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message}
		if value {
			condition.Status = metav1.ConditionTrue
		}
		t.condition(condition)
	}
	t.condition(metav1.Condition{Type: storkv1alpha1.ConditionSucceeded, Status: succeeded, Reason: reason, Message: message})
	set(storkv1alpha1.ConditionReconciling, succeeded == metav1.ConditionUnknown)
	set(storkv1alpha1.ConditionStalled, succeeded == metav1.ConditionFalse)
	status.ObservedGeneration = t.action.Generation
}

func (t *trip) condition(condition metav1.Condition) {
	condition.ObservedGeneration = t.action.Generation
	condition.LastTransitionTime = metav1.NewTime(t.Clock.Now())
	apimeta.SetStatusCondition(&t.action.Status.Conditions, condition)
}
