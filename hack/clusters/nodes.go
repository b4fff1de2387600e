package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localnode"
)

func nodes(ctx context.Context, args []string) (err error) {
	ctrl.SetLogger(logr.Discard()) // What is said is meant for who asked for clusters.
	flags := flag.NewFlagSet("nodes", flag.ContinueOnError)
	n := flags.Int("n", 2, "how many clusters")
	if err := parse(flags, args); err != nil {
		return err
	}
	options, err := named(*n)
	if err != nil {
		return err
	}
	network, err := localnode.Start(ctx, localnode.Options{Clusters: options, Progress: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, network.Stop()) }()
	if err := explainNodes(network); err != nil {
		return err
	}
	<-ctx.Done()
	fmt.Fprintln(os.Stderr, "stopping…")
	return nil
}

// explainNodes prints what to paste into another terminal.
func explainNodes(network *localnode.Network) error {
	var files []string
	for i, c := range network.Clusters {
		name := fmt.Sprintf("cluster-%d", i+1)
		inside, err := c.InsideKubeconfig("kubernetes-admin", "system:masters")
		if err != nil {
			return err
		}
		file := filepath.Join(network.Folder(), name+"-inside.kubeconfig")
		if err := os.WriteFile(file, inside, 0o600); err != nil {
			return err
		}
		fmt.Printf("export KUBECONFIG=%s # %s, node %s\n", c.KubeconfigFile(), name, c.IP)
		fmt.Printf("%s # for pods, of whatever cluster: a ClusterPair, for example\n", file)
		fmt.Printf("%s # leads onto the node: curl NodePorts, ctr -n k8s.io images import app.tar\n", c.Shell())
		files = append(files, c.KubeconfigFile())
	}
	fmt.Printf("export KUBECONFIG=%s # all, choose with --context\n", strings.Join(files, string(os.PathListSeparator)))
	fmt.Printf("export PATH=%s:$PATH # for kubectl %s\n", filepath.Dir(network.Clusters[0].KubectlPath()), localcluster.Version)
	fmt.Printf("# Logs and volumes are in %s. StorageClasses: %s (default), %s.\n", network.Folder(), localnode.LocalClass, localnode.HostPathClass)
	fmt.Fprintln(os.Stderr, "Ctrl-C stops and removes them.")
	return nil
}
