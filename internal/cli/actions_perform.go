package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// maxNameLength is the longest name of an object.
const maxNameLength = 253

// performAction are the flags of `perform failover` and `perform failback`.
type performAction struct {
	*globals
	direction
	reference            string
	filter               actionFilter
	skipLastMile         bool
	skipSource           bool
	skipDomainDeactivate bool
	force                bool
	wait                 bool
}

func newPerformVerb(g *globals) *cobra.Command {
	return newVerb("perform", "Fail applications over or back", newPerformFailoverCommand(g), newPerformFailbackCommand(g))
}

func newPerformFailoverCommand(g *globals) *cobra.Command {
	o := &performAction{globals: g, direction: failover()}
	cmd := o.command("Fail applications over to this cluster", `Fail the applications of a MigrationSchedule over to this cluster, the destination of their migrations: stop them at the source and
suspend the schedule there, migrate once more, and start them here. Whatever step fails, what was done is undone.

--migration-reference names the copy of the schedule that its operator keeps here, in the namespace of --namespace.

With --skip-source-operations, for a source that is lost, nothing is done there. Then it is for you to make sure that the
applications do not run there, now and when the source comes back: otherwise both clusters run them and their data part ways.

Cluster domains of storage that is stretched over both clusters are neither deactivated nor activated.

The command asks before it goes on with --skip-source-operations, and where the last Migration failed or did not bring everything;
--force answers yes.`, `  # Fail over everything that the schedule migrates, and wait for the end.
  storkctl perform failover -m nightly -n shop --wait

  # The source is lost, and somebody made sure that it stays off.
  storkctl perform failover -m nightly -n shop --skip-source-operations

  # Only one of the namespaces, and only what belongs to one application.
  storkctl perform failover -m nightly -n kube-system --include-namespaces shop --selectors app=web`)
	flags := cmd.Flags()
	flags.BoolVar(&o.skipSource, "skip-source-operations", false, "Do nothing at the source, which must be stopped by other means")
	flags.BoolVar(&o.skipDomainDeactivate, "skip-source-cluster-domain-deactivation", false, "Makes no difference: cluster domains are never deactivated. Kept for scripts made for Stork")
	return cmd
}

func newPerformFailbackCommand(g *globals) *cobra.Command {
	o := &performAction{globals: g, direction: failback()}
	return o.command("Fail applications back from this cluster", `Fail applications back from this cluster, where they have run since a failover, to their first one: stop them here and suspend the
schedule that migrates back, migrate once more, and start them there. Whatever step fails, what was done is undone.

--migration-reference names the schedule of this cluster that migrates back. Its last Migration must be recent and have arrived;
the command asks before it goes on if not everything did, and --force answers yes.`, `  # Fail back everything that the schedule migrates, and wait for the end.
  storkctl perform failback -m reverse-nightly -n shop --wait`)
}

// command has the flags that both directions have.
func (o *performAction) command(short, long, example string) *cobra.Command {
	cmd := &cobra.Command{
		Use:               string(o.kind) + " --migration-reference NAME",
		Short:             short,
		Long:              long,
		Example:           example,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.reference, "migration-reference", "m", "", "Name of the MigrationSchedule in the namespace")
	flags.BoolVar(&o.skipLastMile, "skip-last-mile-migration", false, "Do not migrate once more after the applications were stopped")
	flags.BoolVar(&o.force, "force", false, "Ask nothing")
	flags.BoolVar(&o.wait, "wait", false, fmt.Sprintf("Print a line for each stage until the %s is over; the exit code tells whether it failed", o.kind))
	o.filter.addFlags(o.globals, cmd)
	completeFlag(cmd, "migration-reference", o.completeSome(&storkv1alpha1.MigrationScheduleList{}, func(s client.Object) bool {
		return isCopy(s) == (o.kind == storkv1alpha1.ActionTypeFailover)
	}))
	return cmd
}

// run checks all that can be checked here before it creates anything.
func (o *performAction) run(ctx context.Context) error {
	if o.reference == "" {
		return fmt.Errorf("reference MigrationSchedule name needs to be provided for %s", o.kind)
	}
	filter, err := o.filter.api()
	if err != nil {
		return err
	}
	if o.skipLastMile {
		filter.SkipLastMileMigration = new(true)
	}
	c, err := o.client()
	if err != nil {
		return err
	}
	schedule, err := o.schedule(ctx, c)
	if err != nil {
		return err
	}
	pair, err := o.pair(ctx, c, schedule)
	if err != nil {
		return err
	}
	namespaces, err := o.namespaces(ctx, c, schedule, &filter)
	if err != nil {
		return err
	}
	if err := o.confirm(ctx, c, schedule, pair); err != nil {
		return err
	}
	action := o.action(namespaces, filter)
	if err := c.Create(ctx, action); err != nil {
		return err
	}
	o.println(fmt.Sprintf("Started %s for MigrationSchedule %s/%s", o.kind, o.namespace, o.reference))
	o.println(fmt.Sprintf("To check %[1]s status use the command : `storkctl get %[1]s %[2]s -n %[3]s`", o.kind, action.Name, action.Namespace))
	if o.wait {
		return o.waitForAction(ctx, c, o.direction, action)
	}
	return nil
}

// schedule reads the MigrationSchedule, and refuses it in the wrong cluster.
func (o *performAction) schedule(ctx context.Context, c client.Client) (*storkv1alpha1.MigrationSchedule, error) {
	schedule := &storkv1alpha1.MigrationSchedule{}
	err := c.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: o.reference}, schedule)
	switch copied := isCopy(schedule); {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("unable to find the reference MigrationSchedule %s in the %s namespace", o.reference, o.namespace)
	case err != nil:
		return nil, err
	case o.kind == storkv1alpha1.ActionTypeFailover && !copied:
		return nil, errors.New("ensure that `storkctl perform failover` is run in the cluster you want to failover to")
	case o.kind == storkv1alpha1.ActionTypeFailback && copied:
		return nil, fmt.Errorf("MigrationSchedule %s/%s is the copy of a schedule in another cluster: name the one that migrates back, "+
			"and ensure that `storkctl perform failback` is run in the cluster you want to failback from", o.namespace, o.reference)
	}
	return schedule, nil
}

// pair reads the ClusterPair to the other cluster. It is nil where the other cluster is left alone.
func (o *performAction) pair(ctx context.Context, c client.Client, schedule *storkv1alpha1.MigrationSchedule) (*storkv1alpha1.ClusterPair, error) {
	if o.skipSource {
		return nil, nil
	}
	key, err := pairKey(ctx, c, schedule.Namespace, &schedule.Spec.Template.Spec)
	if err != nil {
		return nil, err
	}
	pair := &storkv1alpha1.ClusterPair{}
	err = c.Get(ctx, key, pair)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("unable to find the ClusterPair %s in the %s namespace", key.Name, key.Namespace)
	}
	return pair, err
}

func (o *performAction) action(namespaces []string, filter storkv1alpha1.ActionFilter) *storkv1alpha1.Action {
	action := &storkv1alpha1.Action{Spec: storkv1alpha1.ActionSpec{ActionType: o.kind}}
	action.Name, action.Namespace = o.actionName(), o.namespace
	if o.kind == storkv1alpha1.ActionTypeFailback {
		action.Spec.ActionParameter.FailbackParameter = storkv1alpha1.FailbackParameter{
			FailbackNamespaces: namespaces, MigrationScheduleReference: o.reference, ActionFilter: filter,
		}
		return action
	}
	action.Spec.ActionParameter.FailoverParameter = storkv1alpha1.FailoverParameter{
		FailoverNamespaces: namespaces, MigrationScheduleReference: o.reference, ActionFilter: filter,
		// Stork's operator needs it to be there.
		SkipSourceOperations: &o.skipSource,
	}
	if o.skipDomainDeactivate {
		action.Spec.ActionParameter.FailoverParameter.SkipSourceClusterDomainDeactivation = new(true)
	}
	return action
}

// actionName is Stork's: the type, the schedule, of which the end is cut off if need be, and the time.
func (o *performAction) actionName() string {
	prefix, suffix := string(o.kind)+"-", "-"+o.Clock.Now().UTC().Format("2006-01-02-150405")
	schedule := o.reference
	if limit := maxNameLength - len(prefix) - len(suffix); len(schedule) > limit {
		schedule = strings.TrimRight(schedule[:limit], "-.")
	}
	return prefix + schedule + suffix
}
