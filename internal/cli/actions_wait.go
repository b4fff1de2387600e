package cli

import (
	"context"
	"fmt"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// actionLine leaves room for the longest label of a stage.
const actionLine = "%-50s%-20s"

// waitForAction prints each stage of an Action until it is over, and returns an error unless it succeeded.
func (g *globals) waitForAction(ctx context.Context, c client.WithWatch, d direction, action *storkv1alpha1.Action) error {
	progress := newProgress(g.Out, printers.IsTerminal(g.Out), actionLine)
	var shown *storkv1alpha1.ActionStageType
	waitsFor := ""
	err := g.waitFor(ctx, c, &storkv1alpha1.ActionList{}, action, func(o client.Object) bool {
		action = o.(*storkv1alpha1.Action)
		// One line a stage, whatever its status on the way.
		if stage := action.Status.Stage; action.Status.Status != storkv1alpha1.ActionStatusInitial && (shown == nil || stage != *shown) {
			shown = &stage
			progress.show(d.label(action.Status.Stage), string(action.Status.Status), "")
		}
		g.tellHindrance(action, &waitsFor)
		return action.Status.Stage == storkv1alpha1.ActionStageFinal
	})
	progress.end()
	if err != nil {
		return err
	}
	return g.reportActionEnd(d, action)
}

// tellHindrance says what keeps an Action from going on, each time that it is something else.
func (g *globals) tellHindrance(action *storkv1alpha1.Action, told *string) {
	condition := apimeta.FindStatusCondition(action.Status.Conditions, storkv1alpha1.ConditionSucceeded)
	if condition == nil || condition.Status != metav1.ConditionUnknown || condition.Reason == storkv1alpha1.ReasonInProgress || condition.Message == *told {
		return
	}
	*told = condition.Message
	g.printlnErr("waiting: " + *told)
}

func (g *globals) reportActionEnd(d direction, action *storkv1alpha1.Action) error {
	for _, warning := range warningsOf(action) {
		g.printlnErr("warning: " + warning)
	}
	if action.Status.Status != storkv1alpha1.ActionStatusSuccessful {
		g.println(fmt.Sprintf("%s %s failed", d.title, action.Name))
		return fmt.Errorf("%s %s failed: %s; see `kubectl describe actions %s -n %s`", d.kind, action.Name, d.progress(action), action.Name, action.Namespace)
	}
	g.println(fmt.Sprintf("%s %s completed successfully: %s", d.title, action.Name, d.progress(action)))
	return nil
}
