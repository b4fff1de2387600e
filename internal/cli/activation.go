package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/internal/activation"
)

// activationCommand is one run of `activate migrations` or `deactivate migrations`.
type activationCommand struct {
	*globals
	everywhere bool
	// activate tells whether applications are started or stopped.
	activate bool

	client     client.Client
	cluster    activation.Cluster
	namespaces []corev1.Namespace
}

func newActivateMigrationsCommand(g *globals) *cobra.Command {
	return newActivationCommand(&activationCommand{globals: g, activate: true}, "activate", "Start the applications that migrations brought",
		`Start the applications that migrations brought into a namespace of this cluster: workloads get back the replicas that they had
at the source, suspended ones are resumed, and custom resources that were kept in ConfigMaps are created. Objects that no
migration brought are left alone.

MigrationSchedules that migrate the namespace are told: with autoSuspend, the source then suspends them.`)
}

func newDeactivateMigrationsCommand(g *globals) *cobra.Command {
	return newActivationCommand(&activationCommand{globals: g}, "deactivate", "Stop the applications that migrations brought",
		`Stop the applications that migrations brought into a namespace of this cluster, so that they can be migrated over again. What
they were is remembered for their next start. Objects that no migration brought are left alone.

MigrationSchedules that migrate the namespace are told, as soon as nothing of what they migrate runs here any more, in whatever
namespace: those that were suspended because of it then go on.`)
}

func newActivationCommand(a *activationCommand, verb, short, long string) *cobra.Command {
	cmd := &cobra.Command{
		Use:               migrationsUse,
		Aliases:           migrationAliases(),
		Short:             short,
		Long:              long,
		Example:           fmt.Sprintf("  storkctl %s migrations -n shop", verb),
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context()) },
	}
	cmd.Flags().BoolVarP(&a.everywhere, "all-namespaces", "a", false, "Do so in all namespaces")
	return cmd
}

func (a *activationCommand) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{a.connect, a.findNamespaces} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	engine, notices, err := activation.NewEngine(ctx, a.cluster)
	if err != nil {
		return err
	}
	for _, notice := range notices {
		a.printlnErr("Warn: Skipping " + notice)
	}
	report := engine.Run(ctx, activation.Request{Activate: a.activate, Namespaces: a.scope()})
	failed := a.printReport(report)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.tellSchedules(ctx, engine, report.Origins); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d errors, see above: run the command again once their causes are gone", failed)
	}
	return nil
}

func (a *activationCommand) connect(context.Context) error {
	config, err := a.restConfig()
	if err != nil {
		return err
	}
	if a.client, err = newClient(config); err != nil {
		return err
	}
	if a.cluster.Discovery, err = discovery.NewDiscoveryClientForConfig(config); err != nil {
		return err
	}
	a.cluster.Dynamic, err = dynamic.NewForConfig(config)
	return err
}

// findNamespaces reads the namespaces to act on. A user who may not read namespaces may still act in one.
func (a *activationCommand) findNamespaces(ctx context.Context) error {
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

// scope is where to act; nil is everywhere.
func (a *activationCommand) scope() []string {
	if a.everywhere {
		return nil
	}
	return []string{a.namespace}
}

// tellSchedules tells the MigrationSchedules that migrate one of the namespaces whether its applications run here. Activation tells
// all of them, deactivation only the copies that a source keeps here. They may be in the namespace itself, the admin namespace, and
// those whose Migrations brought something.
func (a *activationCommand) tellSchedules(ctx context.Context, engine *activation.Engine, origins map[string]bool) error {
	request := activation.ScheduleRequest{Active: a.activate, CopiesOnly: !a.activate, Labels: map[string]map[string]string{}}
	for _, namespace := range a.namespaces {
		request.Labels[namespace.Name] = namespace.Labels
	}
	if !a.everywhere {
		admin, err := adminNamespace(ctx, a.client)
		if err != nil && !apierrors.IsForbidden(err) {
			return err
		}
		request.In = map[string]bool{a.namespace: true, admin: true}
		maps.Copy(request.In, origins)
		delete(request.In, "")
	}
	outcomes, err := engine.TellSchedules(ctx, request)
	for _, o := range outcomes {
		switch {
		case o.Err != nil:
			err = errors.Join(err, fmt.Errorf("telling MigrationSchedule %s: %w", o.NamespacedName, o.Err))
		case len(o.Active) > 0:
			a.println(stillActiveLine(&o))
		default:
			a.println(fmt.Sprintf("Setting the ApplicationActivated status in the MigrationSchedule %s to %t", o.NamespacedName, a.activate))
		}
	}
	return err
}
