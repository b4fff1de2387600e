package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// generateClusterPair are the flags of `generate clusterpair`.
type generateClusterPair struct {
	*globals
	storageOptions  string
	projectMappings string
}

func newGenerateClusterPairCommand(g *globals) *cobra.Command {
	o := &generateClusterPair{globals: g}
	cmd := &cobra.Command{
		Use:     clusterPairUse + " NAME",
		Aliases: clusterPairAliases(),
		Short:   "Print a ClusterPair for this cluster, to be applied in another one",
		Long: `Print a ClusterPair for the cluster of the current context, to be applied in the cluster that migrates to it. What is printed
holds the context's credentials: treat it as a secret.

Without --storageoptions the pair has no options and migrates objects only. There is no placeholder to replace: every option, even
one that means nothing, tells failover that storage is replicated asynchronously.`,
		Example: `  # Print a pair whose Portworx clusters are paired too.
  storkctl generate clusterpair remote -n shop --storageoptions ip=192.0.2.7,port=9001,token=TOKEN`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	cmd.Flags().StringVarP(&o.storageOptions, "storageoptions", "s", "", "Options for the storage driver, as key=value, separated by commas")
	cmd.Flags().StringVar(&o.projectMappings, "project-mappings", "", projectMappingsHelp)
	return cmd
}

func (o *generateClusterPair) run(args []string) error {
	if len(args) != 1 {
		return errors.New("exactly one name needs to be provided for clusterpair name")
	}
	if err := validateNames(args[0], o.namespace); err != nil {
		return err
	}
	options, err := parseKeyValues(o.storageOptions)
	if err != nil {
		return fmt.Errorf("invalid storage options: %w", err)
	}
	mappings, err := parseKeyValues(o.projectMappings)
	if err != nil {
		return fmt.Errorf("invalid project-mappings provided: %w", err)
	}
	config, err := o.clientConfig().RawConfig()
	if err != nil {
		return err
	}
	if o.context != "" {
		config.CurrentContext = o.context
	}
	if err := makePortable(&config); err != nil {
		return err
	}
	pair := newClusterPair(args[0], o.namespace, options, mappings)
	if pair.Spec.Config, err = inlineKubeconfig(&config); err != nil {
		return err
	}
	return o.print(pair)
}

// print prints the pair without its status, which is none of the user's business.
func (o *generateClusterPair) print(pair *storkv1alpha1.ClusterPair) error {
	pair.SetGroupVersionKind(storkv1alpha1.GroupVersion.WithKind("ClusterPair"))
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pair)
	if err != nil {
		return fmt.Errorf("printing clusterpair %s: %w", pair.Name, err)
	}
	delete(content, "status")
	return o.document().PrintObj(&unstructured.Unstructured{Object: content}, o.Out)
}

// newClusterPair returns a pair that lacks its credentials.
func newClusterPair(name, namespace string, options, projectMappings map[string]string) *storkv1alpha1.ClusterPair {
	pair := &storkv1alpha1.ClusterPair{Spec: storkv1alpha1.ClusterPairSpec{Options: options}}
	pair.Name, pair.Namespace = name, namespace
	if len(projectMappings) > 0 {
		pair.Spec.PlatformOptions.Rancher = &storkv1alpha1.RancherSpec{ProjectMappings: projectMappings}
	}
	return pair
}

const projectMappingsHelp = "Rancher projects of the source and what they become at the destination, as a=b,c=d; give both forms, project and cluster:project"
