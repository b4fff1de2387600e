// Command demo shows the main job end to end on this machine: two real control planes, the operator in both, an application in
// the first, a ClusterPair, a Migration, and a second Migration that writes only what has changed.
//
// Everything that a user would type is typed: storkctl and kubectl do the work and their output is shown.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

//go:embed manifests
var manifests embed.FS

func main() {
	keep := flag.Bool("keep", false, "leave the clusters up until interrupted")
	flag.Parse()
	log.SetLogger(logr.Discard()) // Libraries have nothing to tell that the reader of the output should know.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, *keep)
	if err != nil && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, keep bool) (err error) {
	began := time.Now()
	d := &demo{}
	defer func() {
		d.title("Clean up")
		if stopErr := d.stop(); stopErr != nil {
			err = errors.Join(err, stopErr)
			return
		}
		d.say("Nothing is left running. The demo took %s.", time.Since(began).Round(time.Second))
	}()
	for _, step := range []func(context.Context) error{
		d.startClusters, d.createApplication, d.pair, d.migrate, d.showDestination, d.migrateChange,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if keep {
		d.title("Kept")
		d.say("Reach the clusters in another terminal; interrupt this one to stop them.\n")
		fmt.Printf("  export KUBECONFIG=%s    # the source\n", d.clusters[source].KubeconfigFile())
		fmt.Printf("  export KUBECONFIG=%s    # the destination\n", d.clusters[destination].KubeconfigFile())
		fmt.Printf("  export PATH=$PWD/bin:%s:$PATH    # storkctl and kubectl\n", filepath.Dir(d.clusters[source].KubectlPath()))
		<-ctx.Done()
	}
	return nil
}
