package failover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// testTrip is a step of an Action that was validated, at a clock that stands still.
func testTrip(kind storkv1alpha1.ActionType, stage storkv1alpha1.ActionStageType) (*trip, *clocktesting.FakePassiveClock) {
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	guide := &Guide{Clock: clock, Options: Options{AdminNamespace: "admin", Patience: time.Minute, PodsTimeout: time.Minute, MigrationTimeout: time.Hour}}
	action := &storkv1alpha1.Action{Spec: storkv1alpha1.ActionSpec{ActionType: kind}}
	action.Namespace, action.Name, action.UID = "shop", "a", "0123456789"
	action.Spec.ActionParameter.FailoverParameter.MigrationScheduleReference = "dr"
	action.Spec.ActionParameter.FailbackParameter.MigrationScheduleReference = "dr"
	action.Status.Stage = stage
	t := newTrip(guide, action)
	t.plan([]string{"shop"}, nil)
	return t, clock
}

func TestAFailureTurnsBackOrEnds(t *testing.T) {
	const failoverType, failbackType = storkv1alpha1.ActionTypeFailover, storkv1alpha1.ActionTypeFailback
	tests := map[string]struct {
		kind      storkv1alpha1.ActionType
		stage     storkv1alpha1.ActionStageType
		unplanned bool
		want      storkv1alpha1.ActionStageType
		status    storkv1alpha1.ActionStatusType
	}{
		"nothing was changed yet":              {failoverType, "", true, "Final", "Failed"},
		"a schedule may be suspended":          {failoverType, "", false, "ScaleUpSource", "In-Progress"},
		"a failover that has stopped":          {failoverType, "ScaleDownSource", false, "ScaleUpSource", "In-Progress"},
		"a failover that waits":                {failoverType, "WaitAfterScaleDown", false, "ScaleUpSource", "In-Progress"},
		"a failover that migrates":             {failoverType, "LastMileMigration", false, "ScaleUpSource", "In-Progress"},
		"a failover that has started":          {failoverType, "ScaleUpDestination", false, "ScaleUpSource", "In-Progress"},
		"a failover that turns back already":   {failoverType, "ScaleUpSource", false, "Final", "RollbackFailed"},
		"a failback that has stopped":          {failbackType, "ScaleDownDestination", false, "ScaleUpDestination", "In-Progress"},
		"a failback that has started":          {failbackType, "ScaleUpSource", false, "ScaleUpDestination", "In-Progress"},
		"a failback that turns back already":   {failbackType, "ScaleUpDestination", false, "Final", "RollbackFailed"},
		"a failback that has changed nothing":  {failbackType, "", true, "Final", "Failed"},
		"a failback whose schedule may be set": {failbackType, "", false, "ScaleUpDestination", "In-Progress"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			trip, _ := testTrip(test.kind, test.stage)
			if test.unplanned {
				trip.action.Status.Summary = nil
			}
			trip.settle(fail(storkv1alpha1.ReasonFailed, "it broke"))
			status := trip.action.Status
			if status.Stage != test.want || status.Status != test.status || !strings.Contains(status.Reason, "it broke") {
				t.Errorf("stage %q, status %q, reason %q; want stage %q, status %q", status.Stage, status.Status, status.Reason, test.want, test.status)
			}
			if ended := test.want == storkv1alpha1.ActionStageFinal; ended != (status.FinishTimestamp != nil) ||
				ended != apimeta.IsStatusConditionTrue(status.Conditions, storkv1alpha1.ConditionStalled) ||
				ended == apimeta.IsStatusConditionTrue(status.Conditions, storkv1alpha1.ConditionReconciling) {
				t.Errorf("conditions do not say whether it ended: %+v", status.Conditions)
			}
		})
	}
}

func TestTheReasonOfARollbackStays(t *testing.T) {
	trip, _ := testTrip(storkv1alpha1.ActionTypeFailover, storkv1alpha1.ActionStageLastMileMigration)
	trip.settle(fail(storkv1alpha1.ReasonFailed, "the last Migration failed"))
	trip.settle(wait(storkv1alpha1.ReasonUnreachable, "no answer", time.Minute))
	trip.settle(proceed(storkv1alpha1.ActionStageFinal, ""))
	if status := trip.action.Status; status.Reason != "the last Migration failed" || status.Status != storkv1alpha1.ActionStatusFailed {
		t.Errorf("status %q, reason %q", status.Status, status.Reason)
	}
}

func TestEachThingThatIsWaitedForHasItsOwnTime(t *testing.T) {
	trip, clock := testTrip(storkv1alpha1.ActionTypeFailover, storkv1alpha1.ActionStageLastMileMigration)
	pass := func(d time.Duration) { clock.SetTime(clock.Now().Add(d)) }
	runs := wait(storkv1alpha1.ReasonInProgress, "it runs", time.Hour)
	silent := wait(storkv1alpha1.ReasonUnreachable, "no answer", time.Minute)
	for i, step := range []struct {
		passes time.Duration
		v      verdict
		failed bool
	}{
		{0, runs, false}, {59 * time.Minute, runs, false}, {0, silent, false}, {59 * time.Second, silent, false}, {time.Second, silent, true},
	} {
		pass(step.passes)
		trip.settle(step.v)
		if failed := trip.action.Status.Stage != storkv1alpha1.ActionStageLastMileMigration; failed != step.failed {
			t.Fatalf("step %d: failed: %t, want %t", i, failed, step.failed)
		}
	}
	if want := "gave up after 1m0s: no answer"; trip.action.Status.Reason != want {
		t.Errorf("reason %q, want %q", trip.action.Status.Reason, want)
	}
}

// The spec cannot be changed once it has begun and the status is the operator's. Whoever can write either nevertheless must not gain
// the rest of the cluster by it, which is what no namespaces mean to an engine.
func TestAnActionReachesNoMoreThanItMay(t *testing.T) {
	trip, _ := testTrip(storkv1alpha1.ActionTypeFailover, storkv1alpha1.ActionStageScaleDownSource)
	trip.plan([]string{"shop", "victim"}, nil)
	if diff := cmp.Diff([]string{"shop"}, trip.namespaces()); diff != "" {
		t.Errorf("namespaces of an Action in shop (-want,+got)\n%s", diff)
	}
	for _, stage := range []storkv1alpha1.ActionStageType{"", "ScaleDownSource", "WaitAfterScaleDown", "LastMileMigration", "ScaleUpDestination", "ScaleUpSource"} {
		trip, _ := testTrip(storkv1alpha1.ActionTypeFailover, stage)
		trip.action.Status.Summary.FailoverSummary = nil
		if v := trip.stage()(t.Context(), trip); v.outcome != outcomeFail {
			t.Errorf("in stage %q without namespaces: %+v", stage, v)
		}
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	resource := schema.GroupResource{Resource: "things"}
	network := &url.Error{Op: "Get", URL: "https://a", Err: errors.New("no route to host")}
	tests := map[string]struct {
		err    error
		reason string
	}{
		"a network that is down":          {network, storkv1alpha1.ReasonUnreachable},
		"a pair that cannot be connected": {&accessError{errors.New("x")}, storkv1alpha1.ReasonUnreachable},
		"a credential that has expired":   {apierrors.NewUnauthorized("x"), storkv1alpha1.ReasonUnreachable},
		"a conflict":                      {fmt.Errorf("x: %w", apierrors.NewConflict(resource, "a", nil)), storkv1alpha1.ReasonRetrying},
		"too many requests":               {apierrors.NewTooManyRequests("x", 1), storkv1alpha1.ReasonRetrying},
		"several that pass":               {errors.Join(apierrors.NewInternalError(errors.New("x")), network), storkv1alpha1.ReasonUnreachable},
		"an API server without its etcd": {
			&apierrors.StatusError{ErrStatus: metav1.Status{Code: 500, Message: "etcdserver: leader changed"}}, storkv1alpha1.ReasonRetrying,
		},
		"an answer that broke off":           {fmt.Errorf("reading the answer: %w", io.ErrUnexpectedEOF), storkv1alpha1.ReasonUnreachable},
		"an answer that came too late":       {fmt.Errorf("reading the answer: %w", context.DeadlineExceeded), storkv1alpha1.ReasonUnreachable},
		"one of several that does not":       {errors.Join(apierrors.NewConflict(resource, "a", nil), apierrors.NewForbidden(resource, "a", nil)), storkv1alpha1.ReasonFailed},
		"what is forbidden":                  {apierrors.NewForbidden(resource, "a", nil), storkv1alpha1.ReasonFailed},
		"an object that cannot be stopped":   {errors.New("spec.replicas must be a whole number"), storkv1alpha1.ReasonFailed},
		"what only the user can help":        {refusef("no such schedule"), storkv1alpha1.ReasonInvalidSpec},
		"a Migration that runs":              {&runningError{"m"}, storkv1alpha1.ReasonWaitingForMigration},
		"a pair that only the user can help": {fmt.Errorf("x: %w", refusef("no pair")), storkv1alpha1.ReasonInvalidSpec},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			trip, _ := testTrip(storkv1alpha1.ActionTypeFailover, "")
			if v := trip.retry("doing", test.err); v.reason != test.reason || (v.outcome == outcomeFail) != (v.bound == 0) {
				t.Errorf("%+v, want reason %s", v, test.reason)
			}
		})
	}
}

func TestLastMile(t *testing.T) {
	trip, _ := testTrip(storkv1alpha1.ActionTypeFailover, storkv1alpha1.ActionStageLastMileMigration)
	schedule := &storkv1alpha1.MigrationSchedule{}
	schedule.Name = "dr"
	schedule.Annotations = map[string]string{
		"team": "blue", storkv1alpha1.AnnotationStaticCopy: "true", storkv1alpha1.AnnotationMigrationScheduleName: "dr", storkv1alpha1.AnnotationSuspendedBy: "u",
	}
	schedule.Spec.Template.Spec = storkv1alpha1.MigrationSpec{
		ClusterPair: "pair", Namespaces: []string{"other", "shop"}, NamespaceSelectors: map[string]string{"a": "b"},
		Selectors: map[string]string{"app": "web"}, StartApplications: new(true), PurgeDeletedResources: new(true),
	}
	got := trip.lastMile(schedule)
	if got.Name != "dr-lastmile-failover-0123456" || got.Namespace != "shop" {
		t.Errorf("%s/%s", got.Namespace, got.Name)
	}
	want := storkv1alpha1.MigrationSpec{
		ClusterPair: "pair", Namespaces: []string{"shop"}, Selectors: map[string]string{"app": "web"}, StartApplications: new(false), PurgeDeletedResources: new(true),
	}
	if diff := cmp.Diff(want, got.Spec); diff != "" {
		t.Errorf("(-want,+got)\n%s", diff)
	}
	annotations := map[string]string{"team": "blue", storkv1alpha1.AnnotationLastMileSchedule: "dr"}
	if diff := cmp.Diff(annotations, got.Annotations); diff != "" {
		t.Errorf("(-want,+got)\n%s", diff)
	}
	trip.schedule = strings.Repeat("a", 253)
	if name := trip.lastMileName(); len(name) != 253 || !strings.HasSuffix(name, "a-lastmile-failover-0123456") {
		t.Errorf("a long name becomes %s", name)
	}
}

func TestInvalid(t *testing.T) {
	for kind, want := range map[storkv1alpha1.ActionType]string{
		storkv1alpha1.ActionTypeFailover:         "reference MigrationSchedule name needs to be provided for failover",
		storkv1alpha1.ActionTypeFailback:         "reference MigrationSchedule name needs to be provided for failback",
		storkv1alpha1.ActionTypeNearSyncFailover: "no storage driver of this operator supports nearsyncFailover: use actionType failover",
		"other":                                  `invalid value received for Action.Spec.ActionType: "other": write failover or failback`,
	} {
		if got := Invalid(&storkv1alpha1.Action{Spec: storkv1alpha1.ActionSpec{ActionType: kind}}); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

func TestWhoWaitsForWhom(t *testing.T) {
	action := func(namespace, schedule string, requested ...string) *storkv1alpha1.Action {
		trip, _ := testTrip(storkv1alpha1.ActionTypeFailover, "")
		trip.action.Namespace, trip.action.Status.Summary = namespace, nil
		trip.action.Spec.ActionParameter.FailoverParameter.MigrationScheduleReference = schedule
		trip.action.Spec.ActionParameter.FailoverParameter.FailoverNamespaces = requested
		return trip.action
	}
	begun := func(a *storkv1alpha1.Action) *storkv1alpha1.Action {
		a.UID, a.Status.Status = "another", storkv1alpha1.ActionStatusInProgress
		return a
	}
	ended := begun(action("shop", "dr"))
	ended.Status.Stage = storkv1alpha1.ActionStageFinal
	scheduled := begun(action("shop", "dr"))
	scheduled.Status.Status = storkv1alpha1.ActionStatusScheduled
	tests := map[string]struct {
		action, other *storkv1alpha1.Action
		waits         bool
	}{
		"one of the same schedule":               {action("shop", "dr"), begun(action("shop", "dr")), true},
		"one of the same namespace":              {action("shop", "dr"), begun(action("shop", "dr2")), true},
		"one of another namespace":               {action("shop", "dr"), begun(action("bank", "dr")), false},
		"one of the admin namespace that meets":  {action("shop", "dr"), begun(action("admin", "all", "bank", "shop")), true},
		"one of the admin namespace that passes": {action("shop", "dr"), begun(action("admin", "all", "bank")), false},
		"other namespaces of the same schedule":  {action("admin", "all", "a"), begun(action("admin", "all", "b")), true},
		"other namespaces of another schedule":   {action("admin", "all", "a"), begun(action("admin", "other", "b")), false},
		"one that has ended":                     {action("shop", "dr"), ended, false},
		"one that has not begun":                 {action("shop", "dr"), scheduled, false},
		"itself":                                 {action("shop", "dr"), action("shop", "dr"), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			trip, _ := testTrip(storkv1alpha1.ActionTypeFailover, "")
			holder, err := trip.Waits(t.Context(), test.action, []storkv1alpha1.Action{*test.other})
			if err != nil || (holder != "") != test.waits {
				t.Errorf("waits for %q, %v; want %t", holder, err, test.waits)
			}
		})
	}
}

func TestStatusStaysSmall(t *testing.T) {
	trip, _ := testTrip(storkv1alpha1.ActionTypeFailover, storkv1alpha1.ActionStageLastMileMigration)
	trip.note(metav1.ConditionUnknown, storkv1alpha1.ReasonInProgress, strings.Repeat("ä", 30000))
	for _, condition := range trip.action.Status.Conditions {
		if len(condition.Message) > 32768 {
			t.Errorf("condition %s has %d bytes", condition.Type, len(condition.Message))
		}
	}
	problems, namespaces := map[string]string{}, []string{}
	for i := range 5000 {
		namespaces = append(namespaces, fmt.Sprintf("ns-%d", i))
		problems[namespaces[i]] = strings.Repeat("x", 30000)
	}
	trip.action.Namespace = "admin"
	trip.plan(namespaces, nil)
	trip.summariseFailures(problems, storkv1alpha1.ActionStatusFailed)
	trip.settle(fail(storkv1alpha1.ReasonFailed, strings.Repeat("x", 2000000)))
	if data, _ := json.Marshal(trip.action.Status); len(data) > 1000000 {
		t.Errorf("the status of 5000 namespaces with problems has %d bytes", len(data))
	}
	names := make([]string, 1000)
	if text := some(names); !strings.HasSuffix(text, "and 980 more") {
		t.Errorf("%q", text)
	}
}

func TestAnActionLooksMoreSeldomTheLongerItWaits(t *testing.T) {
	trip, clock := testTrip(storkv1alpha1.ActionTypeFailover, storkv1alpha1.ActionStageWaitAfterScaleDown)
	began := clock.Now()
	for _, step := range []struct {
		waited, want time.Duration
		reason       string
	}{
		{0, 500 * time.Millisecond, storkv1alpha1.ReasonPodsRunning},
		{4 * time.Second, 2 * time.Second, storkv1alpha1.ReasonPodsRunning},
		{30 * time.Second, 5 * time.Second, storkv1alpha1.ReasonPodsRunning},
		{30 * time.Second, 500 * time.Millisecond, storkv1alpha1.ReasonUnreachable},
	} {
		clock.SetTime(began.Add(step.waited))
		v := wait(step.reason, "", 0)
		trip.settle(v)
		if got := trip.pause(v); got != step.want {
			t.Errorf("after %s of %s the next look is in %s, want %s", step.waited, step.reason, got, step.want)
		}
	}
	if got := trip.pause(again("")); got != 0 {
		t.Errorf("what goes on at once waits %s", got)
	}
}
