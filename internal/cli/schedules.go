package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const schedulesUse = "migrationschedules"

// scheduleAliases are other names of the noun.
func scheduleAliases() []string { return []string{"migrationschedule"} }

func newGetSchedulesCommand(g *globals) *cobra.Command {
	filter := &pairFilter{}
	cmd := &cobra.Command{
		Use:               schedulesUse + " [NAME...]",
		Aliases:           scheduleAliases(),
		Short:             "Show MigrationSchedules",
		Long:              "Show MigrationSchedules, with the last of their Migrations that succeeded in everything.",
		Example:           "  storkctl get migrationschedules -n shop",
		ValidArgsFunction: g.completeObjects(&storkv1alpha1.MigrationScheduleList{}),
		RunE:              g.runGet(func() noun { return scheduleNoun(g, filter) }),
	}
	filter.addFlags(g, cmd, "clusterpair", "MigrationSchedules to show")
	return cmd
}

func scheduleNoun(g *globals, filter *pairFilter) noun {
	return noun{
		resource:   schedulesUse,
		namespaced: true,
		object:     &storkv1alpha1.MigrationSchedule{},
		list:       &storkv1alpha1.MigrationScheduleList{},
		columns:    []string{"NAME", "POLICYNAME", "CLUSTERPAIR", "SUSPEND", "LAST-SUCCESS-TIME", "LAST-SUCCESS-DURATION"},
		rows:       func(o client.Object) [][]any { return [][]any{g.scheduleCells(o.(*storkv1alpha1.MigrationSchedule))} },
		keep:       filter.matches,
	}
}

func (g *globals) scheduleCells(s *storkv1alpha1.MigrationSchedule) []any {
	finished, duration := lastSuccess(&s.Status)
	return []any{
		s.Name, s.Spec.SchedulePolicyName, s.Spec.Template.Spec.ClusterPair, s.Spec.Suspend != nil && *s.Spec.Suspend,
		g.timeCell(finished.Time), duration,
	}
}

// lastSuccess returns when the last successful Migration finished and how long it took. A part that arrived is no success.
func lastSuccess(status *storkv1alpha1.MigrationScheduleStatus) (finished metav1.Time, duration string) {
	if status.LastSuccessTime != nil {
		finished, duration = *status.LastSuccessTime, status.LastSuccessDuration
	}
	// A schedule that Stork ran has nothing but items.
	for _, items := range status.Items {
		for _, item := range items {
			if item == nil || item.Status != storkv1alpha1.MigrationStatusSuccessful ||
				item.CreationTimestamp == nil || item.FinishTimestamp == nil || !finished.Before(item.FinishTimestamp) {
				continue
			}
			finished, duration = *item.FinishTimestamp, item.FinishTimestamp.Sub(item.CreationTimestamp.Time).Round(time.Second).String()
		}
	}
	return finished, duration
}

func newDeleteSchedulesCommand(g *globals) *cobra.Command {
	return newScheduleVerbCommand(g, scheduleVerb{
		name:  "delete",
		short: "Delete MigrationSchedules",
		long: `Delete MigrationSchedules by name, or all those to a ClusterPair, along with their Migrations and their copies at the destination.
A policy that --interval made goes with its schedule. What was brought to the other cluster stays.`,
		done: "MigrationSchedule %s deleted successfully",
		act: func(ctx context.Context, c client.Client, key client.ObjectKey) error {
			return c.Delete(ctx, &storkv1alpha1.MigrationSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}})
		},
	})
}

func newSuspendSchedulesCommand(g *globals) *cobra.Command {
	return newScheduleVerbCommand(g, scheduleVerb{
		name:      "suspend",
		short:     "Start no further Migrations of MigrationSchedules",
		long:      "Start no further Migrations of MigrationSchedules, by name, or of all those to a ClusterPair. A Migration that runs goes on.",
		done:      "MigrationSchedule %s suspended successfully",
		originals: true,
		act: func(ctx context.Context, c client.Client, key client.ObjectKey) error {
			return setSuspend(ctx, c, key, true)
		},
	})
}

func newResumeSchedulesCommand(g *globals) *cobra.Command {
	return newScheduleVerbCommand(g, scheduleVerb{
		name:  "resume",
		short: "Start Migrations of suspended MigrationSchedules again",
		long: `Start Migrations of suspended MigrationSchedules again, by name, or of all those to a ClusterPair. A schedule with autoSuspend whose
applications run at the destination is suspended again, and resumes by itself when they are back.`,
		done:      "MigrationSchedule %s resumed successfully",
		originals: true,
		act: func(ctx context.Context, c client.Client, key client.ObjectKey) error {
			return setSuspend(ctx, c, key, false)
		},
	})
}

// scheduleVerb is something to do to schedules by name, or to all those to a ClusterPair.
type scheduleVerb struct {
	name, short, long string
	// done is what to print of a schedule, a format for its name.
	done string
	// originals leaves out the copies that a source keeps here when schedules are chosen by their ClusterPair.
	originals bool
	act       func(context.Context, client.Client, client.ObjectKey) error
}

func newScheduleVerbCommand(g *globals, verb scheduleVerb) *cobra.Command {
	filter := &pairFilter{originals: verb.originals}
	cmd := &cobra.Command{
		Use:     schedulesUse + " NAME... | --clusterPair PAIR",
		Aliases: scheduleAliases(),
		Short:   verb.short,
		Long:    verb.long,
		Example: fmt.Sprintf(`  storkctl %[1]s migrationschedules nightly hourly -n shop

  # All schedules of the namespace that migrate to one cluster.
  storkctl %[1]s migrationschedules -n shop --clusterPair remote`, verb.name),
		ValidArgsFunction: g.completeObjects(&storkv1alpha1.MigrationScheduleList{}),
		RunE: func(cmd *cobra.Command, names []string) error {
			return g.runScheduleVerb(cmd.Context(), verb, filter, names)
		},
	}
	filter.addFlags(g, cmd, "clusterPair", "MigrationSchedules to "+verb.name)
	return cmd
}

func (g *globals) runScheduleVerb(ctx context.Context, verb scheduleVerb, filter *pairFilter, names []string) error {
	if filter.empty() && len(names) == 0 {
		return errors.New("at least one argument needs to be provided for migration schedule name if cluster pair isn't provided")
	}
	c, err := g.client()
	if err != nil {
		return err
	}
	names, err = g.choose(ctx, c, &storkv1alpha1.MigrationScheduleList{}, filter, names)
	if err != nil {
		return err
	}
	return g.forEach(names, verb.done, func(name string) error {
		return verb.act(ctx, c, client.ObjectKey{Namespace: g.namespace, Name: name})
	})
}

// setSuspend refuses copies: they start nothing in any case, and follow their source in everything else.
func setSuspend(ctx context.Context, c client.Client, key client.ObjectKey, suspend bool) error {
	s := &storkv1alpha1.MigrationSchedule{}
	if err := c.Get(ctx, key, s); err != nil {
		return err
	}
	if isCopy(s) {
		return fmt.Errorf("MigrationSchedule %s is the copy of a schedule in another cluster and starts nothing here: run the command in that cluster", key)
	}
	return c.Patch(ctx, s, client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"suspend":%t}}`, suspend)))
}

// isCopy tells whether a MigrationSchedule is the copy of one in another cluster.
func isCopy(object client.Object) bool {
	_, copied := object.GetAnnotations()[storkv1alpha1.AnnotationStaticCopy]
	return copied
}
