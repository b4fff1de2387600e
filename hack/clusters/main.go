// Command clusters runs Kubernetes control planes on this machine for development, with or without nodes, and gets
// their binaries ready. It is a thin shell around packages localcluster and localnode and, like them, must know
// nothing of Godwit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/godwit-io/godwit/hack/localcluster"
)

const usage = `usage:
  clusters up [-n 2] [-controller-manager]   run control planes until Ctrl-C
  clusters nodes [-n 2]                      run them with a node each; for root
  clusters binaries [-nodes | -csi]          build what they, their nodes or CSI need, print the folder
`

// errUsage stands for a wrong command line, which is explained already.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	cancel()
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clusters:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "up":
			return up(ctx, args[1:])
		case "nodes":
			return nodes(ctx, args[1:])
		case "binaries":
			return binaries(ctx, args[1:])
		}
	}
	fmt.Fprint(os.Stderr, usage)
	return errUsage
}

func up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	n := flags.Int("n", 2, "how many clusters")
	controllerManager := flags.Bool("controller-manager", false, "run kube-controller-manager in each")
	if err := parse(flags, args); err != nil {
		return err
	}
	options, err := named(*n)
	if err != nil {
		return err
	}
	for i := range options {
		options[i].ControllerManager, options[i].Progress = *controllerManager, os.Stderr
	}
	clusters, err := localcluster.StartAll(ctx, options...)
	if err != nil {
		return err
	}
	explain(clusters)
	<-ctx.Done()
	fmt.Fprintln(os.Stderr, "stopping…")
	return stopAll(clusters)
}

// named returns options for n clusters.
func named(n int) ([]localcluster.Options, error) {
	if n < 1 {
		fmt.Fprintln(os.Stderr, "-n must be at least 1")
		return nil, errUsage
	}
	options := make([]localcluster.Options, n)
	for i := range options {
		options[i].Name = fmt.Sprintf("cluster-%d", i+1)
	}
	return options, nil
}

// explain prints what to paste into another terminal.
func explain(clusters []*localcluster.Cluster) {
	var files []string
	for i, c := range clusters {
		fmt.Printf("export KUBECONFIG=%s # cluster-%d\n", c.KubeconfigFile(), i+1)
		files = append(files, c.KubeconfigFile())
	}
	if len(files) > 1 {
		fmt.Printf("export KUBECONFIG=%s # all, choose with --context\n", strings.Join(files, string(os.PathListSeparator)))
	}
	fmt.Printf("export PATH=%s:$PATH # for kubectl %s\n", filepath.Dir(clusters[0].KubectlPath()), localcluster.Version)
	fmt.Println("kubectl apply --server-side -k config/crd # then, with the operator of `make build`, and without its webhooks:")
	fmt.Println("bin/godwit manager --kubeconfig $KUBECONFIG --leader-elect=false --metrics-bind-address=0 --webhook-bind-address=0")
	fmt.Fprintln(os.Stderr, "Ctrl-C stops and removes them.")
}

func stopAll(clusters []*localcluster.Cluster) error {
	var errs []error
	for _, c := range clusters {
		errs = append(errs, c.Stop())
	}
	return errors.Join(errs...)
}

func binaries(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("binaries", flag.ContinueOnError)
	nodes := flags.Bool("nodes", false, "also those of nodes")
	csi := flags.Bool("csi", false, "only those of CSI")
	if err := parse(flags, args); err != nil {
		return err
	}
	build := localcluster.Binaries
	switch {
	case *csi:
		build = localcluster.CSIBinaries
	case *nodes:
		build = localcluster.NodeBinaries
	}
	dir, err := build(ctx, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Println(dir)
	return nil
}

// parse takes flags only. The flag package explains what is wrong with them.
func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s takes no argument: %q\n", flags.Name(), flags.Args())
		return errUsage
	}
	return nil
}
