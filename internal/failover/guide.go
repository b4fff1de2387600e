package failover

import (
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/activation"
)

// Defaults of Options.
const (
	// DefaultPatience is for how long a cluster may be unreachable and a step may fail.
	DefaultPatience = 15 * time.Minute
	// DefaultPodsTimeout is how long pods may take to end.
	DefaultPodsTimeout = 15 * time.Minute
)

// pollFirst and pollMost bound how soon a running Action looks again at what it waits for, be it here or at the other cluster. It looks
// more seldom the longer it waits: applications stand still meanwhile, and most of what is waited for takes a second.
const (
	pollFirst = 500 * time.Millisecond
	pollMost  = 5 * time.Second
)

// Options are what an administrator may choose.
type Options struct {
	// AdminNamespace is the namespace whose Actions may fail over every namespace.
	AdminNamespace string
	// Patience is for how long a step that fails for a passing reason is tried again.
	Patience time.Duration
	// PodsTimeout is how long pods may take to end.
	PodsTimeout time.Duration
	// MigrationTimeout is how long a Migration may take that an Action waits for.
	MigrationTimeout time.Duration
	// Zone is where times of day of policies that name none are. Nil means UTC.
	Zone *time.Location
}

// Clusters reaches what Actions work on.
type Clusters interface {
	// Local is the cluster that the Action is in.
	Local() activation.Cluster
	// Paired is the cluster that a ClusterPair leads to. An error that is NotFound means that there is no such pair.
	Paired(ctx context.Context, pair types.NamespacedName) (activation.Cluster, error)
}

// Guide leads Actions from one stage to the next. All fields are required.
type Guide struct {
	Clusters Clusters
	Clock    clock.PassiveClock
	Options  Options
}

// Notice is something that the user should hear of, beside the change of a stage.
type Notice struct {
	Reason, Message string
}

// Result is what a step came to.
type Result struct {
	// After is when to take the next step. It means nothing for an Action that is Final.
	After time.Duration
	// Notices are warnings.
	Notices []Notice
}

// Step takes the next step of an Action that was begun or is to be rolled back, and changes its status in place. The caller writes
// that down before the next step; if it does not come to that, the same step is taken again.
func (g *Guide) Step(ctx context.Context, action *storkv1alpha1.Action) Result {
	t := newTrip(g, action)
	v := t.stage()(ctx, t)
	t.settle(v)
	return Result{After: t.pause(v), Notices: t.notices}
}

// pause is how long to wait after a step.
func (t *trip) pause(v verdict) time.Duration {
	since := t.action.Status.StageTimestamp
	if v.outcome != outcomeWait || !v.poll || since == nil {
		return 0
	}
	return min(max(t.Clock.Since(since.Time)/2, pollFirst), pollMost)
}

// Cancel turns an Action that was begun back, because nobody wants it any more.
func (g *Guide) Cancel(action *storkv1alpha1.Action) {
	if t := newTrip(g, action); action.Status.Stage != t.stages.back {
		t.settle(fail(storkv1alpha1.ReasonCanceled, "the Action was deleted while it ran"))
	}
}

// Reject ends an Action that was not begun.
func (g *Guide) Reject(action *storkv1alpha1.Action, reason, message string) {
	newTrip(g, action).settle(fail(reason, message))
}

// Hold writes down what an Action waits for that was not begun.
func (g *Guide) Hold(action *storkv1alpha1.Action, reason, message string) {
	action.Status.Status = storkv1alpha1.ActionStatusScheduled
	newTrip(g, action).note(metav1.ConditionUnknown, reason, message)
}

// Begin lets an Action start. From then on others of the same namespaces or schedule wait.
func (g *Guide) Begin(action *storkv1alpha1.Action) {
	action.Status.Status = storkv1alpha1.ActionStatusInProgress
	newTrip(g, action).note(metav1.ConditionUnknown, storkv1alpha1.ReasonInProgress, "validating")
}

// stages are those of one direction.
type stages struct {
	// down stops the applications where they are, up starts them where they go, back undoes both.
	down, up, back storkv1alpha1.ActionStageType
}

// trip is one step of an Action.
type trip struct {
	*Guide
	action   *storkv1alpha1.Action
	failback bool
	// schedule is the name of the MigrationSchedule.
	schedule string
	// requested are the namespaces of the spec.
	requested  []string
	filter     storkv1alpha1.ActionFilter
	skipSource bool
	// keepDomain asks for something about cluster domains.
	keepDomain bool
	stages     stages
	notices    []Notice
	engines    map[string]*activation.Engine
}

func newTrip(g *Guide, action *storkv1alpha1.Action) *trip {
	parameter := &action.Spec.ActionParameter
	t := &trip{Guide: g, action: action, engines: map[string]*activation.Engine{}}
	if action.Spec.ActionType == storkv1alpha1.ActionTypeFailback {
		p := parameter.FailbackParameter
		t.failback, t.schedule, t.requested, t.filter = true, p.MigrationScheduleReference, p.FailbackNamespaces, p.ActionFilter
		t.stages = stages{
			down: storkv1alpha1.ActionStageScaleDownDestination, up: storkv1alpha1.ActionStageScaleUpSource,
			back: storkv1alpha1.ActionStageScaleUpDestination,
		}
		return t
	}
	p := parameter.FailoverParameter
	t.schedule, t.requested, t.filter, t.skipSource = p.MigrationScheduleReference, p.FailoverNamespaces, p.ActionFilter, isTrue(p.SkipSourceOperations)
	t.keepDomain = isTrue(p.SkipSourceClusterDomainDeactivation)
	t.stages = stages{
		down: storkv1alpha1.ActionStageScaleDownSource, up: storkv1alpha1.ActionStageScaleUpDestination, back: storkv1alpha1.ActionStageScaleUpSource,
	}
	return t
}

// stage returns the step of the Action's stage.
func (t *trip) stage() func(context.Context, *trip) verdict {
	switch stage := t.action.Status.Stage; {
	case stage == storkv1alpha1.ActionStageInitial && t.action.Status.Summary == nil:
		return validate
	case len(t.namespaces()) == 0:
		return refuseNoNamespaces
	}
	switch t.action.Status.Stage {
	case storkv1alpha1.ActionStageInitial:
		return holdSchedules
	case t.stages.down:
		return scaleDown
	case storkv1alpha1.ActionStageWaitAfterScaleDown:
		return waitForPods
	case storkv1alpha1.ActionStageLastMileMigration:
		return migrateLastMile
	case t.stages.up:
		return scaleUp
	}
	return rollBack
}

// uid tells the Action's marks from those of others.
func (t *trip) uid() string { return string(t.action.UID) }

// origin and goal are how messages name the clusters that applications leave and arrive in.
func (t *trip) origin() string {
	if t.failback {
		return "destination"
	}
	return "source"
}

func (t *trip) goal() string {
	if t.failback {
		return "source"
	}
	return "destination"
}

// warn tells the user something that stays in the status until the end, so that no crash can keep it from him.
func (t *trip) warn(reason, message string) {
	message = strings.ReplaceAll(message, "\n", "; ")
	text := message
	if warned := apimeta.FindStatusCondition(t.action.Status.Conditions, storkv1alpha1.ConditionWarned); warned != nil {
		if slices.Contains(strings.Split(warned.Message, "\n"), message) {
			return
		}
		text = warned.Message + "\n" + message
	}
	t.condition(metav1.Condition{Type: storkv1alpha1.ConditionWarned, Status: metav1.ConditionTrue, Reason: reason, Message: shorten(text)})
	t.tell(reason, message)
}

// tell tells the user something that is in the status anyway.
func (t *trip) tell(reason, message string) {
	t.notices = append(t.notices, Notice{Reason: reason, Message: message})
}

func isTrue(value *bool) bool { return value != nil && *value }

// key names an object in the Action's namespace.
func (t *trip) key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: t.action.Namespace, Name: name}
}

var namespacesResource = corev1.SchemeGroupVersion.WithResource("namespaces")
