package rule

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

func TestValidate(t *testing.T) {
	command := func(value string) storkv1alpha1.RuleAction {
		return storkv1alpha1.RuleAction{Type: "command", Value: value}
	}
	background := func(value string) storkv1alpha1.RuleAction {
		return storkv1alpha1.RuleAction{Type: "command", Value: value, Background: true}
	}
	tests := map[string]struct {
		phase    Phase
		selector map[string]string
		actions  []storkv1alpha1.RuleAction
		want     []string
	}{
		"accepts a rule without actions":                {},
		"accepts a command before and after":            {phase: Post, actions: []storkv1alpha1.RuleAction{command("sync")}},
		"accepts a background command before":           {actions: []storkv1alpha1.RuleAction{background("lock && ${WAIT_CMD}")}},
		"refuses a background command after":            {phase: Post, actions: []storkv1alpha1.RuleAction{background("${WAIT_CMD}")}, want: []string{"rules[0].actions[0]: background actions are not supported for post exec rules"}},
		"refuses a background command that never waits": {actions: []storkv1alpha1.RuleAction{background("lock; $WAIT_CMD")}, want: []string{"rules[0].actions[0]: value has no ${WAIT_CMD}"}},
		"refuses an empty command":                      {actions: []storkv1alpha1.RuleAction{command(" \n")}, want: []string{"rules[0].actions[0]: value is empty"}},
		"refuses a selector that no pod can match":      {selector: map[string]string{"a": "not valid"}, want: []string{"rules[0].podSelector: "}},
		"names all problems, with Stork's words": {
			actions: []storkv1alpha1.RuleAction{{Type: "script", Value: "x"}, command("sync"), command("")},
			want:    []string{"rules[0].actions[0]: unsupported action type: script in rule: [ns] freeze", "rules[0].actions[2]: value is empty"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rule := &storkv1alpha1.Rule{
				ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "freeze"},
				Rules:      []storkv1alpha1.RuleItem{{PodSelector: test.selector, Actions: test.actions}},
			}
			err := Validate(rule, test.phase)
			if (err == nil) != (len(test.want) == 0) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s in it", err, want)
				}
			}
		})
	}
	t.Run("refuses no rule at all", func(t *testing.T) {
		if Validate(nil, Pre) == nil {
			t.Error("no error")
		}
	})
}
