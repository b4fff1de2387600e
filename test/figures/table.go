// Package figures reads figures off running processes, from their metrics and from /proc, and judges them by bars: what the
// benchmarks and the soak test share.
//
// It must not know what the processes are.
package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// Figure is one measured value. One without a bar is shown for the reader.
type Figure struct {
	Case  string  `json:"case"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Bar is the greatest value that holds; nil where there is none.
	Bar   *float64 `json:"bar,omitempty"`
	Holds bool     `json:"holds"`
}

// Table lists figures in the order in which they were measured.
type Table []Figure

// Show adds a figure without a bar.
func (t *Table) Show(name string, value float64, unit string) {
	*t = append(*t, Figure{Case: name, Value: value, Unit: unit, Holds: true})
}

// AtMost adds a figure that holds up to and at the bar.
func (t *Table) AtMost(name string, value float64, unit string, bar float64) {
	*t = append(*t, Figure{Case: name, Value: value, Unit: unit, Bar: &bar, Holds: value <= bar})
}

// Print writes the table for people.
func (t Table) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows := []string{"CASE\tVALUE\tUNIT\tBAR\tHOLDS"}
	for _, one := range t {
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

// Save writes the table as JSON, and makes the folder of the file.
func (t Table) Save(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(encoded, '\n'), 0o644)
}

// Short returns an error where a bar falls short.
func (t Table) Short() error {
	bars, short := 0, 0
	for _, one := range t {
		if one.Bar != nil {
			bars++
		}
		if !one.Holds {
			short++
		}
	}
	if short > 0 {
		return fmt.Errorf("%d of %d bars fall short", short, bars)
	}
	return nil
}
