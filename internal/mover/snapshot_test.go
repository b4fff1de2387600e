package mover_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// snapshot describes all entries of a tree but its root and the root's lost+found, by path. It shares no code with what is tested.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	entries := map[string]string{}
	first := map[uint64]string{} // The first name of each inode.
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		relative, _ := filepath.Rel(root, path)
		if relative == "lost+found" {
			return fs.SkipDir
		}
		entries[relative] = describe(t, path, relative, first)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func describe(t *testing.T, path, relative string, first map[uint64]string) string {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		t.Fatal(err)
	}
	told := fmt.Sprintf("mode %o uid %d gid %d mtime %d.%09d", stat.Mode, stat.Uid, stat.Gid, stat.Mtim.Sec, stat.Mtim.Nsec)
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		content, err := os.ReadFile(path)
		if err != nil {
			content = []byte(err.Error())
		}
		told += fmt.Sprintf(" size %d sha256 %x", stat.Size, sha256.Sum256(content))
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		if err != nil {
			t.Fatal(err)
		}
		told += fmt.Sprintf(" target %q", target)
	case unix.S_IFCHR, unix.S_IFBLK:
		told += fmt.Sprintf(" device %x", stat.Rdev)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR && stat.Nlink > 1 {
		if _, known := first[stat.Ino]; !known {
			first[stat.Ino] = relative
		}
		told += fmt.Sprintf(" like %q", first[stat.Ino])
	}
	return told + attributes(t, path)
}

// attributes lists extended attributes, those that hold ACLs included.
func attributes(t *testing.T, path string) string {
	t.Helper()
	names := make([]byte, 64<<10)
	n, err := unix.Llistxattr(path, names)
	if err != nil {
		return ""
	}
	all := strings.FieldsFunc(string(names[:n]), func(r rune) bool { return r == 0 })
	slices.Sort(all)
	told := ""
	for _, name := range all {
		value := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			t.Fatal(err)
		}
		told += fmt.Sprintf(" %s=%x", name, value[:n])
	}
	return told
}

// wantEqual compares two trees.
func wantEqual(t *testing.T, source, destination string) {
	t.Helper()
	if diff := cmp.Diff(snapshot(t, source), snapshot(t, destination)); diff != "" {
		t.Errorf("the trees differ (-source +destination):\n%s", diff)
	}
}

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
