package mover_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover"
	"github.com/godwit-io/godwit/internal/mover/report"
)

func TestCopyAgainChangesOnlyWhatChanged(t *testing.T) {
	p := newPair(t)
	hardTree(t, p.source)
	p.copyAll(t, nil)
	kept := stat(t, filepath.Join(p.destination, "many/3/3/3"))
	change(t, p.source)
	p.copyAll(t, nil)
	wantEqual(t, p.source, p.destination)
	if after := stat(t, filepath.Join(p.destination, "many/3/3/3")); after.Ino != kept.Ino || after.Ctim != kept.Ctim {
		t.Error("a file that did not change was written again")
	}
}

// change makes all kinds of changes.
func change(t *testing.T, root string) {
	t.Helper()
	in := func(path string) string { return filepath.Join(root, path) }
	// Content, in place and by another file; more, less, and none.
	appendTo(t, in("large"), "more")
	must(t, os.Truncate(in("sparse"), 1<<20))
	write(t, in("flat/1"), "no longer empty")
	must(t, os.Remove(in("flat/2")))
	must(t, os.RemoveAll(in("many/5")))
	must(t, os.Rename(in("many/6"), in("many/moved")))
	// What is something else now.
	must(t, os.RemoveAll(in("many/4")))
	write(t, in("many/4"), "a file where a folder was")
	must(t, os.Remove(in("flat/3")))
	write(t, in("flat/3/inner"), "a folder where a file was")
	must(t, os.Remove(in("link1")))
	write(t, in("link1/inner"), "a folder where a symbolic link was")
	must(t, os.RemoveAll(in("names")))
	must(t, os.Symlink("/etc", in("names")))
	// Links that are none any more, or others, or new. What was one file is two large ones of the same size.
	must(t, os.Remove(in("farm/big")))
	write(t, in("farm/big"), strings.Repeat("LINKED", 3<<20))
	must(t, os.Remove(in("farm/0/file0")))
	must(t, os.Link(in("farm/1/file1"), in("farm/0/file0")))
	must(t, os.Link(in("flat/4"), in("flat/new-link")))
	// Attributes alone.
	must(t, os.Chmod(in("flat/5"), 0o600))
	must(t, unix.Setxattr(in("flat/6"), "user.new", []byte("1"), 0))
	must(t, unix.Removexattr(in("attributes"), "user.name"))
	must(t, lutimes(in("flat/7"), unix.Timespec{Sec: 5, Nsec: 5}))
}

func appendTo(t *testing.T, path, content string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = file.WriteString(content)
	must(t, err)
	must(t, file.Close())
}

func TestCopyCarriesOverTheRootOnRequestOnly(t *testing.T) {
	for name, wanted := range map[string]bool{"asked for": true, "not asked for": false} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			write(t, filepath.Join(p.source, "file"), "content")
			must(t, os.Chmod(p.source, 0o711|os.ModeSetgid))
			must(t, lutimes(p.source, unix.Timespec{Sec: 77, Nsec: 77}))
			before := stat(t, p.destination)
			p.copyAll(t, func(o *mover.SendOptions) { o.RootAttributes = wanted })
			wantEqual(t, p.source, p.destination)
			source, after := stat(t, p.source), stat(t, p.destination)
			if wanted && (after.Mode != source.Mode || after.Mtim != source.Mtim) {
				t.Errorf("the root was not carried over: %o, %v", after.Mode, after.Mtim)
			}
			if !wanted && after.Mode != before.Mode {
				t.Errorf("the root was carried over: %o", after.Mode)
			}
		})
	}
}

func TestCopyTellsOfFilesThatVanish(t *testing.T) {
	for name, live := range map[string]bool{"live": true, "not live": false} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			write(t, filepath.Join(p.source, "stays"), "content")
			write(t, filepath.Join(p.source, "vanishes"), "content")
			write(t, filepath.Join(p.destination, "extra"), "of an earlier copy")
			beforeClient(t, func() {
				if err := os.Remove(filepath.Join(p.source, "vanishes")); err != nil {
					t.Error(err)
				}
			})
			sent := p.copyOnce(t, func(o *mover.SendOptions) { o.Live = live })
			if (sent.Result == report.Complete) != live || sent.Problems[report.Vanished] != 1 || sent.Examples[0].Path != "vanishes" {
				t.Errorf("sent: %+v", sent)
			}
			if !live && (sent.Result != report.Incomplete || sent.Class != report.Vanished) {
				t.Errorf("sent: %+v", sent)
			}
			if _, err := os.Stat(filepath.Join(p.destination, "extra")); (err == nil) == live {
				t.Errorf("after a copy that is %s, what is gone at the source: %v", sent.Result, err)
			}
		})
	}
}

func TestCopyTellsOfFilesThatChange(t *testing.T) {
	for name, live := range map[string]bool{"live": true, "not live": false} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			changes := filepath.Join(p.source, "changes")
			write(t, changes, "content")
			before := stat(t, changes)
			beforeClient(t, func() {
				for before.Ctim == stat(t, changes).Ctim { // The clock of file systems goes in steps.
					appendTo(t, changes, "more")
				}
			})
			sent := p.copyOnce(t, func(o *mover.SendOptions) { o.Live = live })
			if (sent.Result == report.Complete) != live || sent.Problems[report.Changed] != 1 || sent.Examples[0].Path != "changes" {
				t.Errorf("sent: %+v", sent)
			}
		})
	}
}
