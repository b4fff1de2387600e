// Command godwit is the operator. `godwit manager` serves the custom resources of one cluster.
//
// This package reads flags and wires packages together; whatever decides something belongs into one of them.
package main

import (
	"os"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"
)

// version is set when the binary is linked.
var version = "devel"

func main() {
	root := &cobra.Command{
		Use:           "godwit",
		Short:         "Moves applications between Kubernetes clusters",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newManagerCommand())
	if err := root.ExecuteContext(ctrl.SetupSignalHandler()); err != nil {
		root.PrintErrln("error:", err)
		os.Exit(1)
	}
}
