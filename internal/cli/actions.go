package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// direction is what differs between a failover and a failback.
type direction struct {
	kind storkv1alpha1.ActionType
	// title begins sentences.
	title string
	// from is the side that applications leave, to the one where they arrive.
	from, to string
	// down stops applications, up starts them where they arrive, back starts them again where they were.
	down, up, back storkv1alpha1.ActionStageType
}

func failover() direction {
	return direction{
		kind: storkv1alpha1.ActionTypeFailover, title: "Failover", from: "source", to: "destination",
		down: storkv1alpha1.ActionStageScaleDownSource,
		up:   storkv1alpha1.ActionStageScaleUpDestination,
		back: storkv1alpha1.ActionStageScaleUpSource,
	}
}

func failback() direction {
	return direction{
		kind: storkv1alpha1.ActionTypeFailback, title: "Failback", from: "destination", to: "source",
		down: storkv1alpha1.ActionStageScaleDownDestination,
		up:   storkv1alpha1.ActionStageScaleUpSource,
		back: storkv1alpha1.ActionStageScaleUpDestination,
	}
}

func newGetActionsCommand(g *globals, d direction) *cobra.Command {
	return &cobra.Command{
		Use:   string(d.kind) + " [NAME...]",
		Short: fmt.Sprintf("Show %ss", d.kind),
		Long: fmt.Sprintf(`Show what has become of %[1]ss: the stage each is in, and in how many namespaces it has started the applications.

What one waits for, and what became of each namespace, is in its status: see "kubectl describe actions NAME".`, d.kind),
		Example: fmt.Sprintf(`  # Follow the %[1]ss of a namespace.
  storkctl get %[1]s -n shop --watch`, d.kind),
		ValidArgsFunction: g.completeSome(&storkv1alpha1.ActionList{}, d.owns),
		RunE:              g.runGet(func() noun { return actionNoun(g, d) }),
	}
}

// owns tells whether an object is an Action in this direction.
func (d direction) owns(o client.Object) bool {
	action, ok := o.(*storkv1alpha1.Action)
	return ok && action.Spec.ActionType == d.kind
}

func actionNoun(g *globals, d direction) noun {
	return noun{
		resource:   "actions",
		namespaced: true,
		object:     &storkv1alpha1.Action{},
		list:       &storkv1alpha1.ActionList{},
		columns:    []string{"NAME", "CREATED", "STAGE", "STATUS", "MORE INFO"},
		rows: func(o client.Object) [][]any {
			a := o.(*storkv1alpha1.Action)
			return [][]any{{a.Name, g.timeCell(a.CreationTimestamp.Time), d.label(a.Status.Stage), string(a.Status.Status), d.info(a)}}
		},
		keep:     d.owns,
		misnamed: d.misnamed,
	}
}

// misnamed says what an Action is that is not of this direction.
func (d direction) misnamed(o client.Object) error {
	kind := o.(*storkv1alpha1.Action).Spec.ActionType
	return fmt.Errorf("%[1]s/%[2]s is no %[3]s but a %[4]s: see `storkctl get %[4]s %[2]s -n %[1]s`", o.GetNamespace(), o.GetName(), d.kind, kind)
}

// label is what Stork calls a stage.
func (d direction) label(stage storkv1alpha1.ActionStageType) string {
	switch stage {
	case storkv1alpha1.ActionStageInitial:
		return "Validations"
	case d.down:
		return fmt.Sprintf("Scale Down (on %s)", d.from)
	case storkv1alpha1.ActionStageWaitAfterScaleDown:
		return fmt.Sprintf("Waiting for Apps to Scale Down (on %s)", d.from)
	case storkv1alpha1.ActionStageLastMileMigration:
		return fmt.Sprintf("Last Mile Migration (from %s -> %s)", d.from, d.to)
	case d.up:
		return fmt.Sprintf("Scale Up (on %s)", d.to)
	case d.back:
		return fmt.Sprintf("Rolling Back Scale Down (on %s)", d.from)
	case storkv1alpha1.ActionStageFinal:
		return "Completed"
	default:
		return string(stage)
	}
}

// info says in one line how far an Action came, why no further, and what else there is to tell.
func (d direction) info(a *storkv1alpha1.Action) string {
	text := d.progress(a)
	for _, warning := range warningsOf(a) {
		text = because(text, "warning: "+warning)
	}
	return text
}

// warningsOf are what an Action has to tell its user beside its result.
func warningsOf(a *storkv1alpha1.Action) (warnings []string) {
	if warned := apimeta.FindStatusCondition(a.Status.Conditions, storkv1alpha1.ConditionWarned); warned != nil {
		warnings = strings.Split(warned.Message, "\n")
	}
	if fenced := apimeta.FindStatusCondition(a.Status.Conditions, storkv1alpha1.ConditionSourceFenced); fenced != nil && fenced.Status == metav1.ConditionFalse {
		warnings = append(warnings, fenced.Message)
	}
	return warnings
}

// progress says how far an Action came, and why no further.
func (d direction) progress(a *storkv1alpha1.Action) string {
	reason := strings.Join(strings.Fields(a.Status.Reason), " ")
	all := d.summary(a)
	states := map[storkv1alpha1.ActionStatusType]int{}
	for _, entry := range all {
		if entry != nil {
			states[entry.Status]++
		}
	}
	restored := states[storkv1alpha1.ActionStatusRollbackSuccessful]
	switch stage := a.Status.Stage; {
	case len(all) == 0:
		return reason
	case stage == d.back, restored+states[storkv1alpha1.ActionStatusRollbackFailed] > 0:
		return because(fmt.Sprintf("Rolled back Apps in : %d/%d namespaces", restored, len(all)), reason)
	case stage != d.up && stage != storkv1alpha1.ActionStageFinal:
		return reason
	}
	return because(fmt.Sprintf("Scaled up Apps in : %d/%d namespaces", states[storkv1alpha1.ActionStatusSuccessful], len(all)), reason)
}

func because(text, reason string) string {
	if text == "" || reason == "" {
		return text + reason
	}
	return text + " ; " + reason
}

// summary is what became of each namespace.
func (d direction) summary(a *storkv1alpha1.Action) []*storkv1alpha1.NamespaceActionSummary {
	switch {
	case a.Status.Summary == nil:
		return nil
	case d.kind == storkv1alpha1.ActionTypeFailback:
		return a.Status.Summary.FailbackSummary
	default:
		return a.Status.Summary.FailoverSummary
	}
}
