package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const migrationsUse = "migrations"

// migrationAliases are other names of the noun.
func migrationAliases() []string { return []string{"migration"} }

func newGetMigrationsCommand(g *globals) *cobra.Command {
	filter := &pairFilter{}
	report := false
	cmd := &cobra.Command{
		Use:     migrationsUse + " [NAME...]",
		Aliases: migrationAliases(),
		Short:   "Show Migrations",
		Example: `  storkctl get migrations -n shop

  # What became of each object.
  storkctl get migrations first -n shop --report`,
		ValidArgsFunction: g.completeObjects(&storkv1alpha1.MigrationList{}),
	}
	get := g.runGet(func() noun { return migrationNoun(g, filter) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if report {
			return g.printReport(cmd.Context(), args)
		}
		return get(cmd, args)
	}
	filter.addFlags(g, cmd, "clusterpair", "Migrations to show")
	cmd.Flags().BoolVar(&report, "report", false, "Show what became of each object of one Migration")
	return cmd
}

func migrationNoun(g *globals, filter *pairFilter) noun {
	return noun{
		resource:   migrationsUse,
		namespaced: true,
		object:     &storkv1alpha1.Migration{},
		list:       &storkv1alpha1.MigrationList{},
		columns:    []string{"NAME", "CLUSTERPAIR", "STAGE", "STATUS", "VOLUMES", "RESOURCES", "CREATED", "ELAPSED", "TOTAL BYTES TRANSFERRED"},
		rows:       func(o client.Object) [][]any { return [][]any{g.migrationCells(o.(*storkv1alpha1.Migration))} },
		keep:       func(o client.Object) bool { return filter.matches(o) },
	}
}

// migrationCells are the cells of a Migration, the same as those that kubectl shows.
func (g *globals) migrationCells(m *storkv1alpha1.Migration) []any {
	volumes, resources := migrationCounts(m)
	elapsed, bytes := g.elapsed(m), "Available with stork v2.9.0+"
	if summary := m.Status.Summary; summary != nil {
		elapsed = fmt.Sprintf("Volumes (%s) Resources (%s)", orNA(summary.ElapsedTimeForVolumeMigration), orNA(summary.ElapsedTimeForResourceMigration))
		bytes = fmt.Sprint(summary.TotalBytesMigrated)
	}
	return []any{
		m.Name, m.Spec.ClusterPair, string(m.Status.Stage), string(m.Status.Status),
		volumes, resources, g.timeCell(m.CreationTimestamp.Time), elapsed, bytes,
	}
}

// migrationCounts returns "arrived/total" of volumes and of objects, or N/A for what is not migrated.
func migrationCounts(m *storkv1alpha1.Migration) (volumes, resources string) {
	volumes, resources = "N/A", "N/A"
	doneVolumes, totalVolumes, doneResources, totalResources := countMigrated(&m.Status)
	if included(m.Spec.IncludeVolumes) {
		volumes = fmt.Sprintf("%d/%d", doneVolumes, totalVolumes)
	}
	if included(m.Spec.IncludeResources) {
		resources = fmt.Sprintf("%d/%d", doneResources, totalResources)
	}
	return volumes, resources
}

// countMigrated counts what the status lists where it has no summary, as that of a Migration which an early Stork ran.
func countMigrated(s *storkv1alpha1.MigrationStatus) (doneVolumes, totalVolumes, doneResources, totalResources uint64) {
	if s.Summary != nil {
		return s.Summary.NumberOfMigratedVolumes, s.Summary.TotalNumberOfVolumes,
			s.Summary.NumberOfMigratedResources, s.Summary.TotalNumberOfResources
	}
	for _, volume := range s.Volumes {
		totalVolumes++
		if volume != nil && volume.Status == storkv1alpha1.MigrationStatusSuccessful {
			doneVolumes++
		}
	}
	for _, resource := range s.Resources {
		totalResources++
		if resource != nil && resource.Status == storkv1alpha1.MigrationStatusSuccessful {
			doneResources++
		}
	}
	return doneVolumes, totalVolumes, doneResources, totalResources
}

// elapsed is how long a Migration took, or has taken until now.
func (g *globals) elapsed(m *storkv1alpha1.Migration) string {
	created, finished := m.CreationTimestamp.Time, m.Status.FinishTimestamp
	switch {
	case created.IsZero():
		return ""
	case m.Status.Stage != storkv1alpha1.MigrationStageFinal:
		return g.Clock.Since(created).Round(time.Second).String()
	case finished.IsZero():
		return ""
	default:
		return finished.Sub(created).String()
	}
}

// included tells what an include field of a Migration means: true, unless it says false.
func included(field *bool) bool {
	return field == nil || *field
}

func orNA(s string) string {
	if s == "" {
		return "NA"
	}
	return s
}

func newDeleteMigrationsCommand(g *globals) *cobra.Command {
	filter := &pairFilter{}
	cmd := &cobra.Command{
		Use:     migrationsUse + " NAME... | --clusterPair PAIR",
		Aliases: migrationAliases(),
		Short:   "Delete Migrations",
		Long:    "Delete Migrations by name, or all those to a ClusterPair. What they brought to the other cluster stays.",
		Example: `  storkctl delete migrations first second -n shop

  # All Migrations of the namespace to one cluster.
  storkctl delete migrations -n shop --clusterPair remote`,
		ValidArgsFunction: g.completeObjects(&storkv1alpha1.MigrationList{}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.deleteMigrations(cmd.Context(), filter, args)
		},
	}
	filter.addFlags(g, cmd, "clusterPair", "Migrations to delete")
	return cmd
}

func (g *globals) deleteMigrations(ctx context.Context, filter *pairFilter, names []string) error {
	if filter.empty() && len(names) == 0 {
		return errors.New("at least one argument needs to be provided for migration name")
	}
	c, err := g.client()
	if err != nil {
		return err
	}
	names, err = g.choose(ctx, c, &storkv1alpha1.MigrationList{}, filter, names)
	if err != nil {
		return err
	}
	return g.forEach(names, "Migration %s deleted successfully", func(name string) error {
		m := &storkv1alpha1.Migration{}
		m.Name, m.Namespace = name, g.namespace
		return c.Delete(ctx, m)
	})
}
