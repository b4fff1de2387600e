// Command storkctl is the command line that Stork's users know. What it does is in package cli; this program only connects it to
// the terminal, the clock and the signals of its process.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/godwit-io/godwit/internal/cli"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version = "dev"

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrllog.SetLogger(klog.Background())
	cmd := cli.NewCommand(cli.Options{
		IOStreams:   genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Version:     version,
		Clock:       clock.RealClock{},
		Location:    time.Local,
		Interactive: printers.IsTerminal(os.Stdin),
	})
	addLogFlags(cmd.PersistentFlags())
	return cli.Execute(ctx, cmd)
}

// addLogFlags adds the flags of the Kubernetes libraries' logs, which Stork's storkctl has too. Only -v is worth showing.
func addLogFlags(flags *pflag.FlagSet) {
	logFlags := flag.NewFlagSet("log", flag.ContinueOnError)
	klog.InitFlags(logFlags)
	flags.AddGoFlagSet(logFlags)
	logFlags.VisitAll(func(f *flag.Flag) {
		flags.Lookup(f.Name).Hidden = f.Name != "v"
	})
}
