// Command bench measures whole Migrations between two fresh API servers, each beside a raw floor that is measured in the same
// run: a paged LIST on both sides and the parallel CREATE of the same objects by the bare client. Then it counts what an operator
// sends that has nothing to do, and tells how late many schedules are that are due at once. Copies of data are measured beside rsync
// through stunnel.
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

	"github.com/godwit-io/godwit/test/figures"
	"github.com/godwit-io/godwit/test/objects"
)

// resultsFile gets all figures.
const resultsFile = folder + "/migration.json"

func main() {
	sizes := flag.String("n", "2000,10000,50000", "numbers of objects, separated by commas")
	cases := flag.String("cases", "plain,custom,latency,idle,idle-tenants,schedules",
		"what to measure, separated by commas: Migrations of plain kinds or with custom ones, latency, idle, idle-tenants, schedules")
	flag.Parse()
	log.SetLogger(logr.Discard()) // Libraries have nothing to tell that the reader of the output should know.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, strings.Split(*sizes, ","), strings.Split(*cases, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, sizes, cases []string) error {
	var all figures.Table
	for _, name := range cases {
		found, err := measureCase(ctx, name, sizes)
		all = append(all, found...)
		if err != nil {
			return errors.Join(err, all.Save(resultsFile))
		}
	}
	if err := errors.Join(all.Print(os.Stdout), all.Save(resultsFile)); err != nil {
		return err
	}
	return all.Short()
}

func measureCase(ctx context.Context, name string, sizes []string) (all figures.Table, err error) {
	switch name {
	case "latency":
		return measureLatency(ctx)
	case "idle":
		return measureIdle(ctx, name, false)
	case "idle-tenants":
		return measureIdle(ctx, name, true)
	case "schedules":
		return measureSchedules(ctx)
	case "data":
		return measureData(ctx)
	}
	mix, known := objects.Mixes[name]
	if !known {
		return nil, fmt.Errorf("-cases %s: no such case", name)
	}
	for _, size := range sizes {
		n, err := strconv.Atoi(size)
		if err != nil || n < 100 {
			return all, fmt.Errorf("-n %s: not a number of at least 100", size)
		}
		if n > largestCompared && name != "plain" {
			continue // One mix shows that it completes.
		}
		found, err := measure(ctx, name, mix, n)
		all = append(all, found...)
		if err != nil {
			return all, fmt.Errorf("%s mix of %d objects: %w", name, n, err)
		}
	}
	return all, nil
}
