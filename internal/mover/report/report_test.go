package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/godwit-io/godwit/internal/mover/report"
)

// parse reads all lines that were written.
func parse(t *testing.T, out *bytes.Buffer) (reports []report.Report) {
	t.Helper()
	for line := range bytes.Lines(out.Bytes()) {
		r, err := report.Parse(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		reports = append(reports, r)
	}
	return reports
}

func TestTrackerTellsEveryFewSeconds(t *testing.T) {
	var out bytes.Buffer
	clock := clocktesting.NewFakeClock(time.Now())
	sent := int64(0)
	tracker := report.NewTracker(&out, clock, func() int64 { return sent })
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		tracker.Run(ctx)
	}()
	for !clock.HasWaiters() {
		time.Sleep(time.Millisecond) //nolint:forbidigo // The other goroutine is about to wait.
	}
	cancel()
	<-over
	tracker.Phase(report.Copying)
	tracker.Totals(1000, 10)
	tracker.Progress(400, 4)
	clock.Step(10 * time.Second)
	sent = 500
	tracker.Progress(300, 3) // Progress never goes back.
	last := tracker.Finish(report.Outcome{Result: report.Complete, Digest: "abc"})
	reports := parse(t, &out)
	want := []report.Report{
		{Kind: report.Kind, Phase: report.Connecting},
		{
			Kind: report.Kind, Phase: report.Done, BytesTotal: 1000, BytesDone: 1000, FilesTotal: 10, FilesDone: 10, BytesSent: 500,
			Rate: 100, Result: report.Complete, Digest: "abc",
		},
	}
	if diff := cmp.Diff(want, reports); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want[1], last); diff != "" {
		t.Errorf("returned (-want +got)\n%s", diff)
	}
}

func TestRateLooksBackHalfAMinute(t *testing.T) {
	var out bytes.Buffer
	clock := clocktesting.NewFakeClock(time.Now())
	tracker := report.NewTracker(&out, clock, nil)
	tracker.Totals(1<<40, 1)
	done := int64(0)
	for i := range 20 {
		if i >= 10 {
			done += 5000 // A thousand a second, after a pause.
		}
		tracker.Progress(done, 0)
		tracker.Repeat(tracker.Preview(report.Outcome{}))
		clock.Step(5 * time.Second)
	}
	reports := parse(t, &out)
	if rate := reports[len(reports)-1].Rate; rate != 1000 {
		t.Errorf("the rate is %d", rate)
	}
	if rate := reports[9].Rate; rate != 0 {
		t.Errorf("the rate of nothing is %d", rate)
	}
}

func TestProblemsAreCountedAndTheFirstNamed(t *testing.T) {
	var out bytes.Buffer
	tracker := report.NewTracker(&out, clocktesting.NewFakeClock(time.Now()), nil)
	for i := range 1000 {
		tracker.Problem(report.Vanished, fmt.Sprint("path\n", i), "gone")
	}
	tracker.Problem(report.Unreadable, strings.Repeat("long", 5000), "too long to tell")
	tracker.Problems(report.Unreadable, 4)
	tracker.Problems(report.NoSpace, 0)
	last := tracker.Finish(report.Outcome{Result: report.Incomplete, Class: report.Unreadable, Message: strings.Repeat("x", 1<<20)})
	want := map[report.Class]int64{report.Vanished: 1000, report.Unreadable: 5}
	if diff := cmp.Diff(want, last.Problems); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := tracker.Count(report.Unreadable); n != 5 {
		t.Errorf("count %d", n)
	}
	if len(last.Examples) != 100 || last.Examples[7] != (report.Example{Class: report.Vanished, Path: `path\x0a7`, Message: "gone"}) {
		t.Errorf("%d examples: %+v", len(last.Examples), last.Examples)
	}
	if out.Len() > 16<<10 {
		t.Errorf("a line of %d bytes", out.Len())
	}
}

func TestTerminationMessageFits(t *testing.T) {
	var out bytes.Buffer
	tracker := report.NewTracker(&out, clocktesting.NewFakeClock(time.Now()), nil)
	for i := range 100 {
		tracker.Problem(report.Vanished, fmt.Sprint(strings.Repeat("ü", 20), i), "gone")
	}
	last := tracker.Finish(report.Outcome{Result: report.Failed, Class: report.Input, Message: strings.Repeat("\x01", 2000)})
	file := filepath.Join(t.TempDir(), "termination")
	if err := report.WriteTermination(file, last); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil || len(content) > 4096 || len(content) < 3000 {
		t.Fatalf("%d bytes, %v", len(content), err)
	}
	got, err := report.Parse(content)
	if err != nil || got.Problems[report.Vanished] != 100 || len(got.Examples) == 0 || got.Message == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParseTellsReportsFromOtherLines(t *testing.T) {
	for _, line := range []string{"", "\n", "INFO started", "{", "{}", `{"kind":"another"}`, `{"kind":"godwit-mover/v1","phase":7}`, "[1]"} {
		if _, err := report.Parse([]byte(line)); !errors.Is(err, report.ErrNotReport) {
			t.Errorf("%q: %v", line, err)
		}
	}
	for _, line := range []string{
		`{"kind":"godwit-mover/v1","phase":"dancing"}`,
		`{"kind":"godwit-mover/v1","phase":"done","result":"Perfect"}`,
		`{"kind":"godwit-mover/v1","phase":"done","bytesDone":-1}`,
		`{"kind":"godwit-mover/v1","phase":"done","problems":{"vanished":-1}}`,
	} {
		if _, err := report.Parse([]byte(line)); err == nil || errors.Is(err, report.ErrNotReport) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestEscape(t *testing.T) {
	for path, want := range map[string]string{
		"plain/ünïcödé name": "plain/ünïcödé name",
		"new\nline":          `new\x0aline`,
		"bad\xffutf8":        `bad\xffutf8`,
		`back\slash`:         `back\x5cslash`,
		"\u202ereversed":     `\xe2\x80\xaereversed`,
		"\x1b[31mred":        `\x1b[31mred`,
	} {
		if got := report.Escape(path); got != want {
			t.Errorf("%q became %q", path, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"kind":"godwit-mover/v1","phase":"done","result":"Complete","bytesTotal":5,"problems":{"vanished":1},"examples":[{"class":"io","path":"a"}]}`))
	f.Add([]byte(`{"kind":"godwit-mover/v1","phase":"copying","rate":-1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := report.Parse(line)
		if err != nil {
			return
		}
		encoded, err := json.Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := report.Parse(encoded)
		if err != nil && len(encoded) < 64<<10 {
			t.Errorf("%s: %v", encoded, err)
		}
		if err == nil && !cmp.Equal(r, again, cmpopts.EquateEmpty()) {
			t.Errorf("%+v became %+v", r, again)
		}
	})
}
