// Command soak runs the operator for a long time over clusters that come and go, and looks whether it stays as it was: a hundred
// Migrations between two control planes, one after the other and some in parallel, while API servers are restarted, killed and
// halted and connections are cut, and pairs get new credentials.
//
// Each Migration has to end with a destination that is as its report says, and once the clusters are well with one that equals
// the source. What the operator takes while nothing happens (memory, goroutines, connections, watches) must be the same in the
// last quarter of the time as in the second.
//
// With -schedules it is MigrationSchedules that make the Migrations, one each minute, while the operator is killed and the
// destination goes away. No schedule may run twice for a minute or stop to run, and nothing may be left of what is over.
//
// The program prints the course and the judgement, writes build/soak, and exits non-zero where something does not hold.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

func main() {
	length := flag.Duration("for", 30*time.Minute, "how long to run")
	migrations := flag.Int("migrations", 100, "how many Migrations to run at least, spread over that time")
	schedules := flag.Int("schedules", 0, "run so many MigrationSchedules instead, each with a Migration a minute")
	flag.Parse()
	log.SetLogger(logr.Discard()) // Libraries have nothing to tell that the reader of the output should know.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	soak := func() error { return runMigrations(ctx, *length, *migrations) }
	if *schedules > 0 {
		soak = func() error { return runSchedules(ctx, *length, *schedules) }
	}
	if err := soak(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func runMigrations(ctx context.Context, length time.Duration, migrations int) (err error) {
	s := &soak{length: length, rounds: max(minRounds, (migrations+migrationsOfRound-1)/migrationsOfRound)}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	return s.judge(nil, "soak.json")
}
