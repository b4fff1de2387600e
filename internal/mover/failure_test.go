package mover_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover"
	"github.com/godwit-io/godwit/internal/mover/report"
)

func TestUnreadableFilesAreNamedAndNothingIsDeleted(t *testing.T) {
	p := newPair(t)
	write(t, filepath.Join(p.source, "readable"), "content")
	write(t, filepath.Join(p.source, "folder/unreadable"), "secret")
	write(t, filepath.Join(p.source, "closed/inner"), "secret")
	must(t, os.Chmod(filepath.Join(p.source, "folder/unreadable"), 0))
	must(t, os.Chmod(filepath.Join(p.source, "closed"), 0))
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(p.source, "closed"), 0o700) })
	write(t, filepath.Join(p.destination, "extra"), "of an earlier copy")
	ctx, cancel := context.WithCancel(t.Context())
	address, last := p.receive(ctx, t)
	sent, code := start(t, end{Volume: p.source, Identity: p.sender, Address: address, Live: true}, true).last(t)
	cancel()
	last()
	if sent.Result != report.Incomplete || sent.Class != report.Unreadable || code != mover.ExitRetry || sent.Problems[report.Unreadable] != 2 {
		t.Errorf("code %d: %+v", code, sent)
	}
	var named []string
	for _, example := range sent.Examples {
		named = append(named, example.Path)
	}
	if told := fmt.Sprint(named); !strings.Contains(told, "folder/unreadable") || !strings.Contains(told, "closed") {
		t.Errorf("named: %v", named)
	}
	for _, name := range []string{"extra", "readable"} {
		if _, err := os.Stat(filepath.Join(p.destination, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestReceiverWithoutPrivilegesSaysWhatItCannotKeep(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("files of others, and devices, are made by root only")
	}
	p := newPair(t)
	for i := range 3 {
		write(t, filepath.Join(p.source, fmt.Sprint("own", i)), "content")
		must(t, os.Chown(filepath.Join(p.source, fmt.Sprint("own", i)), nobody, nobody))
	}
	write(t, filepath.Join(p.source, "of-another"), "content")
	must(t, os.Chown(filepath.Join(p.source, "of-another"), 4711, nobody))
	must(t, unix.Mknod(filepath.Join(p.source, "device"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	e := end{Volume: p.destination, Identity: p.receiver, Listening: filepath.Join(p.destination, "..", "address")}
	must(t, os.WriteFile(e.Listening, nil, 0o666))
	must(t, os.Chmod(e.Listening, 0o666))
	receiver := start(t, e, true)
	options := p.options(e.listening(t))
	options.Verify = true
	sent := mover.Send(t.Context(), options)
	if _, code := receiver.last(t); code != mover.ExitComplete {
		t.Errorf("the receiver ended with code %d", code)
	}
	if sent.Result != report.Complete || sent.Problems[report.NotPreserved] != 2 || len(sent.Problems) != 1 || sent.Digest == "" {
		t.Errorf("sent: %+v", sent)
	}
	if content, err := os.ReadFile(filepath.Join(p.destination, "of-another")); err != nil || string(content) != "content" {
		t.Errorf("got %q, %v", content, err)
	}
}

func TestFullVolumeIsToldAsSuch(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	p := newPair(t)
	must(t, unix.Mount("tmpfs", p.destination, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { must(t, unix.Unmount(p.destination, unix.MNT_DETACH)) })
	for name, size := range map[string]int{"in parts": 3 << 20, "in place": 20 << 20} {
		t.Run(name, func(t *testing.T) {
			must(t, os.WriteFile(filepath.Join(p.source, "file"), bytes.Repeat([]byte("0123456789abcdef"), size/16), 0o600))
			sent := p.copyOnce(t, nil)
			if sent.Result == report.Complete || sent.Class != report.NoSpace || mover.ExitCode(sent) != mover.ExitRetry {
				t.Errorf("sent: %+v", sent)
			}
		})
	}
}

func TestKilledSenderIsFollowedByOneThatGoesOn(t *testing.T) {
	const size = 24 << 20
	p := newPair(t)
	must(t, os.WriteFile(filepath.Join(p.source, "large"), random(size), 0o600))
	address, last := p.receive(t.Context(), t)
	first := start(t, end{Volume: p.source, Identity: p.sender, Address: address, BytesPerSecond: 16 << 20}, false)
	arrived(t, filepath.Join(p.destination, "large"), size/4)
	must(t, first.Process.Signal(syscall.SIGKILL))
	_ = first.Wait()
	sent := mover.Send(t.Context(), p.options(address))
	if sent.Result != report.Complete || sent.BytesSent > size*7/8 {
		t.Errorf("the second attempt: %+v", sent)
	}
	if received := last(); received.Result != report.Complete {
		t.Errorf("received: %+v", received)
	}
	wantEqual(t, p.source, p.destination)
}

func TestLostReceiverEndsTheSenderAndAnotherGoesOn(t *testing.T) {
	p := newPair(t)
	must(t, os.WriteFile(filepath.Join(p.source, "large"), random(24<<20), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	address, last := p.receive(ctx, t)
	go func() {
		arrived(t, filepath.Join(p.destination, "large"), 4<<20)
		cancel()
	}()
	options := p.options(address)
	options.Dialer.BytesPerSecond = 16 << 20
	sent := mover.Send(t.Context(), options)
	if received := last(); received.Class != report.Interrupted {
		t.Errorf("received: %+v", received)
	}
	if sent.Result != report.Failed || sent.Class != report.Connection || mover.ExitCode(sent) != mover.ExitRetry {
		t.Errorf("sent: %+v", sent)
	}
	p.copyAll(t, nil)
	wantEqual(t, p.source, p.destination)
}

func TestInterruptedSenderLeavesNoProcess(t *testing.T) {
	p := newPair(t)
	must(t, os.WriteFile(filepath.Join(p.source, "large"), random(24<<20), 0o600))
	receiving, stop := context.WithCancel(t.Context())
	address, last := p.receive(receiving, t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		arrived(t, filepath.Join(p.destination, "large"), 1<<20)
		cancel()
	}()
	options := p.options(address)
	options.Dialer.BytesPerSecond = 4 << 20
	sent := mover.Send(ctx, options)
	stop()
	last()
	if sent.Class != report.Interrupted {
		t.Errorf("sent: %+v", sent)
	}
	if n := rsyncs(t, p.source) + rsyncs(t, p.destination); n > 0 {
		t.Errorf("%d processes are left", n)
	}
}

// rsyncs counts processes that work in a folder.
func rsyncs(t *testing.T, folder string) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	must(t, err)
	for _, one := range links {
		if target, err := os.Readlink(one); err == nil && target == folder {
			n++
		}
	}
	return n
}

// arrived waits until so much of a file is there.
func arrived(t *testing.T, path string, size int64) {
	t.Helper()
	for t.Context().Err() == nil {
		var found unix.Stat_t
		if unix.Stat(path, &found) == nil && found.Blocks*512 >= size {
			return
		}
		syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 10_000}) //nolint:errcheck // It only waits.
	}
}

// random is content that rsync finds nothing alike in.
func random(size int) []byte {
	file, err := os.Open("/dev/urandom")
	if err != nil {
		panic(err)
	}
	defer file.Close() //nolint:errcheck // It was read.
	content := make([]byte, size)
	if _, err := io.ReadFull(file, content); err != nil {
		panic(err)
	}
	return content
}
