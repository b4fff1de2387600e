package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

const clusterPairUse = "clusterpair"

// clusterPairAliases are other names of the noun.
func clusterPairAliases() []string { return []string{"cp", "clusterpairs"} }

func newGetClusterPairCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               clusterPairUse + " [NAME...]",
		Aliases:           clusterPairAliases(),
		Short:             "Show ClusterPairs",
		Example:           "  storkctl get clusterpair -n shop",
		ValidArgsFunction: g.completeObjects(&storkv1alpha1.ClusterPairList{}),
		RunE:              g.runGet(func() noun { return clusterPairNoun(g) }),
	}
}

func clusterPairNoun(g *globals) noun {
	return noun{
		resource:   "clusterpairs",
		namespaced: true,
		object:     &storkv1alpha1.ClusterPair{},
		list:       &storkv1alpha1.ClusterPairList{},
		columns:    []string{"NAME", "STORAGE-STATUS", "SCHEDULER-STATUS", "CREATED"},
		rows: func(o client.Object) [][]any {
			pair := o.(*storkv1alpha1.ClusterPair)
			return [][]any{{pair.Name, string(pair.Status.StorageStatus), string(pair.Status.SchedulerStatus), g.timeCell(pair.CreationTimestamp.Time)}}
		},
	}
}

// validateNames refuses what the API server would refuse as the name or namespace of a ClusterPair.
func validateNames(name, namespace string) error {
	for _, field := range []struct{ what, value string }{{"Name", name}, {"Namespace", namespace}} {
		if problems := validation.IsDNS1123Subdomain(field.value); len(problems) > 0 {
			return fmt.Errorf("the %s %q is not valid: %v", field.what, field.value, problems)
		}
	}
	return nil
}
