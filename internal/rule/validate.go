package rule

import (
	"errors"
	"fmt"
	"strings"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Phase is when a Rule runs.
type Phase int

const (
	// Pre is before the step that a Rule is for.
	Pre Phase = iota
	// Post is after it.
	Post
)

// waitPlaceholder is what stands in a background command where it shall wait. As in Stork it is replaced in the text of the
// command, because it often stands in quotes, for example in a statement for a database's client.
const waitPlaceholder = "${WAIT_CMD}"

// Validate returns everything that keeps a Rule from running in a phase, joined; nil if nothing does.
func Validate(rule *storkv1alpha1.Rule, phase Phase) error {
	if rule == nil {
		return errors.New("there is no rule")
	}
	var problems []error
	for i, item := range rule.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		if err := storkv1alpha1.CheckSelectors(path+".podSelector", item.PodSelector); err != nil {
			problems = append(problems, err)
		}
		for j, action := range item.Actions {
			if err := validateAction(rule, action, phase); err != nil {
				problems = append(problems, fmt.Errorf("%s.actions[%d]: %w", path, j, err))
			}
		}
	}
	return utilerrors.NewAggregate(problems)
}

func validateAction(rule *storkv1alpha1.Rule, action storkv1alpha1.RuleAction, phase Phase) error {
	switch {
	case action.Type != storkv1alpha1.RuleActionCommand:
		return fmt.Errorf("unsupported action type: %s in rule: [%s] %s", action.Type, rule.Namespace, rule.Name)
	case action.Background && phase == Post:
		return errors.New("background actions are not supported for post exec rules")
	case strings.TrimSpace(action.Value) == "":
		return errors.New("value is empty: it must be a command for sh -c")
	case action.Background && !strings.Contains(action.Value, waitPlaceholder):
		return fmt.Errorf("value has no %s: a background command needs it where it shall wait for the next step", waitPlaceholder)
	}
	return nil
}
