package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// completeFlag offers values for a flag.
func completeFlag(cmd *cobra.Command, name string, complete cobra.CompletionFunc) {
	// It fails only for a flag that does not exist or has a completion already.
	_ = cmd.RegisterFlagCompletionFunc(name, complete)
}

// completeObjects offers the names of the cluster's objects that list holds, in the namespace that the flags choose. It keeps
// quiet about what goes wrong: a shell waits for names, not for messages.
func (g *globals) completeObjects(list client.ObjectList) cobra.CompletionFunc {
	return g.completeSome(list, func(client.Object) bool { return true })
}

// completeSome offers the names of those objects that are wanted.
func (g *globals) completeSome(list client.ObjectList, wanted func(client.Object) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		c, err := g.client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		objects := list.DeepCopyObject().(client.ObjectList)
		var options []client.ListOption
		if !g.allNamespaces {
			options = append(options, client.InNamespace(g.namespace))
		}
		if err := c.List(cmd.Context(), objects, options...); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return unused(slices.DeleteFunc(items(objects), func(o client.Object) bool { return !wanted(o) }), args), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeAdminPairs offers the ClusterPairs of the admin namespace.
func (g *globals) completeAdminPairs(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, err := g.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	admin, err := adminNamespace(cmd.Context(), c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	there := *g
	there.namespace, there.allNamespaces = admin, false
	return there.completeObjects(&storkv1alpha1.ClusterPairList{})(cmd, args, toComplete)
}

// completePolicies offers what a schedule can run by: the policies of its namespace, and those of the cluster.
func (g *globals) completePolicies(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	own, _ := g.completeObjects(&storkv1alpha1.NamespacedSchedulePolicyList{})(cmd, args, toComplete)
	shared, directive := g.completeObjects(&storkv1alpha1.SchedulePolicyList{})(cmd, args, toComplete)
	names := slices.Concat(own, shared)
	slices.Sort(names)
	return slices.Compact(names), directive
}

// completeKinds offers the kinds of objects that the cluster serves, as kind or kind.group.
func (g *globals) completeKinds(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	config, err := g.clientConfig().ClientConfig()
	if err != nil {
		return nil, directive
	}
	served, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, directive
	}
	lists, _ := served.ServerPreferredResources() // What a broken API does not tell is missing.
	var kinds []cobra.Completion
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, resource := range list.APIResources {
			kinds = append(kinds, strings.TrimSuffix(resource.Kind+"."+version.Group, "."))
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), directive
}

// unused returns the names of objects that are not among args, each once.
func unused(objects []client.Object, args []string) []cobra.Completion {
	var names []cobra.Completion
	for _, object := range objects {
		if !slices.Contains(args, object.GetName()) {
			names = append(names, object.GetName())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (g *globals) completeContexts(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	config, err := g.clientConfig().RawConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(config.Contexts)), cobra.ShellCompDirectiveNoFileComp
}

// items returns the objects of a list.
func items(list client.ObjectList) []client.Object {
	var objects []client.Object
	// It fails only for types that are no lists of objects, which a client's list never is.
	_ = apimeta.EachListItem(list, func(item runtime.Object) error {
		objects = append(objects, item.(client.Object))
		return nil
	})
	return objects
}
