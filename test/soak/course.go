package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"k8s.io/client-go/rest"

	"github.com/godwit-io/godwit/test/figures"
)

// sampleEvery is the time between two samples.
const sampleEvery = 5 * time.Second

// watched is one figure of the operator that must not grow.
type watched struct {
	name, unit string
	// bar is how many times the second quarter's median the last quarter's may be; 0 means that it is only shown.
	bar float64
}

// The bars leave room for what a garbage collector and reused connections make of the same state.
var (
	memory      = watched{"resident memory", "MiB", 1.2}
	heap        = watched{"heap that the collector aims at", "MiB", 1.2}
	goroutines  = watched{"goroutines", "", 1.1}
	files       = watched{"open files", "", 1.2}
	connections = watched{"TCP connections", "", 1.2}
	watchesHere = watched{"watches at the source", "", 1.1}
	watchesOver = watched{"watches at the destination", "", 1.1}
	requests    = watched{"requests so far", "", 0}
	all         = []watched{memory, heap, goroutines, files, connections, watchesHere, watchesOver, requests}
)

// sample is all figures at one time.
type sample map[watched]float64

// course keeps the samples of the quiet time of each round.
type course struct {
	mu     sync.Mutex
	round  int
	quiet  bool
	rounds map[int][]sample
}

func (c *course) begin(round int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round, c.quiet = round, true
}

func (c *course) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = false
}

// isQuiet tells whether samples are wanted.
func (c *course) isQuiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiet
}

// add keeps a sample if the quiet time has not ended meanwhile.
func (c *course) add(s sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.quiet {
		return
	}
	if c.rounds == nil {
		c.rounds = map[int][]sample{}
	}
	c.rounds[c.round] = append(c.rounds[c.round], s)
}

// median of a figure over the rounds from first up to before last.
func (c *course) median(figure watched, first, last int) float64 {
	var values []float64
	for round := first; round < last; round++ {
		for _, one := range c.rounds[round] {
			values = append(values, one[figure])
		}
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// sampleAll samples until ctx ends.
func (s *soak) sampleAll(ctx context.Context) {
	for pause(ctx, sampleEvery) == nil {
		if !s.course.isQuiet() {
			continue
		}
		one, err := s.sample(ctx)
		switch {
		case err == nil:
			s.course.add(one)
		case ctx.Err() == nil && s.course.isQuiet():
			s.complain("sampling: %v", err)
		}
	}
}

func (s *soak) sample(ctx context.Context) (sample, error) {
	manager := s.running()
	metrics, err := figures.Scrape(ctx, http.DefaultClient, manager.MetricsURL)
	if err != nil {
		return nil, err
	}
	one := sample{}
	var failures []error
	for figure, read := range map[watched]struct {
		metric string
		unit   float64
	}{
		memory:     {"process_resident_memory_bytes", 1 << 20},
		heap:       {"go_memstats_next_gc_bytes", 1 << 20},
		goroutines: {"go_goroutines", 1},
		files:      {"process_open_fds", 1},
		requests:   {"rest_client_requests_total", 1},
	} {
		value, err := metrics.Sum(read.metric, nil)
		one[figure], failures = value/read.unit, append(failures, err)
	}
	n, err := figures.Connections(manager.PID())
	one[connections] = float64(n)
	failures = append(failures, err)
	for figure, where := range map[watched]place{watchesHere: s.source, watchesOver: s.destination} {
		one[figure], err = watches(ctx, where)
		failures = append(failures, err)
	}
	return one, errors.Join(failures...)
}

// watches counts those that an API server serves, its own included: the operator's are the only ones that could change.
func watches(ctx context.Context, where place) (float64, error) {
	client, err := rest.HTTPClientFor(where.cluster.Config())
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	metrics, err := figures.Scrape(ctx, client, where.cluster.Config().Host+"/metrics")
	if err != nil {
		return 0, err
	}
	return metrics.Sum("apiserver_longrunning_requests", map[string]string{"verb": "WATCH"})
}

// judge prints the course and the bars, of which table has some already, and returns an error where something did not hold. The
// file gets them all.
func (s *soak) judge(table figures.Table, file string) error {
	if err := s.printCourse(); err != nil {
		return err
	}
	table.AtMost("things that were wrong", float64(len(s.wrong)), "", 0)
	for _, figure := range all {
		before, after := s.course.median(figure, s.rounds/4, s.rounds/2), s.course.median(figure, s.rounds*3/4, s.rounds)
		if before == 0 || after == 0 {
			return fmt.Errorf("%s: a quarter of the time has no quiet sample: run for longer", figure.name)
		}
		if figure.bar > 0 {
			table.AtMost(figure.name+", last quarter of second", after/before, "ratio", figure.bar)
		}
	}
	return errors.Join(table.Print(os.Stdout), table.Save(filepath.Join(folder, file)), table.Short())
}

// printCourse prints the medians of the quiet times of the first round, the quarter points, and the last one.
func (s *soak) printCourse() error {
	writer := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	rows := []string{"FIGURE\tUNIT\tSTART\tQUARTER\tHALF\tTHREE QUARTERS\tEND"}
	for _, figure := range all {
		row := []string{figure.name, figure.unit}
		for quarter := range 5 {
			round := (s.rounds - 1) * quarter / 4
			row = append(row, fmt.Sprintf("%.5g", s.course.median(figure, round, round+1)))
		}
		rows = append(rows, strings.Join(row, "\t"))
	}
	if _, err := fmt.Fprintln(writer, strings.Join(rows, "\n")); err != nil {
		return err
	}
	return writer.Flush()
}
