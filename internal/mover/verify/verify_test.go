package verify_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
	"github.com/godwit-io/godwit/internal/mover/verify"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func open(t *testing.T, path string) *tree.Root {
	t.Helper()
	root, err := tree.Open(path)
	must(t, err)
	t.Cleanup(func() { _ = root.Close() })
	return root
}

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

// found is what a comparison tells.
type found struct {
	digest     string
	different  []string
	unreadable []string
}

func (f *found) source(root *tree.Root, options verify.Options) verify.Source {
	return verify.Source{
		Root: root, Options: options,
		Different:  func(path, what string, _ *unix.Stat_t) { f.different = append(f.different, path+": "+what) },
		Unreadable: func(path, _ string, here bool) { f.unreadable = append(f.unreadable, fmt.Sprint(path, " here ", here)) },
	}
}

func compare(t *testing.T, source, destination string, options verify.Options) *found {
	t.Helper()
	options.Workers = 4
	a, b := connect(t)
	streamed := make(chan error, 1)
	go func() { streamed <- verify.Stream(t.Context(), b, open(t, destination)) }()
	f := &found{}
	digest, err := f.source(open(t, source), options).Compare(t.Context(), a)
	must(t, err)
	must(t, <-streamed)
	f.digest = digest
	slices.Sort(f.different)
	return f
}

// twins makes two equal trees.
func twins(t *testing.T) (source, destination string) {
	t.Helper()
	base := t.TempDir()
	at := unix.Timespec{Sec: 1e9, Nsec: 1}
	for _, root := range []string{filepath.Join(base, "source"), filepath.Join(base, "destination")} {
		for i := range 300 {
			write(t, filepath.Join(root, fmt.Sprint("d", i%9), fmt.Sprint("e", i%31), fmt.Sprint("f", i)), strings.Repeat("x", i))
		}
		write(t, filepath.Join(root, "a/b"), "content")
		write(t, filepath.Join(root, "a-b/c"), "sorts before a/b by bytes")
		must(t, os.Link(filepath.Join(root, "a/b"), filepath.Join(root, "linked")))
		must(t, os.Symlink("target", filepath.Join(root, "link")))
		must(t, unix.Mkfifo(filepath.Join(root, "fifo"), 0o600))
		must(t, os.Mkdir(filepath.Join(root, "empty"), 0o755))
		must(t, unix.Setxattr(filepath.Join(root, "a/b"), "user.name", []byte("value"), 0))
		write(t, filepath.Join(root, "lost+found", root), "differs")
		var paths []string
		must(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
			paths = append(paths, path)
			return err
		}))
		for _, path := range slices.Backward(paths) {
			must(t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW))
		}
	}
	return filepath.Join(base, "source"), filepath.Join(base, "destination")
}

var options = verify.Options{Skip: "lost+found"}

func TestEqualTreesHaveADigestOfTheirOwn(t *testing.T) {
	source, destination := twins(t)
	first := compare(t, source, destination, options)
	if len(first.digest) != 64 || len(first.different)+len(first.unreadable) > 0 {
		t.Errorf("%+v", first)
	}
	for _, root := range []string{source, destination} {
		must(t, os.Chmod(filepath.Join(root, "empty"), 0o711))
	}
	if again := compare(t, source, destination, options); len(again.digest) != 64 || again.digest == first.digest {
		t.Errorf("a change of both: %+v", again)
	}
}

func TestEachDifferenceIsFound(t *testing.T) {
	keep := func(t *testing.T, path string, change func() error) {
		t.Helper()
		var stat unix.Stat_t
		must(t, unix.Lstat(path, &stat))
		must(t, change())
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{stat.Atim, stat.Mtim}, unix.AT_SYMLINK_NOFOLLOW))
	}
	for name, test := range map[string]struct {
		change func(t *testing.T, source, destination string)
		want   []string
	}{
		"one bit of content, of the same size and time": {func(t *testing.T, _, destination string) {
			t.Helper()
			path := filepath.Join(destination, "d0/e9/f9")
			keep(t, path, func() error { return os.WriteFile(path, []byte("xxxxxxxxy"), 0o644) })
		}, []string{"d0/e9/f9: not equal: content"}},
		"the mode": {func(t *testing.T, _, destination string) {
			t.Helper()
			must(t, os.Chmod(filepath.Join(destination, "d0"), 0o700))
		}, []string{"d0: not equal: mode"}},
		"a nanosecond": {func(t *testing.T, _, destination string) {
			t.Helper()
			at := unix.Timespec{Sec: 1e9, Nsec: 2}
			must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(destination, "link"), []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW))
		}, []string{"link: not equal: time"}},
		"an extended attribute": {func(t *testing.T, source, _ string) {
			t.Helper()
			must(t, unix.Setxattr(filepath.Join(source, "a/b"), "user.name", []byte("other"), 0))
		}, []string{"a/b: not equal: extended attributes", "linked: not equal: extended attributes"}},
		"where a symbolic link points to": {func(t *testing.T, _, destination string) {
			t.Helper()
			path := filepath.Join(destination, "link")
			keep(t, destination, func() error {
				keep(t, path, func() error { return errors.Join(os.Remove(path), os.Symlink("elsewhere", path)) })
				return nil
			})
		}, []string{"link: not equal: target"}},
		"a link that is a copy": {func(t *testing.T, _, destination string) {
			t.Helper()
			path := filepath.Join(destination, "linked")
			keep(t, path, func() error { return errors.Join(os.Remove(path), os.WriteFile(path, []byte("content"), 0o644)) })
			must(t, unix.Setxattr(path, "user.name", []byte("value"), 0))
		}, []string{"hard links"}},
		"another type": {func(t *testing.T, _, destination string) {
			t.Helper()
			keep(t, destination, func() error {
				return errors.Join(os.Remove(filepath.Join(destination, "fifo")), os.Mkdir(filepath.Join(destination, "fifo"), 0o600))
			})
		}, []string{"fifo: not equal: type"}},
		"an entry at the source only": {func(t *testing.T, source, _ string) {
			t.Helper()
			write(t, filepath.Join(source, "d0/new/inner"), "")
		}, []string{"d0/new/inner: it is missing", "d0/new: it is missing", "d0: not equal: time"}},
		"an entry at the destination only": {func(t *testing.T, _, destination string) {
			t.Helper()
			write(t, filepath.Join(destination, "zzz"), "")
			write(t, filepath.Join(destination, "aaa"), "")
		}, []string{"aaa: it is at the destination only", "zzz: it is at the destination only"}},
	} {
		t.Run(name, func(t *testing.T) {
			source, destination := twins(t)
			test.change(t, source, destination)
			f := compare(t, source, destination, options)
			if f.digest != "" || len(f.different) != len(test.want) || len(f.unreadable) > 0 {
				t.Fatalf("%+v", f)
			}
			for i, want := range test.want {
				if !strings.Contains(f.different[i], want) {
					t.Errorf("%q is not %q", f.different[i], want)
				}
			}
		})
	}
}

func TestUnprivilegedComparisonsLeaveOwnersOut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("files of others, and devices, are made by root only")
	}
	source, destination := twins(t)
	must(t, os.Chown(filepath.Join(source, "a-b/c"), 1, 2))
	must(t, unix.Setxattr(filepath.Join(source, "a-b/c"), "trusted.name", []byte("v"), 0))
	var stat unix.Stat_t
	must(t, unix.Stat(filepath.Join(source, "a-b"), &stat))
	must(t, unix.Mknod(filepath.Join(source, "a-b/device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(source, "a-b"), []unix.Timespec{stat.Atim, stat.Mtim}, 0))
	f := compare(t, source, destination, options)
	if f.digest != "" || !slices.Equal(f.different, []string{"a-b/c: not equal: owner, group, extended attributes", "a-b/device: it is missing at the destination"}) {
		t.Errorf("as root: %+v", f)
	}
	unprivileged := options
	unprivileged.Unprivileged = true
	if f := compare(t, source, destination, unprivileged); len(f.digest) != 64 {
		t.Errorf("unprivileged: %+v", f)
	}
}

func TestWhatCannotBeReadIsTold(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads all")
	}
	source, destination := twins(t)
	must(t, os.Chmod(filepath.Join(source, "d0"), 0))
	must(t, os.Chmod(filepath.Join(destination, "d1/e1/f1"), 0))
	f := compare(t, source, destination, options)
	if f.digest != "" || !slices.Contains(f.unreadable, "d0 here true") || !slices.Contains(f.unreadable, "d1/e1/f1 here false") {
		t.Errorf("%+v", f.unreadable)
	}
	must(t, os.Chmod(filepath.Join(source, "d0"), 0o700))
}

func TestBothEndsEndWithTheirContext(t *testing.T) {
	source, _ := twins(t)
	a, _ := connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := (&found{}).source(open(t, source), options).Compare(ctx, a); !errors.Is(err, context.Canceled) {
		t.Errorf("the source: %v", err)
	}
	c, _ := connect(t)
	if err := verify.Stream(ctx, c, open(t, source)); err == nil {
		t.Error("the destination went on")
	}
}

func TestComparisonRefusesWhatIsNoStream(t *testing.T) {
	record := func(path string) []byte {
		body := append(binary.AppendUvarint(nil, uint64(len(path))), path...)
		body = append(body, make([]byte, 8+1+64+1)...)
		return append(binary.AppendUvarint(nil, uint64(len(body))), body...)
	}
	for name, sent := range map[string][]byte{
		"a record too long": binary.AppendUvarint(nil, 1<<40),
		"a record cut off":  {5, 1, 'a'},
		"a broken record":   {2, 77, 'a'},
		"no end":            record("a"),
		"not in order":      append(append(record("d0/b"), record("d0")...), 0),
		"nothing":           nil,
	} {
		t.Run(name, func(t *testing.T) {
			a, b := connect(t)
			_, err := b.Write(sent)
			must(t, err)
			must(t, b.(*net.TCPConn).CloseWrite())
			if _, err := (&found{}).source(open(t, t.TempDir()), options).Compare(t.Context(), a); err == nil {
				t.Error("it was taken for one")
			}
		})
	}
}
