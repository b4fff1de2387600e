// Command bench measures whole Migrations between two fresh API servers, each beside a raw floor that is measured in the same
// run: a paged LIST on both sides and the parallel CREATE of the same objects by the bare client.
//
// It prints a table, writes build/bench/*.json, and exits non-zero where a bar falls short. Bars are ratios within one run or
// counts, so that they hold on any machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

func main() {
	sizes := flag.String("n", "2000,10000,50000", "numbers of objects, separated by commas")
	mixes := flag.String("mix", "plain,custom", "mixes of kinds, separated by commas: plain, custom")
	flag.Parse()
	log.SetLogger(logr.Discard()) // Libraries have nothing to tell that the reader of the output should know.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, strings.Split(*sizes, ","), strings.Split(*mixes, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, sizes, mixNames []string) error {
	var all results
	for _, name := range mixNames {
		mix, known := mixes[name]
		if !known {
			return fmt.Errorf("-mix %s: no such mix", name)
		}
		for _, size := range sizes {
			n, err := strconv.Atoi(size)
			if err != nil || n < 100 {
				return fmt.Errorf("-n %s: not a number of at least 100", size)
			}
			if n > largestCompared && name != "plain" {
				continue // One mix shows that it completes.
			}
			found, err := measure(ctx, name, mix, n)
			all = append(all, found...)
			if err != nil {
				return errors.Join(fmt.Errorf("%s mix of %d objects: %w", name, n, err), all.save())
			}
		}
	}
	if err := errors.Join(all.print(os.Stdout), all.save()); err != nil {
		return err
	}
	return all.short()
}
