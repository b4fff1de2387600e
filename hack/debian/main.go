// Command debian gets programs of Debian ready for tests and benchmarks, without root and without touching the system. It is a thin
// shell around package programs and, like that, must know nothing of Godwit.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/godwit-io/godwit/hack/debian/programs"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "debian:", err)
		os.Exit(1)
	}
}

// run prints the path of each program that is asked for.
func run(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("usage: debian <program>..., of %s", strings.Join(programs.Names(), ", "))
	}
	for _, name := range names {
		path, err := programs.Find(ctx, name, os.Stderr)
		if err != nil {
			return err
		}
		fmt.Println(path)
	}
	return nil
}
