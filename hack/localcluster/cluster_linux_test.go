package localcluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// runs is false for a zombie too: who takes over orphans may be slow to bury them.
func runs(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !bytes.Contains(status, []byte("State:\tZ"))
}

// expectNoProcess fails the test when a process has dir in its command line.
func expectNoProcess(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes in /proc: %v", err)
	}
	for _, file := range files {
		// A process that ends meanwhile cannot be read.
		if command, err := os.ReadFile(file); err == nil && bytes.Contains(command, []byte(dir)) {
			t.Errorf("a process is left: %s", bytes.ReplaceAll(command, []byte{0}, []byte(" ")))
		}
	}
}

func TestStartQuotesTheLogAndLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	_, err := Start(t.Context(), Options{Name: "wrong", APIServerArgs: []string{"--no-such-flag"}})
	if err == nil {
		t.Fatal("a cluster with a wrong flag started")
	}
	for _, want := range []string{"cluster wrong", APIServer, "unknown flag: --no-such-flag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	expectEmpty(t, temp)
	expectNoProcess(t, temp)
}

// writerFunc is called with what is written.
type writerFunc func(text []byte)

func (f writerFunc) Write(text []byte) (int, error) {
	f(text)
	return len(text), nil
}

func TestStartAllStopsTheOthersWhenOneFails(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	stranger, err := newAuthority("stranger")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.crt")
	writeFile(t, ca, string(stranger.cert))

	ctx, cancel := context.WithCancel(t.Context())
	var started atomic.Bool
	ready := writerFunc(func(text []byte) {
		if bytes.Contains(text, []byte("cluster good is ready")) {
			started.Store(true)
			cancel()
		}
	})
	clusters, err := StartAll(ctx,
		Options{Name: "good", Progress: ready},
		// It does not know who asks whether it is ready, so the answer is never yes.
		Options{Name: "deaf", APIServerArgs: []string{"--client-ca-file=" + ca}})
	if clusters != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v; want the error of the context", clusters, err)
	}
	// What the check says depends on how far it came meanwhile: to refuse, or not yet to answer.
	for _, want := range []string{"cluster deaf", "the last check said: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if !started.Load() {
		t.Error("cluster good never started, so that nothing had to be stopped")
	}
	expectEmpty(t, temp)
	expectNoProcess(t, temp)
}

func TestProcessesDieWithTheirKilledParent(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"=1", "TMPDIR="+t.TempDir())
	parent.Stderr = os.Stderr
	parent.SysProcAttr = ChildAttributes()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(stdout).ReadBytes('\n')
	pids := map[string]int{}
	if err := json.Unmarshal(line, &pids); err != nil || len(pids) != 3 {
		t.Errorf("the parent printed %q (%v, %v), want three processes", line, readErr, err)
	}
	for name, pid := range pids {
		if !runs(pid) {
			t.Errorf("%s (%d) does not run", name, pid)
		}
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // Its error is that it was killed.
	for name, pid := range pids {
		eventually(t, fmt.Sprintf("%s (%d) is gone", name, pid), func(context.Context) (bool, error) { return !runs(pid), nil })
	}
}
