package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// createMigrations are the flags of `create migrations`.
type createMigrations struct {
	*globals
	clusterPair       string
	adminClusterPair  string
	namespaces        []string
	includeResources  bool
	includeVolumes    bool
	startApplications bool
	preExecRule       string
	postExecRule      string
	annotations       map[string]string
	wait              bool
	dryRun            bool
	preview           bool
	previewFile       string
	file              string
}

func newCreateMigrationsCommand(g *globals) *cobra.Command {
	o := &createMigrations{globals: g}
	cmd := &cobra.Command{
		Use:     migrationsUse + " NAME",
		Aliases: migrationAliases(),
		Short:   "Start a Migration",
		Long: `Start a Migration of namespaces to the cluster of a ClusterPair.

Outside the admin namespace, a Migration moves only the namespace it is in.

--dry-run and --file create nothing: they check a Migration, given by flags or by a file, and whether what it names is there.

--preview and --previewFile create nothing either: they print which objects would be taken along as things are, by what this cluster
serves. With -o yaml or -o json, --preview prints the Migration instead.`,
		Example: `  # Move the objects of the namespace shop and start its applications at the destination.
  storkctl create migrations move-shop -n shop --clusterPair remote --namespaces shop --includeVolumes=false --wait

  # Keep a standby: everything is there, and nothing runs until it is activated.
  storkctl create migrations standby -n shop --clusterPair remote --namespaces shop --includeVolumes=false --startApplications=false

  # See beforehand what would be moved.
  storkctl create migrations standby -n shop --clusterPair remote --namespaces shop --preview`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	o.addFlags(cmd)
	return cmd
}

func (o *createMigrations) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.clusterPair, "clusterPair", "c", "", "Name of the ClusterPair to migrate to; not needed with --admin-cluster-pair")
	flags.StringVar(&o.adminClusterPair, "admin-cluster-pair", "", "Name of a ClusterPair of the admin namespace, which goes before --clusterPair")
	flags.StringSliceVar(&o.namespaces, "namespaces", nil, "Namespaces to migrate, separated by commas")
	flags.BoolVarP(&o.includeResources, "includeResources", "r", true, "Migrate objects; false migrates volumes, PersistentVolumes and PersistentVolumeClaims")
	flags.BoolVar(&o.includeVolumes, "includeVolumes", true, "Migrate the data of volumes, which needs a storage driver that owns them; without one the Migration fails")
	flags.BoolVarP(&o.startApplications, "startApplications", "a", true, "Start applications at the destination")
	flags.StringVar(&o.preExecRule, "preExecRule", "", "Name of a Rule to run before volumes are migrated")
	flags.StringVar(&o.postExecRule, "postExecRule", "", "Name of a Rule to run once the migration of volumes was triggered")
	flags.StringToStringVar(&o.annotations, "annotations", nil, "Annotations of the Migration, as key=value, separated by commas")
	flags.BoolVar(&o.wait, "wait", false, "Wait until the Migration is over; the exit code tells whether it failed")
	flags.BoolVar(&o.dryRun, "dry-run", false, "Create nothing, only check")
	flags.BoolVar(&o.preview, "preview", false, "Create nothing, only print what would be migrated")
	flags.StringVar(&o.previewFile, "previewFile", "", "Create nothing, only print what the Migration in this file would migrate")
	alsoSpelled(flags, "previewFile", "preview-file")
	flags.StringVarP(&o.file, "file", "f", "", "Create nothing, only check the Migration in this file")
	completeFlag(cmd, "clusterPair", o.completeObjects(&storkv1alpha1.ClusterPairList{}))
	completeFlag(cmd, "admin-cluster-pair", o.completeAdminPairs)
	completeFlag(cmd, "namespaces", o.completeObjects(&corev1.NamespaceList{}))
	completeFlag(cmd, "preExecRule", o.completeObjects(&storkv1alpha1.RuleList{}))
	completeFlag(cmd, "postExecRule", o.completeObjects(&storkv1alpha1.RuleList{}))
	pairSpelled(cmd, "clusterPair")
}

func (o *createMigrations) run(ctx context.Context, args []string) error {
	switch {
	case o.file != "":
		return o.validateFile(ctx)
	case o.previewFile != "":
		m := &storkv1alpha1.Migration{}
		return o.previewManifest(ctx, o.previewFile, m, "Migration", &m.Spec)
	}
	switch {
	case len(args) != 1:
		return errors.New("exactly one name needs to be provided for migration name")
	case o.clusterPair == "" && o.adminClusterPair == "":
		return errors.New("ClusterPair name needs to be provided for migration")
	case len(o.namespaces) == 0:
		return errors.New("need to provide atleast one namespace to migrate")
	}
	m := o.migration(args[0])
	if o.preview {
		return o.printMigrationPreview(ctx, m)
	}
	c, err := o.client()
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.validateMigration(ctx, c, m)
	}
	if err := c.Create(ctx, m); err != nil {
		return err
	}
	if o.wait {
		return o.waitForMigration(ctx, c, m)
	}
	o.println(fmt.Sprintf("Migration %s created successfully", m.Name))
	return nil
}

func (o *createMigrations) migration(name string) *storkv1alpha1.Migration {
	m := &storkv1alpha1.Migration{Spec: storkv1alpha1.MigrationSpec{
		ClusterPair:       o.clusterPair,
		AdminClusterPair:  o.adminClusterPair,
		Namespaces:        o.namespaces,
		IncludeResources:  &o.includeResources,
		IncludeVolumes:    &o.includeVolumes,
		StartApplications: &o.startApplications,
		PreExecRule:       o.preExecRule,
		PostExecRule:      o.postExecRule,
	}}
	m.Name, m.Namespace, m.Annotations = name, o.namespace, o.annotations
	return m
}

func (o *createMigrations) printMigrationPreview(ctx context.Context, m *storkv1alpha1.Migration) error {
	from, err := o.newSource()
	if err != nil {
		return err
	}
	if err := o.findNamespaces(ctx, from, m.Namespace, &m.Spec); err != nil {
		return err
	}
	return o.printPreview(ctx, from, &m.Spec, m)
}
