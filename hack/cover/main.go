// Command cover prints how many lines of each package tests ran, of a profile that `go test -coverprofile` wrote, and exits
// non-zero where a package has too few.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/tools/cover"
)

func main() {
	least := flag.Float64("least", 80, "percent of its lines that a package must have covered")
	flag.Parse()
	if err := run(flag.Arg(0), *least); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// lines counts those with statements.
type lines struct{ covered, all int }

func (l lines) percent() float64 { return 100 * float64(l.covered) / float64(max(l.all, 1)) }

func (l lines) row(name string) string {
	return fmt.Sprintf("%d\tof %d lines\t%.1f %%\t %s", l.covered, l.all, l.percent(), name)
}

func run(file string, least float64) error {
	profiles, err := cover.ParseProfiles(file)
	if err != nil {
		return err
	}
	var total lines
	packages := map[string]lines{}
	for _, profile := range profiles {
		of := linesOf(profile)
		name := path.Dir(profile.FileName)
		packages[name] = lines{packages[name].covered + of.covered, packages[name].all + of.all}
		total = lines{total.covered + of.covered, total.all + of.all}
	}
	var few, rows []string
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		rows = append(rows, packages[name].row(name))
		if packages[name].percent() < least {
			few = append(few, name)
		}
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := fmt.Fprintln(table, strings.Join(append(rows, total.row("total")), "\n")); err != nil {
		return err
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(few) > 0 {
		return fmt.Errorf("less than %g %% of the lines of these packages are covered by tests: %v", least, few)
	}
	return nil
}

// linesOf counts a line as covered where any statement on it ran.
func linesOf(profile *cover.Profile) lines {
	ran := map[int]bool{}
	for _, block := range profile.Blocks {
		for line := block.StartLine; line <= block.EndLine; line++ {
			ran[line] = ran[line] || block.Count > 0
		}
	}
	found := lines{all: len(ran)}
	for _, covered := range ran {
		if covered {
			found.covered++
		}
	}
	return found
}
