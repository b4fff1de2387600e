// Command godwit is the operator. `godwit manager` serves the custom resources of one cluster; `godwit mover` copies data of volumes
// in pods that it starts.
//
// This package reads flags and wires packages together; whatever decides something belongs into one of them.
package main

import (
	"errors"
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
	root.AddCommand(newManagerCommand(), newMoverCommand())
	if err := root.ExecuteContext(ctrl.SetupSignalHandler()); err != nil {
		root.PrintErrln("error:", err)
		os.Exit(exitCode(err))
	}
}

// exitError is an error that ends the process with a code of its own.
type exitError struct {
	code int
	error
}

func exitCode(err error) int {
	if own, ok := errors.AsType[exitError](err); ok {
		return own.code
	}
	return 1
}
