package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/internal/workload"
)

// activationWorkers is how many objects are read or written at once.
const activationWorkers = 10

// activation is one run of `activate migrations` or `deactivate migrations`.
type activation struct {
	*globals
	everywhere bool
	// activate tells whether applications are started or stopped.
	activate bool

	client        client.Client
	discovery     discovery.DiscoveryInterfaceWithContext
	dynamic       dynamic.Interface
	registrations workload.Registrations
	kinds         []activatedKind
	namespaces    []corev1.Namespace
}

// task is what there is to do with one object.
type task struct {
	namespace string
	// rank is the place of its kind in the output.
	rank int
	name string
	run  func(context.Context) outcome
}

// outcome is what a task tells the user.
type outcome struct {
	lines    []string
	warnings []string
	failures []string
}

func newActivateMigrationsCommand(g *globals) *cobra.Command {
	return newActivationCommand(&activation{globals: g, activate: true}, "Start the applications that migrations brought",
		`Start the applications that migrations brought into a namespace of this cluster: workloads get back the replicas that they had
at the source, suspended ones are resumed, and custom resources that were kept in ConfigMaps are created. Objects that no
migration brought are left alone.

MigrationSchedules that migrate the namespace are told: with autoSuspend, the source then suspends them.`)
}

func newDeactivateMigrationsCommand(g *globals) *cobra.Command {
	return newActivationCommand(&activation{globals: g}, "Stop the applications that migrations brought",
		`Stop the applications that migrations brought into a namespace of this cluster, so that they can be migrated over again. What
they were is remembered for their next start. Objects that no migration brought are left alone.`)
}

func newActivationCommand(a *activation, short, long string) *cobra.Command {
	cmd := &cobra.Command{
		Use:               migrationsUse,
		Aliases:           migrationAliases(),
		Short:             short,
		Long:              long,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context()) },
	}
	cmd.Flags().BoolVarP(&a.everywhere, "all-namespaces", "a", false, "Do so in all namespaces")
	return cmd
}

func (a *activation) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{a.connect, a.findNamespaces, a.findRegistrations, a.findKinds} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	workloads, origins, failures := a.workloadTasks(ctx)
	stashed, err := a.stashTasks(ctx)
	if err != nil {
		failures = append(failures, fmt.Sprintf("Error listing stashed configmaps: %v", err))
	}
	for _, failure := range failures {
		a.printlnErr(failure)
	}
	failed := len(failures) + a.runAll(ctx, append(workloads, stashed...))
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.markSchedules(ctx, origins); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d errors, see above: run the command again once their causes are gone", failed)
	}
	return nil
}

func (a *activation) connect(context.Context) error {
	config, err := a.restConfig()
	if err != nil {
		return err
	}
	if a.client, err = newClient(config); err != nil {
		return err
	}
	plain, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	a.discovery = plain
	a.dynamic, err = dynamic.NewForConfig(config)
	return err
}

// findNamespaces reads the namespaces to act on. A user who may not read namespaces may still act in one.
func (a *activation) findNamespaces(ctx context.Context) error {
	if a.everywhere {
		list := &corev1.NamespaceList{}
		err := a.client.List(ctx, list)
		a.namespaces = list.Items
		return err
	}
	namespace := corev1.Namespace{}
	err := a.client.Get(ctx, client.ObjectKey{Name: a.namespace}, &namespace)
	if apierrors.IsForbidden(err) {
		err = nil
	}
	namespace.Name = a.namespace
	a.namespaces = []corev1.Namespace{namespace}
	return err
}

// scope is the namespace to list in; empty for all.
func (a *activation) scope() string {
	if a.everywhere {
		return ""
	}
	return a.namespace
}

// runAll runs the tasks, several at once, prints what came out in Stork's order, and returns the number of failures.
func (a *activation) runAll(ctx context.Context, tasks []task) (failed int) {
	slices.SortFunc(tasks, func(x, y task) int {
		return cmp.Or(cmp.Compare(x.namespace, y.namespace), cmp.Compare(x.rank, y.rank), cmp.Compare(x.name, y.name))
	})
	outcomes := make([]outcome, len(tasks))
	var group errgroup.Group
	group.SetLimit(activationWorkers)
	for i, t := range tasks {
		group.Go(func() error {
			if ctx.Err() == nil {
				outcomes[i] = t.run(ctx)
			}
			return nil
		})
	}
	_ = group.Wait()
	for _, o := range outcomes {
		for _, line := range o.lines {
			a.println(line)
		}
		for _, line := range append(o.warnings, o.failures...) {
			a.printlnErr(line)
		}
		failed += len(o.failures)
	}
	return failed
}
