package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

// exitInterrupted is what shells report for a program that an interrupt ended.
const exitInterrupted = 130

// Options are what the commands need from the process that runs them.
type Options struct {
	genericiooptions.IOStreams
	// Version is what `storkctl version` prints.
	Version string
	// Clock measures how long a Migration has been running and bounds --wait.
	Clock clock.WithDelayedExecution
	// Location is the time zone that times are printed in.
	Location *time.Location
	// Interactive tells that somebody at a terminal can answer questions on In.
	Interactive bool
}

// NewCommand returns storkctl with all its commands. Run it with Execute, which reports errors.
func NewCommand(options Options) *cobra.Command {
	g := &globals{Options: options}
	root := &cobra.Command{
		Use:               "storkctl",
		Short:             "Move applications between clusters",
		Long:              "storkctl works with the objects that move applications between clusters: ClusterPairs, Migrations and what belongs to them.",
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return g.validate() },
		Args:              knownCommand,
		RunE:              showHelp,
	}
	root.SetIn(options.In)
	root.SetOut(options.Out)
	root.SetErr(options.ErrOut)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w\nSee '%s --help' for usage", err, cmd.CommandPath())
	})
	g.addFlags(root)
	root.AddCommand(
		newVerb("activate", "Start what migrations brought", newActivateMigrationsCommand(g)),
		newCreateVerb(g),
		newVerb("deactivate", "Stop what migrations brought", newDeactivateMigrationsCommand(g)),
		newDeleteVerb(g),
		newGenerateVerb(g),
		newGetVerb(g),
		newPerformVerb(g),
		newVerb("resume", "Resume what is suspended", newResumeSchedulesCommand(g)),
		newVerb("suspend", "Suspend what runs by a schedule", newSuspendSchedulesCommand(g)),
		newVersionCommand(g),
	)
	return root
}

// Execute runs cmd, prints what went wrong on its error stream, and returns the exit code for the process: 1 for an error, 130
// when ctx was cancelled.
func Execute(ctx context.Context, cmd *cobra.Command) int {
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	interrupted := ctx.Err() != nil && errors.Is(err, context.Canceled)
	for _, e := range each(err) {
		// An interrupt is no news to the one who sent it.
		if !interrupted || !errors.Is(e, context.Canceled) {
			_, _ = fmt.Fprintln(cmd.ErrOrStderr(), message(e))
		}
	}
	if interrupted {
		return exitInterrupted
	}
	return 1
}

// newVerb returns a command that only groups others. Without a name of one of them it prints its help.
func newVerb(use, short string, nouns ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: knownCommand, RunE: showHelp}
	cmd.AddCommand(nouns...)
	return cmd
}

func newGetVerb(g *globals) *cobra.Command {
	cmd := newVerb("get", "Show objects", newGetMigrationsCommand(g), newGetClusterPairCommand(g), newGetApplicationRegistrationsCommand(g))
	cmd.AddCommand(newGetSchedulesCommand(g), newGetPolicyCommand(g, clusterPolicies()), newGetPolicyCommand(g, namespacedPolicies()))
	cmd.AddCommand(newGetActionsCommand(g, failover()), newGetActionsCommand(g, failback()))
	cmd.PersistentFlags().BoolVarP(&g.allNamespaces, "all-namespaces", "A", false, "Show objects of all namespaces, with a column that names theirs")
	return cmd
}

func newCreateVerb(g *globals) *cobra.Command {
	cmd := newVerb("create", "Create objects", newCreateMigrationsCommand(g), newCreateClusterPairCommand(g))
	cmd.AddCommand(newCreateSchedulesCommand(g), newCreatePolicyCommand(g, clusterPolicies()), newCreatePolicyCommand(g, namespacedPolicies()))
	return cmd
}

func newDeleteVerb(g *globals) *cobra.Command {
	cmd := newVerb("delete", "Delete objects", newDeleteMigrationsCommand(g), newDeleteSchedulesCommand(g))
	cmd.AddCommand(newDeletePolicyCommand(g, clusterPolicies()), newDeletePolicyCommand(g, namespacedPolicies()))
	return cmd
}

func newGenerateVerb(g *globals) *cobra.Command {
	// A command that cobra is told is deprecated is in no help, and yet it is the way for those who may not reach both clusters at once.
	cmd := newVerb("generate", "Print the specification of an object (deprecated)", newGenerateClusterPairCommand(g))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		g.printlnErr("Command \"generate\" is deprecated, use `storkctl create clusterpair`, which pairs both clusters at once")
		return showHelp(cmd, args)
	}
	return cmd
}

// knownCommand refuses what is not the name of a subcommand, for which cobra would print the help and report success.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unknown command %q for %q\nSee '%s --help' for usage", args[0], cmd.CommandPath(), cmd.CommandPath())
}

func showHelp(cmd *cobra.Command, _ []string) error {
	return cmd.Help()
}
