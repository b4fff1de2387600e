package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// pairFilter chooses Migrations and MigrationSchedules by what they migrate to; empty names choose all.
type pairFilter struct {
	clusterPair      string
	adminClusterPair string
	// originals leaves out copies of MigrationSchedules that a source keeps here.
	originals bool
}

// addFlags adds the flags, of which the one for the pair is spelled differently with each verb. what says what they choose.
func (f *pairFilter) addFlags(g *globals, cmd *cobra.Command, name, what string) {
	flags := cmd.Flags()
	flags.StringVarP(&f.clusterPair, name, "c", "", "Name of the ClusterPair whose "+what)
	flags.StringVar(&f.adminClusterPair, "admin-cluster-pair", "", "Name of the ClusterPair of the admin namespace whose "+what)
	completeFlag(cmd, name, g.completeObjects(&storkv1alpha1.ClusterPairList{}))
	completeFlag(cmd, "admin-cluster-pair", g.completeAdminPairs)
	pairSpelled(cmd, name)
}

// pairSpelled makes the other spellings of a pair's flag work.
func pairSpelled(cmd *cobra.Command, name string) {
	spellings := []string{"clusterpair", "clusterPair", "cluster-pair"}
	alsoSpelled(cmd.Flags(), name, slices.DeleteFunc(spellings, func(s string) bool { return s == name })...)
}

func (f *pairFilter) empty() bool {
	return f.clusterPair == "" && f.adminClusterPair == ""
}

// matches tells whether a Migration, or a MigrationSchedule, is chosen.
func (f *pairFilter) matches(object client.Object) bool {
	var spec *storkv1alpha1.MigrationSpec
	switch o := object.(type) {
	case *storkv1alpha1.Migration:
		spec = &o.Spec
	case *storkv1alpha1.MigrationSchedule:
		spec = &o.Spec.Template.Spec
	default:
		return false
	}
	return (!f.originals || !isCopy(object)) &&
		(f.clusterPair == "" || spec.ClusterPair == f.clusterPair) &&
		(f.adminClusterPair == "" || spec.AdminClusterPair == f.adminClusterPair)
}

// choose returns the names to act on: those that are given, or those of the objects in the namespace that the filter chooses.
func (g *globals) choose(ctx context.Context, c client.Client, list client.ObjectList, filter *pairFilter, names []string) ([]string, error) {
	switch {
	case filter.empty():
		return names, nil
	case len(names) > 0:
		return nil, errors.New("provide either names or a ClusterPair, which stands for everything that migrates to it")
	}
	if err := c.List(ctx, list, client.InNamespace(g.namespace)); err != nil {
		return nil, err
	}
	for _, object := range items(list) {
		if filter.matches(object) {
			names = append(names, object.GetName())
		}
	}
	if len(names) == 0 {
		g.println("No resources found.")
	}
	return names, nil
}

// forEach acts on all names, whatever the failure of one, and prints done, a format for the name, for each that succeeded.
func (g *globals) forEach(names []string, done string, act func(name string) error) (err error) {
	for _, name := range names {
		if actErr := act(name); actErr != nil {
			err = errors.Join(err, actErr)
			continue
		}
		g.println(fmt.Sprintf(done, name))
	}
	return err
}
