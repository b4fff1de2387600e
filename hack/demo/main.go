// Command demo shows the main job end to end on this machine: two real control planes, the operator in both, an application in
// the first, a ClusterPair, a Migration, and a second Migration that writes only what has changed.
//
// Everything that a user would type is typed: storkctl and kubectl do the work and their output is shown.
package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/godwit-io/godwit/hack/demo/stage"
)

func main() {
	keep := flag.Bool("keep", false, "leave the clusters up until interrupted")
	flag.Parse()
	stage.Play(func(s *stage.Stage) []func(context.Context) error {
		d := &demo{s}
		acts := []func(context.Context) error{s.Start, d.createApplication, d.pair, d.migrate, d.showDestination, d.migrateChange}
		if *keep {
			acts = append(acts, d.keep)
		}
		return acts
	})
}

// keep waits until the user has seen enough.
func (d *demo) keep(ctx context.Context) error {
	d.Title("Kept")
	d.Say("Reach the clusters in another terminal; interrupt this one to stop them.\n")
	fmt.Printf("  export KUBECONFIG=%s    # the source\n", d.Clusters[stage.Source].KubeconfigFile())
	fmt.Printf("  export KUBECONFIG=%s    # the destination\n", d.Clusters[stage.Destination].KubeconfigFile())
	fmt.Printf("  export PATH=$PWD/bin:%s:$PATH    # storkctl and kubectl\n", filepath.Dir(d.Clusters[stage.Source].KubectlPath()))
	<-ctx.Done()
	return nil
}
