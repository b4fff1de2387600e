package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// The flags of `create migrationschedules` that choose a policy, of which at most one may be given.
const (
	flagPolicyName = "schedule-policy-name"
	flagInterval   = "interval"
)

// createSchedule are the flags of `create migrationschedules`.
type createSchedule struct {
	*globals
	clusterPair                string
	adminClusterPair           string
	namespaces                 []string
	namespaceSelectors         map[string]string
	selectors                  map[string]string
	excludeSelectors           map[string]string
	excludeResourceTypes       []string
	excludeResources           bool
	excludeVolumes             bool
	includeJobs                bool
	includeNetworkPolicies     bool
	ignoreOwnerReferences      bool
	purgeDeletedResources      bool
	skipServiceUpdate          bool
	failWithoutNamespaces      bool
	startApplications          bool
	transformSpec              string
	preExecRule                string
	postExecRule               string
	policyName                 string
	intervalMinutes            int
	givesPolicy, givesInterval bool
	suspend                    bool
	disableAutoSuspend         bool
	annotations                map[string]string
	preview                    bool
	previewFile                string
}

func newCreateSchedulesCommand(g *globals) *cobra.Command {
	o := &createSchedule{globals: g}
	cmd := &cobra.Command{
		Use:     schedulesUse + " NAME",
		Aliases: scheduleAliases(),
		Short:   "Migrate by a schedule",
		Long: `Create a MigrationSchedule, which migrates namespaces to the cluster of a ClusterPair again and again. Outside the admin namespace,
it migrates only the namespace it is in. It is copied to the destination, where failover refers to it.

When it runs is said by a policy: that of --schedule-policy-name is a NamespacedSchedulePolicy of the schedule's namespace or, where
there is none of that name, a SchedulePolicy. --interval makes a NamespacedSchedulePolicy, named after the schedule and deleted
with it. Without both it is default-migration-policy, each 30 minutes, which is created if it is missing.

Volumes are left out where the ClusterPair has no storage options.

--preview and --preview-file create nothing, no policy either. They print which objects a Migration would take along if it ran now, by
what this cluster serves: a kind that the destination does not serve is known when the Migration runs. With -o yaml or -o json,
--preview prints what would be created instead.`,
		Example: `  # Each 5 minutes, with nothing running at the destination until a failover.
  storkctl create migrationschedules shop -n shop --cluster-pair remote --namespaces shop --interval 5

  # Every night, several namespaces by their label, from the admin namespace.
  storkctl create schedulepolicy nightly --policy-type Daily --time 2:30AM
  storkctl create migrationschedules nightly -n kube-system --cluster-pair remote --namespace-selectors tier=gold -s nightly

  # What would be migrated, and what would be created.
  storkctl create migrationschedules shop -n shop --cluster-pair remote --namespaces shop --preview
  storkctl create migrationschedules shop -n shop --cluster-pair remote --namespaces shop --preview -o yaml`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.givesPolicy, o.givesInterval = cmd.Flags().Changed(flagPolicyName), cmd.Flags().Changed(flagInterval)
			return o.run(cmd.Context(), args)
		},
	}
	o.addScopeFlags(cmd)
	o.addFlags(cmd)
	return cmd
}

// addScopeFlags adds the flags for what is migrated, and where to.
func (o *createSchedule) addScopeFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.clusterPair, "cluster-pair", "c", "", "Name of the ClusterPair to migrate to; not needed with --admin-cluster-pair")
	flags.StringVar(&o.adminClusterPair, "admin-cluster-pair", "", "Name of a ClusterPair of the admin namespace, which goes before --cluster-pair")
	flags.StringSliceVar(&o.namespaces, "namespaces", nil, "Namespaces to migrate, separated by commas")
	flags.StringToStringVar(&o.namespaceSelectors, "namespace-selectors", nil, "Labels of namespaces to migrate as well, as key=value, separated by commas; one of them is enough")
	flags.StringToStringVar(&o.selectors, "selectors", nil, "Labels that an object must all have, as key=value, separated by commas")
	flags.StringToStringVar(&o.excludeSelectors, "exclude-selectors", nil, "Labels of which an object must have none, as key=value, separated by commas")
	flags.StringSliceVar(&o.excludeResourceTypes, "exclude-resource-types", nil, "Kinds of objects to leave out, by any name that kubectl knows, separated by commas")
	flags.BoolVar(&o.excludeResources, "exclude-resources", false, "Migrate only volumes, PersistentVolumes and PersistentVolumeClaims")
	flags.BoolVar(&o.excludeVolumes, "exclude-volumes", false, "Migrate no data of volumes, as where both clusters share the storage")
	flags.BoolVar(&o.includeJobs, "include-jobs", false, "Migrate Jobs as well")
	flags.BoolVar(&o.includeNetworkPolicies, "include-network-policy-with-cidr", false, "Migrate NetworkPolicies with blocks of addresses as well")
	flags.BoolVar(&o.ignoreOwnerReferences, "ignore-owner-references-check", false, "Migrate objects although their owner is migrated as well")
	flags.BoolVar(&o.purgeDeletedResources, "purge-deleted-resources", false, "Delete objects at the destination that are gone from the source")
	flags.BoolVar(&o.skipServiceUpdate, "skip-service-update", false, "Keep the addresses of Services")
	flags.BoolVar(&o.failWithoutNamespaces, "disable-skip-deleted-namespaces", false, "Fail a Migration when one of the namespaces is missing")
	completeFlag(cmd, "cluster-pair", o.completeObjects(&storkv1alpha1.ClusterPairList{}))
	completeFlag(cmd, "admin-cluster-pair", o.completeAdminPairs)
	completeFlag(cmd, "namespaces", o.completeObjects(&corev1.NamespaceList{}))
	completeFlag(cmd, "exclude-resource-types", o.completeKinds)
	pairSpelled(cmd, "cluster-pair")
}

// addFlags adds the other flags: when and how.
func (o *createSchedule) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVarP(&o.startApplications, "start-applications", "a", false, "Start applications at the destination")
	flags.StringVar(&o.transformSpec, "transform-spec", "", "Name of a ResourceTransformation, which each of the namespaces has")
	flags.StringVar(&o.preExecRule, "pre-exec-rule", "", "Name of a Rule to run before volumes are migrated")
	flags.StringVar(&o.postExecRule, "post-exec-rule", "", "Name of a Rule to run once the migration of volumes was triggered")
	flags.StringVarP(&o.policyName, flagPolicyName, "s", defaultPolicyName, "Name of the policy to run by")
	flags.IntVarP(&o.intervalMinutes, flagInterval, "i", defaultIntervalMinutes, "Minutes between two runs; makes a policy named after the schedule")
	flags.BoolVar(&o.suspend, "suspend", false, "Start nothing until the schedule is resumed")
	flags.BoolVar(&o.disableAutoSuspend, "disable-auto-suspend", false, "Do not suspend the schedule when its applications are activated at the destination")
	flags.StringToStringVar(&o.annotations, "annotations", nil, "Annotations of the schedule and its Migrations, as key=value, separated by commas")
	flags.BoolVar(&o.preview, "preview", false, "Create nothing, only print what would be migrated")
	flags.StringVar(&o.previewFile, "preview-file", "", "Create nothing, only print what the MigrationSchedule in this file would migrate")
	alsoSpelled(flags, "preview-file", "previewFile")
	completeFlag(cmd, flagPolicyName, o.completePolicies)
	completeFlag(cmd, "transform-spec", o.completeObjects(&storkv1alpha1.ResourceTransformationList{}))
	completeFlag(cmd, "pre-exec-rule", o.completeObjects(&storkv1alpha1.RuleList{}))
	completeFlag(cmd, "post-exec-rule", o.completeObjects(&storkv1alpha1.RuleList{}))
}

func (o *createSchedule) run(ctx context.Context, args []string) error {
	if o.previewFile != "" {
		s := &storkv1alpha1.MigrationSchedule{}
		return o.previewManifest(ctx, o.previewFile, s, "MigrationSchedule", &s.Spec.Template.Spec)
	}
	switch {
	case len(args) != 1:
		return errors.New("exactly one name needs to be provided for migration schedule name")
	case o.clusterPair == "" && o.adminClusterPair == "":
		return errors.New("ClusterPair name needs to be provided for migration schedule")
	}
	from, err := o.newSource()
	if err != nil {
		return err
	}
	schedule := o.schedule(args[0])
	if err := o.complete(ctx, from, schedule); err != nil {
		return err
	}
	policy, err := o.choosePolicy(ctx, from.client, schedule)
	if err != nil {
		return err
	}
	if o.preview {
		create := []client.Object{schedule}
		if policy != nil {
			create = []client.Object{policy, schedule}
		}
		return o.printPreview(ctx, from, &schedule.Spec.Template.Spec, create...)
	}
	if err := o.createWithPolicy(ctx, from.client, schedule, policy); err != nil {
		return err
	}
	o.println(fmt.Sprintf("MigrationSchedule %s created successfully", schedule.Name))
	return nil
}

// schedule returns what the flags alone say.
func (o *createSchedule) schedule(name string) *storkv1alpha1.MigrationSchedule {
	s := &storkv1alpha1.MigrationSchedule{Spec: storkv1alpha1.MigrationScheduleSpec{
		Suspend: &o.suspend, AutoSuspend: !o.disableAutoSuspend,
	}}
	s.Name, s.Namespace, s.Annotations = name, o.namespace, o.annotations
	s.Spec.Template.Spec = storkv1alpha1.MigrationSpec{
		ClusterPair:                  o.clusterPair,
		AdminClusterPair:             o.adminClusterPair,
		Namespaces:                   o.namespaces,
		NamespaceSelectors:           o.namespaceSelectors,
		Selectors:                    o.selectors,
		ExcludeSelectors:             o.excludeSelectors,
		IncludeResources:             new(!o.excludeResources),
		IncludeVolumes:               new(!o.excludeVolumes),
		StartApplications:            &o.startApplications,
		PurgeDeletedResources:        &o.purgeDeletedResources,
		SkipServiceUpdate:            &o.skipServiceUpdate,
		IncludeNetworkPolicyWithCIDR: &o.includeNetworkPolicies,
		SkipDeletedNamespaces:        new(!o.failWithoutNamespaces),
		IgnoreOwnerReferencesCheck:   &o.ignoreOwnerReferences,
		PreExecRule:                  o.preExecRule,
		PostExecRule:                 o.postExecRule,
	}
	if o.includeJobs {
		s.Spec.Template.Spec.IncludeOptionalResourceTypes = []string{"Job"}
	}
	if o.transformSpec != "" {
		s.Spec.Template.Spec.TransformSpecs = []string{o.transformSpec}
	}
	return s
}
