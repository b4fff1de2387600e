package prune_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/prune"
	"github.com/godwit-io/godwit/internal/mover/tree"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, nil, 0o644))
}

func open(t *testing.T, path string) *tree.Root {
	t.Helper()
	root, err := tree.Open(path)
	must(t, err)
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// connect makes the two ends of a connection.
func connect(t *testing.T) (a, b net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close() //nolint:errcheck // One was accepted.
	a, err = net.Dial("tcp", listener.Addr().String())
	must(t, err)
	b, err = listener.Accept()
	must(t, err)
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a, b
}

// observed collects what a source tells.
type observed struct {
	mu                sync.Mutex
	found, unreadable []string
}

func (o *observed) source(root *tree.Root) prune.Source {
	return prune.Source{
		Root: root, Workers: 4,
		Found: func(path string, _ *unix.Stat_t) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.found = append(o.found, path)
		},
		Unreadable: func(path string, _ error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.unreadable = append(o.unreadable, path)
		},
	}
}

// pruneAll runs both ends.
func pruneAll(t *testing.T, source, destination string) (prune.Summary, *observed) {
	t.Helper()
	a, b := connect(t)
	deleted := make(chan error, 1)
	go func() {
		deleted <- prune.Destination{Root: open(t, destination), Skip: "lost+found"}.Delete(t.Context(), b)
	}()
	o := &observed{}
	summary, err := o.source(open(t, source)).Answer(t.Context(), a)
	must(t, err)
	must(t, <-deleted)
	return summary, o
}

func list(t *testing.T, root string) (paths []string) {
	t.Helper()
	must(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		relative, _ := filepath.Rel(root, path)
		paths = append(paths, relative)
		return err
	}))
	return paths
}

func TestWhatIsGoneIsDeletedAndNothingElse(t *testing.T) {
	base := t.TempDir()
	source, destination := filepath.Join(base, "source"), filepath.Join(base, "destination")
	outside := filepath.Join(base, "outside")
	write(t, filepath.Join(outside, "file"))
	for i := range 1500 {
		path := fmt.Sprintf("a%d/b%d/f%d", i%3, i%100, i)
		write(t, filepath.Join(destination, path))
		if i%3 > 0 && i%4 > 0 {
			write(t, filepath.Join(source, path))
		}
	}
	for i := range 1000 {
		write(t, filepath.Join(destination, "flat", fmt.Sprint("gone", i)))
	}
	write(t, filepath.Join(source, "flat/new\nline\xff"))
	write(t, filepath.Join(destination, "flat/new\nline\xff"))
	for _, root := range []string{source, destination} {
		must(t, os.Symlink(outside, filepath.Join(root, "link")))
	}
	must(t, os.Symlink(outside, filepath.Join(destination, "gone-link")))
	must(t, os.MkdirAll(filepath.Join(destination, "gone/sub"), 0o700))
	must(t, os.Symlink(outside, filepath.Join(destination, "gone/sub/link")))
	write(t, filepath.Join(destination, "lost+found/of-the-file-system"))
	write(t, filepath.Join(destination, "a1/lost+found/of-the-user"))
	at := unix.Timespec{Sec: 1234567890, Nsec: 42}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(destination, "flat"), []unix.Timespec{at, at}, 0))

	before := len(list(t, destination))
	summary, o := pruneAll(t, source, destination)
	want := append(list(t, source), "lost+found", "lost+found/of-the-file-system")
	got := list(t, destination)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("%d entries are left, want %d", len(got), len(want))
	}
	if summary.Deleted != int64(before-len(got)) || summary.Failed > 0 || len(summary.Problems) > 0 {
		t.Errorf("deleted %d: %+v", before-len(got), summary)
	}
	if len(o.unreadable) > 0 || len(o.found) != len(list(t, source))-1 {
		t.Errorf("found %d of %d, unreadable %v", len(o.found), len(list(t, source))-1, o.unreadable)
	}
	var stat unix.Stat_t
	must(t, unix.Stat(filepath.Join(destination, "flat"), &stat))
	if stat.Mtim != at {
		t.Errorf("the time of a folder in which was deleted is %v", stat.Mtim)
	}
	if _, err := os.Stat(filepath.Join(outside, "file")); err != nil {
		t.Error(err)
	}
}

func TestClosedFoldersOfOnesOwnAreNoObstacle(t *testing.T) {
	base := t.TempDir()
	source, destination := filepath.Join(base, "source"), filepath.Join(base, "destination")
	must(t, os.MkdirAll(filepath.Join(source, "stays"), 0o755))
	write(t, filepath.Join(destination, "stays/gone"))
	write(t, filepath.Join(destination, "gone/inner/file"))
	for _, path := range []string{"stays", "gone/inner", "gone"} {
		must(t, os.Chmod(filepath.Join(destination, path), 0o500))
	}
	summary, _ := pruneAll(t, source, destination)
	if summary.Failed > 0 || summary.Deleted != 4 {
		t.Errorf("%+v", summary)
	}
	if info, err := os.Stat(filepath.Join(destination, "stays")); err != nil || info.Mode().Perm() != 0o500 {
		t.Errorf("%v, %v", info, err)
	}
	must(t, os.Chmod(filepath.Join(destination, "stays"), 0o700))
}

func TestWhatCannotBeDeletedIsTold(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("files that cannot be deleted are made by root only")
	}
	base := t.TempDir()
	source, destination := filepath.Join(base, "source"), filepath.Join(base, "destination")
	must(t, os.Mkdir(source, 0o755))
	for _, name := range []string{"mounted", "in/mounted"} {
		path := filepath.Join(destination, name)
		must(t, os.MkdirAll(path, 0o755))
		must(t, unix.Mount("tmpfs", path, "tmpfs", 0, "size=64k"))
		t.Cleanup(func() { must(t, unix.Unmount(path, unix.MNT_DETACH)) })
	}
	write(t, filepath.Join(destination, "gone"))
	summary, _ := pruneAll(t, source, destination)
	if summary.Failed != 2 || len(summary.Problems) != 2 || summary.Deleted != 1 {
		t.Errorf("%+v", summary)
	}
}

func TestSourceAnswersForItsVolumeOnly(t *testing.T) {
	base := t.TempDir()
	inside := filepath.Join(base, "inside")
	write(t, filepath.Join(inside, "file"))
	write(t, filepath.Join(base, "secret"))
	must(t, os.Symlink("..", filepath.Join(inside, "up")))
	a, b := connect(t)
	o := &observed{}
	answered := make(chan error, 1)
	go func() {
		_, err := o.source(open(t, inside)).Answer(t.Context(), a)
		answered <- err
	}()
	reader := bufio.NewReader(b)
	ask := func(id uint64, folder string, names ...string) []byte {
		_, err := b.Write(question(id, folder, names...))
		must(t, err)
		got, err := binary.ReadUvarint(reader)
		if err != nil || got != id {
			t.Fatalf("answer to %d: %v", got, err)
		}
		verdict := make([]byte, len(names))
		_, err = io.ReadFull(reader, verdict)
		must(t, err)
		return verdict
	}
	for folder, want := range map[string][]byte{".": {0, 1}, "absent": {1, 1}, "up": {0, 0}, "..": {0, 0}, base: {0, 0}} {
		if got := ask(1, folder, "file", "other"); !bytes.Equal(got, want) {
			t.Errorf("in %q: %v", folder, got)
		}
	}
	if got := ask(2, ".", "../secret", "../absent"); !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("of names that lead elsewhere: %v", got)
	}
	_, err := b.Write(append([]byte{0}, `{"deleted":3}`...))
	must(t, err)
	must(t, <-answered)
}

// question is what a destination sends.
func question(id uint64, folder string, names ...string) []byte {
	text := func(to []byte, s string) []byte { return append(binary.AppendUvarint(to, uint64(len(s))), s...) }
	out := binary.AppendUvarint(text(binary.AppendUvarint(nil, id), folder), uint64(len(names)))
	for _, name := range names {
		out = text(out, name)
	}
	return out
}

func TestSourceRefusesWhatIsNoQuestion(t *testing.T) {
	for name, sent := range map[string][]byte{
		"too many names": binary.AppendUvarint(append(binary.AppendUvarint(nil, 1), 1, '.'), 1<<40),
		"a long path":    binary.AppendUvarint(binary.AppendUvarint(nil, 1), 1<<40),
		"a long name":    binary.AppendUvarint(append(binary.AppendUvarint(nil, 1), 1, '.', 1), 1<<40),
		"cut off":        question(1, "folder", "name")[:5],
		"no summary":     {0, '['},
		"nothing":        nil,
	} {
		t.Run(name, func(t *testing.T) {
			a, b := connect(t)
			_, err := b.Write(sent)
			must(t, err)
			must(t, b.Close())
			if _, err := (&observed{}).source(open(t, t.TempDir())).Answer(t.Context(), a); err == nil {
				t.Error("it was taken for one")
			}
		})
	}
}

func TestDestinationStopsAtAnswersThatAreNone(t *testing.T) {
	for name, sent := range map[string][]byte{"to what was not asked": {77, 1}, "cut off": {1}, "nothing": nil} {
		t.Run(name, func(t *testing.T) {
			volume := t.TempDir()
			write(t, filepath.Join(volume, "a"))
			write(t, filepath.Join(volume, "b"))
			a, b := connect(t)
			go func() {
				_, _ = b.Write(sent)
				_, _ = io.CopyN(io.Discard, b, 5)
				_ = b.Close()
			}()
			if err := (prune.Destination{Root: open(t, volume)}).Delete(t.Context(), a); err == nil {
				t.Error("it was taken for an answer")
			}
			if left := list(t, volume); len(left) != 3 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestBothEndsEndWithTheirContext(t *testing.T) {
	volume := t.TempDir()
	write(t, filepath.Join(volume, "a"))
	a, b := connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := (prune.Destination{Root: open(t, volume)}).Delete(ctx, a); !errors.Is(err, context.Canceled) {
		t.Errorf("the destination: %v", err)
	}
	c, d := connect(t)
	if _, err := (&observed{}).source(open(t, volume)).Answer(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("the source: %v", err)
	}
	_, _ = b, d
}

func FuzzAnswer(f *testing.F) {
	f.Add(question(1, "sub", "a", "b"))
	f.Add(append(question(1, ".", strings.Repeat("x", 300)), append([]byte{0}, `{"deleted":1}`...)...))
	base := f.TempDir()
	if err := os.MkdirAll(filepath.Join(base, "sub"), 0o755); err != nil {
		f.Fatal(err)
	}
	root, err := tree.Open(base)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = root.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		a, b := net.Pipe()
		go func() {
			_, _ = b.Write(data)
			_ = b.Close()
		}()
		go io.Copy(io.Discard, b) //nolint:errcheck // It ends with the connection.
		_, _ = (&observed{}).source(root).Answer(t.Context(), a)
		_ = a.Close()
	})
}
