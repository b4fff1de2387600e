package mover_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/godwit-io/godwit/internal/mover"
	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/report"
)

// elsewhere is the argument by which this test binary runs one end in a process of its own: to be killed, or as another user.
const elsewhere = "mover-elsewhere"

// end is one end to run.
type end struct {
	Volume, Identity string
	// Address is where to send to; empty for a receiver, which tells its address in the file Listening.
	Address, Listening string
	BytesPerSecond     int64
	Live               bool
}

// nobody is a user without privileges.
const nobody = 65534

// process is one end that runs.
type process struct {
	*exec.Cmd
	out bytes.Buffer
}

// start runs one end; as another user than root where unprivileged is true.
func start(t *testing.T, e end, unprivileged bool) *process {
	t.Helper()
	encoded, err := json.Marshal(e)
	must(t, err)
	folder := openTempDir(t)
	program := filepath.Join(folder, "mover.test")
	must(t, os.Link(self(), program))
	must(t, os.Chmod(program, 0o755))
	p := &process{Cmd: exec.Command(program, elsewhere, string(encoded))}
	p.Stdout, p.Stderr = &p.out, os.Stderr
	p.Env = append(os.Environ(), "PATH="+rsyncFolder(t)+":"+os.Getenv("PATH"))
	if unprivileged && os.Geteuid() == 0 {
		p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		must(t, os.Lchown(e.Volume, nobody, nobody))
		for _, name := range []string{".", link.KeyFile, link.CertificateFile, link.AuthorityFile} {
			must(t, os.Lchown(filepath.Join(e.Identity, name), nobody, nobody))
		}
	}
	must(t, p.Start())
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	return p
}

// last waits for the end of the process, and returns its last report and exit code.
func (p *process) last(t *testing.T) (last report.Report, code int) {
	t.Helper()
	_ = p.Wait()
	lines := bytes.Split(bytes.TrimSpace(p.out.Bytes()), []byte("\n"))
	last, err := report.Parse(lines[len(lines)-1])
	if err != nil {
		t.Fatalf("%v: %s", err, p.out.Bytes())
	}
	return last, p.ProcessState.ExitCode()
}

// listening waits for the address of a receiver.
func (e end) listening(t *testing.T) string {
	t.Helper()
	for {
		if address, err := os.ReadFile(e.Listening); err == nil && len(address) > 0 {
			return string(address)
		}
		select {
		case <-t.Context().Done():
			t.Fatal("no receiver")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// runElsewhere is what the process does.
func runElsewhere(encoded string) int {
	var e end
	if err := json.Unmarshal([]byte(encoded), &e); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 100
	}
	if e.Address == "" {
		return mover.ExitCode(mover.Receive(context.Background(), mover.ReceiveOptions{
			Volume: e.Volume, Listen: "127.0.0.1:0", Identity: e.Identity, Peer: senderName, Out: os.Stdout, Clock: clock.RealClock{},
			Listening: func(address net.Addr) { _ = os.WriteFile(e.Listening, []byte(address.String()), 0o600) },
		}))
	}
	return mover.ExitCode(mover.Send(context.Background(), mover.SendOptions{
		Volume:   e.Volume,
		Dialer:   link.DialerOptions{Address: e.Address, Identity: e.Identity, Peer: receiverName, BytesPerSecond: e.BytesPerSecond},
		Patience: time.Minute, Parts: 4, Walkers: 16, Live: e.Live, Shell: []string{self(), dial}, Out: os.Stdout, Clock: clock.RealClock{},
	}))
}
