package localcluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shell is a process whose program is a shell script, ready as soon as the file "ready" in its folder exists.
func shell(t *testing.T, script string) *process {
	t.Helper()
	dir := t.TempDir()
	return &process{
		name:    "script",
		path:    "/bin/sh",
		args:    []string{"-c", "cd " + dir + "; " + script},
		logFile: filepath.Join(dir, "script.log"),
		ready: func(context.Context) error {
			_, err := os.Stat(filepath.Join(dir, "ready"))
			return err
		},
	}
}

func TestLaunchQuotesTheLogOfAProcessThatEnds(t *testing.T) {
	tests := map[string]struct {
		script   string
		wantText string
		wantBusy bool
	}{
		"failure":   {script: "echo this went wrong >&2; exit 3", wantText: "exit status 3\n    this went wrong"},
		"success":   {script: "echo bye", wantText: "ended with success instead of serving\n    bye"},
		"port busy": {script: "echo listen tcp: bind: address already in use; exit 1", wantText: "port is in use", wantBusy: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := shell(t, test.script)
			writeFile(t, p.logFile, "earlier run: address already in use\n")
			err := p.launch(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.wantText) || strings.Contains(err.Error(), "earlier run") {
				t.Errorf("got error %v, want it to say %q and nothing of an earlier run", err, test.wantText)
			}
			if errors.Is(err, errPortBusy) != test.wantBusy {
				t.Errorf("got port busy %t, want %t", !test.wantBusy, test.wantBusy)
			}
		})
	}
}

func TestLaunchEndsWithItsContext(t *testing.T) {
	p := shell(t, "echo slow; exec sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.launch(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v, want that of the context and of the last check", err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

func TestProcessCanBeStoppedAndLaunchedAgain(t *testing.T) {
	p := shell(t, "touch ready; exec sleep 60")
	if p.pid() != 0 || p.stop() != nil {
		t.Error("a process that was never started has a pid, or cannot be stopped")
	}
	for range 2 {
		if err := p.launch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.pid() == 0 {
			t.Error("it has no pid")
		}
		if err := p.launch(t.Context()); err == nil || !strings.Contains(err.Error(), "running already") {
			t.Errorf("got error %v for a second launch", err)
		}
		if err := p.stop(); err != nil || p.pid() != 0 {
			t.Errorf("after stop: pid %d, %v", p.pid(), err)
		}
	}
}

func TestStopKillsAProcessThatIgnoresSIGTERM(t *testing.T) {
	t.Parallel() // It waits for the whole grace period.
	p := shell(t, `trap "" TERM; touch ready; while :; do sleep 1; done`)
	if err := p.launch(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.stop(); err != nil || p.pid() != 0 {
		t.Errorf("after stop: pid %d, %v", p.pid(), err)
	}
	if took := time.Since(began); took < stopGracePeriod {
		t.Errorf("killed after %s, before its grace period was over", took)
	}
}
