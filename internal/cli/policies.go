package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

// policyKind is one of the two kinds of policies, whose commands differ in nothing but their scope.
type policyKind struct {
	noun
	// use and aliases are the names of the noun; title is that of the kind.
	use     string
	aliases []string
	title   string
}

func clusterPolicies() policyKind {
	return policyKind{
		use: "schedulepolicy", aliases: []string{"sp", "schedulepolicies"}, title: "SchedulePolicy",
		noun: policyNoun("schedulepolicies", false, &storkv1alpha1.SchedulePolicy{}, &storkv1alpha1.SchedulePolicyList{}),
	}
}

func namespacedPolicies() policyKind {
	return policyKind{
		use: "namespacedschedulepolicy", aliases: []string{"nsp", "namespacedschedulepolicies"}, title: "NamespacedSchedulePolicy",
		noun: policyNoun("namespacedschedulepolicies", true, &storkv1alpha1.NamespacedSchedulePolicy{}, &storkv1alpha1.NamespacedSchedulePolicyList{}),
	}
}

func policyNoun(resource string, namespaced bool, object client.Object, list client.ObjectList) noun {
	return noun{
		resource: resource, namespaced: namespaced, object: object, list: list,
		columns: []string{"NAME", "INTERVAL-MINUTES", "DAILY", "WEEKLY", "MONTHLY"},
		rows: func(o client.Object) [][]any {
			policy := policyIn(o)
			return [][]any{{o.GetName(), intervalCell(policy), dailyCell(policy), weeklyCell(policy), monthlyCell(policy)}}
		},
	}
}

// policyIn returns the part of a policy of either kind that says when.
func policyIn(object client.Object) *storkv1alpha1.SchedulePolicyItem {
	if namespaced, ok := object.(*storkv1alpha1.NamespacedSchedulePolicy); ok {
		return &namespaced.Policy
	}
	return &object.(*storkv1alpha1.SchedulePolicy).Policy
}

func newGetPolicyCommand(g *globals, kind policyKind) *cobra.Command {
	return &cobra.Command{
		Use:     kind.use + " [NAME...]",
		Aliases: kind.aliases,
		Short:   "Show " + kind.plural(),
		Long: "Show " + kind.plural() + `: N/A is what does not trigger, Invalid what is written wrongly and keeps all of the policy from being
used. 14@8:05PM is the 14th of each month; Tuesday#2@8:05PM is the second Tuesday, and Tuesday#last the last.`,
		Example:           "  storkctl get " + kind.use + " nightly",
		ValidArgsFunction: g.completeObjects(kind.list),
		RunE:              g.runGet(func() noun { return kind.noun }),
	}
}

func (k policyKind) plural() string { return strings.TrimSuffix(k.title, "y") + "ies" }

// What a policy's cell shows for a section that is not set, or that no schedule can run by.
const (
	cellNone    = "N/A"
	cellInvalid = "Invalid"
)

// sectionCell returns a cell's text if the section alone is a policy to run by.
func sectionCell(section storkv1alpha1.SchedulePolicyItem, text string) string {
	if _, err := schedule.Parse(section, nil); err != nil {
		return cellInvalid
	}
	return text
}

func intervalCell(p *storkv1alpha1.SchedulePolicyItem) string {
	if p.Interval == nil {
		return cellNone
	}
	return sectionCell(storkv1alpha1.SchedulePolicyItem{Interval: p.Interval}, strconv.Itoa(p.Interval.IntervalMinutes))
}

func dailyCell(p *storkv1alpha1.SchedulePolicyItem) string {
	if p.Daily == nil {
		return cellNone
	}
	return sectionCell(storkv1alpha1.SchedulePolicyItem{Daily: p.Daily}, string(p.Daily.Time))
}

func weeklyCell(p *storkv1alpha1.SchedulePolicyItem) string {
	if p.Weekly == nil {
		return cellNone
	}
	text := fmt.Sprintf("%s@%s", p.Weekly.Day, p.Weekly.Time)
	if p.Weekly.Biweekly {
		text += " (biweekly)"
	}
	return sectionCell(storkv1alpha1.SchedulePolicyItem{Weekly: p.Weekly}, text)
}

func monthlyCell(p *storkv1alpha1.SchedulePolicyItem) string {
	if p.Monthly == nil {
		return cellNone
	}
	return sectionCell(storkv1alpha1.SchedulePolicyItem{Monthly: p.Monthly}, monthlyText(p.Monthly))
}

// monthlyText shows the form that is followed where there are several.
func monthlyText(m *storkv1alpha1.MonthlyPolicy) string {
	const last = 5
	switch selective, relative := m.SelectiveMonthlyPolicy, m.RelativeMonthlyPolicy; {
	case selective != nil && selective.Months != "":
		return fmt.Sprintf("%d@%s (%s)", selective.Date, selective.Time, selective.Months)
	case selective != nil:
		return fmt.Sprintf("%d@%s", selective.Date, selective.Time)
	case relative != nil && relative.WeeklyIndex == last:
		return fmt.Sprintf("%s#last@%s", relative.Day, relative.Time)
	case relative != nil:
		return fmt.Sprintf("%s#%d@%s", relative.Day, relative.WeeklyIndex, relative.Time)
	default:
		return fmt.Sprintf("%d@%s", m.Date, m.Time)
	}
}

func newDeletePolicyCommand(g *globals, kind policyKind) *cobra.Command {
	return &cobra.Command{
		Use:               kind.use + " NAME...",
		Aliases:           kind.aliases,
		Short:             "Delete " + kind.plural(),
		Long:              "Delete " + kind.plural() + ". One that a schedule runs by, also a suspended one, is not deleted.",
		Example:           "  storkctl delete " + kind.use + " nightly",
		ValidArgsFunction: g.completeObjects(kind.list),
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return errors.New("at least one argument needs to be provided for schedule policy name")
			}
			c, err := g.client()
			if err != nil {
				return err
			}
			return g.forEach(names, "Schedule policy %s deleted successfully", func(name string) error {
				return kind.deleteUnused(cmd.Context(), c, kind.key(g.namespace, name))
			})
		},
	}
}

func (k policyKind) key(namespace, name string) client.ObjectKey {
	if !k.namespaced {
		namespace = ""
	}
	return client.ObjectKey{Namespace: namespace, Name: name}
}

// empty returns a new policy of the kind with nothing but a name.
func (k policyKind) empty(key client.ObjectKey) client.Object {
	policy := k.object.DeepCopyObject().(client.Object)
	policy.SetNamespace(key.Namespace)
	policy.SetName(key.Name)
	return policy
}
