//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// newMoverCommand is there so that the operator can be built and run anywhere. Movers run in pods.
func newMoverCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mover",
		Short: "Copy the data of a volume (Linux only)",
		RunE:  func(*cobra.Command, []string) error { return errors.New("movers run on Linux only") },
	}
}
