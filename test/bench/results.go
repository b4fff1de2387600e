package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// folder is where results are kept, relative to the checkout.
const folder = "build/bench"

// result is one measured value. One without a bar is shown for the reader.
type result struct {
	Case  string  `json:"case"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Bar is the greatest value that holds; nil where there is none.
	Bar   *float64 `json:"bar,omitempty"`
	Holds bool     `json:"holds"`
}

type results []result

func (r *results) show(name string, value float64, unit string) {
	*r = append(*r, result{Case: name, Value: value, Unit: unit, Holds: true})
}

func (r *results) atMost(name string, value float64, unit string, bar float64) {
	*r = append(*r, result{Case: name, Value: value, Unit: unit, Bar: &bar, Holds: value <= bar})
}

func (r results) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows := []string{"CASE\tVALUE\tUNIT\tBAR\tHOLDS"}
	for _, one := range r {
		bar := "-"
		if one.Bar != nil {
			bar = fmt.Sprintf("<= %.6g", *one.Bar)
		}
		rows = append(rows, fmt.Sprintf("%s\t%.6g\t%s\t%s\t%t", one.Case, one.Value, one.Unit, bar, one.Holds))
	}
	if _, err := fmt.Fprintln(table, strings.Join(rows, "\n")); err != nil {
		return err
	}
	return table.Flush()
}

func (r results) save() error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "migration.json"), append(encoded, '\n'), 0o644)
}

func (r results) short() error {
	n := 0
	for _, one := range r {
		if !one.Holds {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d bars fall short", n, len(r))
	}
	return nil
}
