package mover_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/godwit-io/godwit/hack/debian/programs"
	"github.com/godwit-io/godwit/internal/mover/rsync"
	"github.com/godwit-io/godwit/test/leak"
)

// dial is the argument by which rsync starts this test binary as its remote shell.
const dial = "mover-dial"

// TestMain fails when a goroutine outlives the tests. It puts an rsync into PATH.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case dial:
			if err := rsync.HandOver(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				syscall.Exit(1)
			}
			// A test binary that measures coverage says on os.Exit that it cannot, which would be one of rsync's complaints.
			syscall.Exit(0)
		case elsewhere:
			os.Exit(runElsewhere(os.Args[2]))
		}
	}
	path, err := programs.Find(context.Background(), "rsync", os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	leak.Main(m)
}
