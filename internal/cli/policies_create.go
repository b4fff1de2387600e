package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

// The flags of `create schedulepolicy` that only some types of policies have.
const (
	flagIntervalMinutes = "interval-minutes"
	flagTime            = "time"
	flagFullDay         = "force-full-snapshot-day"
	flagDayOfWeek       = "day-of-week"
	flagDateOfMonth     = "date-of-month"
)

// createPolicy are the flags of `create schedulepolicy`.
type createPolicy struct {
	*globals
	kind            policyKind
	policyType      string
	intervalMinutes int
	retain          int
	timeOfDay       string
	fullDay         string
	dayOfWeek       string
	dateOfMonth     int
}

func newCreatePolicyCommand(g *globals, kind policyKind) *cobra.Command {
	o := &createPolicy{globals: g, kind: kind}
	scope := "which schedules of all namespaces can run by"
	if kind.namespaced {
		scope = "which schedules of its namespace run by, before a SchedulePolicy of the same name"
	}
	cmd := &cobra.Command{
		Use:     kind.use + " NAME",
		Aliases: kind.aliases,
		Short:   "Create a " + kind.title,
		Long: fmt.Sprintf(`Create a %s, %s.

A policy made here triggers in one way; a manifest may combine several, and has more: fortnights, the second Tuesday of a
month, some months only, a time zone. Times are in the zone of the operator, which is UTC unless it was told otherwise.`, kind.title, scope),
		Example: fmt.Sprintf(`  storkctl create %[1]s half-hourly --interval-minutes 30
  storkctl create %[1]s nightly --policy-type Daily --time 2:30AM
  storkctl create %[1]s weekend --policy-type Weekly --day-of-week Saturday --time 11:00PM
  storkctl create %[1]s month-end --policy-type Monthly --date-of-month 28 --time 11:00PM`, kind.use),
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), cmd.Flags(), args) },
	}
	o.addFlags(cmd)
	return cmd
}

func (o *createPolicy) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.policyType, "policy-type", "t", "Interval", "What triggers: Interval, Daily, Weekly or Monthly")
	flags.IntVarP(&o.intervalMinutes, flagIntervalMinutes, "i", 30, "Minutes between two runs of an Interval policy")
	flags.IntVar(&o.retain, "retain", 0, "Number of results to keep; 0 means 10 for Interval, 30 for Daily, 7 for Weekly, 12 for Monthly")
	flags.StringVar(&o.timeOfDay, flagTime, "12:00AM", "Time of day of a Daily, Weekly or Monthly policy, such as 3:04PM")
	flags.StringVar(&o.fullDay, flagFullDay, "Monday", "Day of the week on which snapshots by a Daily policy are full; migrations do not use it")
	flags.StringVar(&o.dayOfWeek, flagDayOfWeek, "Sunday", "Day of a Weekly policy, long or short, such as Sunday or sun")
	flags.IntVar(&o.dateOfMonth, flagDateOfMonth, 1, "Day of the month of a Monthly policy; where a month lacks it, the run is as many days into the next one")
	types := []string{"Interval", "Daily", "Weekly", "Monthly"}
	days := []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	completeFlag(cmd, flagDayOfWeek, cobra.FixedCompletions(days, cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, flagFullDay, cobra.FixedCompletions(days, cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, "policy-type", cobra.FixedCompletions(types, cobra.ShellCompDirectiveNoFileComp))
}

func (o *createPolicy) run(ctx context.Context, flags *pflag.FlagSet, args []string) error {
	if len(args) != 1 {
		return errors.New("exactly one name needs to be provided for schedule policy name")
	}
	item, err := o.item(flags)
	if err != nil {
		return err
	}
	c, err := o.client()
	if err != nil {
		return err
	}
	policy := o.kind.empty(o.kind.key(o.namespace, args[0]))
	*policyIn(policy) = item
	if err := c.Create(ctx, policy); err != nil {
		return err
	}
	o.println(fmt.Sprintf("Schedule policy %s created successfully", args[0]))
	return nil
}

// item returns what the flags ask for. Days are written in lower case, as Stork's command does.
func (o *createPolicy) item(flags *pflag.FlagSet) (storkv1alpha1.SchedulePolicyItem, error) {
	item := storkv1alpha1.SchedulePolicyItem{}
	at := storkv1alpha1.KitchenTime(o.timeOfDay)
	var used []string
	var others string
	switch strings.ToLower(o.policyType) {
	case "interval":
		used, others = []string{flagIntervalMinutes}, "for an Interval SchedulePolicy you can only provide values for --interval-minutes and --retain flags"
		item.Interval = &storkv1alpha1.IntervalPolicy{IntervalMinutes: o.intervalMinutes, Retain: o.retain}
	case "daily":
		used, others = []string{flagTime, flagFullDay}, "for a Daily SchedulePolicy you can only provide values for --time, --retain and --force-full-snapshot-day flags"
		item.Daily = &storkv1alpha1.DailyPolicy{Time: at, Retain: o.retain, ForceFullSnapshotDay: strings.ToLower(o.fullDay)}
	case "weekly":
		used, others = []string{flagTime, flagDayOfWeek}, "for a Weekly SchedulePolicy you can only provide values for --time, --day-of-week and --retain flags"
		item.Weekly = &storkv1alpha1.WeeklyPolicy{Day: storkv1alpha1.Weekday(strings.ToLower(o.dayOfWeek)), Time: at, Retain: o.retain}
	case "monthly":
		used, others = []string{flagTime, flagDateOfMonth}, "for a Monthly SchedulePolicy you can only provide values for --time, --date-of-month and --retain flags"
		item.Monthly = &storkv1alpha1.MonthlyPolicy{Date: o.dateOfMonth, Time: at, Retain: o.retain}
	default:
		return item, errors.New("need to provide a valid schedule policy type. Valid schedule types are Interval, Daily, Weekly and Monthly")
	}
	if o.retain < 0 {
		return item, errors.New("need to provide a valid value for retain. It should be a positive integer")
	}
	if givesOtherThan(flags, used) {
		return item, errors.New(others)
	}
	return item, o.check(item)
}

// givesOtherThan tells whether one of the flags of policies is given that this type does not use.
func givesOtherThan(flags *pflag.FlagSet, used []string) bool {
	return slices.ContainsFunc([]string{flagIntervalMinutes, flagTime, flagFullDay, flagDayOfWeek, flagDateOfMonth}, func(name string) bool {
		return flags.Changed(name) && !slices.Contains(used, name)
	})
}

// check refuses what no schedule could run by.
func (o *createPolicy) check(item storkv1alpha1.SchedulePolicyItem) error {
	if item.Daily != nil {
		if _, err := schedule.ParseWeekday(item.Daily.ForceFullSnapshotDay); err != nil {
			return fmt.Errorf("invalid day of the week (%s) in policy.daily.forceFullSnapshotDay: %w", o.fullDay, err)
		}
	}
	_, err := schedule.Parse(item, nil)
	return err
}
