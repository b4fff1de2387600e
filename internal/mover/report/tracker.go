package report

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

const (
	// interval is the time between two lines.
	interval = 5 * time.Second
	// rateWindow is what Rate looks back on.
	rateWindow = 30 * time.Second
	// maxExamples and maxExampleBytes bound what is told one by one.
	maxExamples     = 100
	maxExampleBytes = 8 << 10
	// maxMessage bounds texts of errors, in bytes.
	maxMessage = 1 << 10
)

// Tracker collects what a mover tells. All methods may be called at the same time.
type Tracker struct {
	clock clock.WithTicker
	sent  func() int64

	mu           sync.Mutex
	out          *json.Encoder
	state        Report
	exampleBytes int
	samples      []sample // The oldest first, none older than rateWindow but the first.
}

type sample struct {
	at    time.Time
	bytes int64
}

// NewTracker returns a Tracker that is Connecting and writes to out. sent tells how many bytes went over the network; nil means 0.
func NewTracker(out io.Writer, clock clock.WithTicker, sent func() int64) *Tracker {
	if sent == nil {
		sent = func() int64 { return 0 }
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return &Tracker{clock: clock, sent: sent, out: encoder, state: Report{Kind: Kind, Phase: Connecting}}
}

// Run writes a line at once and every few seconds until the context ends.
func (t *Tracker) Run(ctx context.Context) {
	ticker := t.clock.NewTicker(interval)
	defer ticker.Stop()
	for {
		t.write()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
	}
}

// Phase tells what the mover does from now on.
func (t *Tracker) Phase(p Phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Phase = p
}

// Totals sets what there is to do.
func (t *Tracker) Totals(bytes, files int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.BytesTotal, t.state.FilesTotal = bytes, files
}

// Progress sets what is done. It is cut to the totals, and less than before counts as no progress.
func (t *Tracker) Progress(bytes, files int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.BytesDone = max(t.state.BytesDone, min(bytes, t.state.BytesTotal))
	t.state.FilesDone = max(t.state.FilesDone, min(files, t.state.FilesTotal))
}

// Problem counts a problem. path is as it is in the file system, relative to the volume's root.
func (t *Tracker) Problem(class Class, path, message string) {
	t.Problems(class, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	example := Example{Class: class, Path: Escape(path), Message: cut(Escape(message), maxMessage)}
	size := len(example.Path) + len(example.Message) + len(class) + len(`{"class":"","path":"","message":""},`)
	if len(t.state.Examples) < maxExamples && t.exampleBytes+size <= maxExampleBytes {
		t.state.Examples = append(t.state.Examples, example)
		t.exampleBytes += size
	}
}

// Problems counts problems that have no example. None, or fewer, is nothing.
func (t *Tracker) Problems(class Class, n int64) {
	if n <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Problems == nil {
		t.state.Problems = map[Class]int64{}
	}
	t.state.Problems[class] += n
}

// Count is how many problems of a class there are so far.
func (t *Tracker) Count(class Class) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.Problems[class]
}

// Outcome is how a mover ended, as in Report.
type Outcome struct {
	Result  Result
	Class   Class
	Message string
	Digest  string
}

// Finish writes the last line and returns what it says. Complete means that all is done, whatever Progress was told.
func (t *Tracker) Finish(outcome Outcome) Report { return t.Repeat(t.Preview(outcome)) }

// Preview returns what Finish would say.
func (t *Tracker) Preview(outcome Outcome) Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.state.clone()
	r.Phase = Done
	r.Result, r.Class, r.Digest = outcome.Result, outcome.Class, outcome.Digest
	r.Message = cut(Escape(outcome.Message), maxMessage)
	if outcome.Result == Complete {
		r.BytesDone, r.FilesDone = r.BytesTotal, r.FilesTotal
	}
	return r
}

// Repeat writes the last line as another Tracker had it, and returns it.
func (t *Tracker) Repeat(last Report) Report {
	t.mu.Lock()
	t.state = last
	t.mu.Unlock()
	return t.write()
}

// write writes a line. Nobody can act on a failure to write it, so that is ignored.
func (t *Tracker) write() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.BytesSent = t.sent()
	t.state.Rate = t.rate()
	_ = t.out.Encode(&t.state)
	return t.state.clone()
}

// rate takes a sample and compares it with the one at the beginning of the window.
func (t *Tracker) rate() int64 {
	now := sample{at: t.clock.Now(), bytes: t.state.BytesDone}
	t.samples = append(t.samples, now)
	for len(t.samples) > 2 && now.at.Sub(t.samples[1].at) >= rateWindow {
		t.samples = t.samples[1:]
	}
	elapsed := now.at.Sub(t.samples[0].at)
	if elapsed <= 0 {
		return 0
	}
	return int64(float64(now.bytes-t.samples[0].bytes) / elapsed.Seconds())
}
