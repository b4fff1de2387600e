package tree

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenByNameGoesThroughNoSymbolicLink(t *testing.T) {
	base := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(base, "a/b/c"), 0o755), os.Symlink("a", filepath.Join(base, "link")), os.Symlink("b", filepath.Join(base, "a/link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := Open(base)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // It was only read.
	for path, good := range map[string]bool{".": true, "a": true, "a/b/c": true, "link": false, "link/b": false, "a/link": false, "a/link/c": false, "x/y": false} {
		fd, err := root.openByName(path, unix.O_DIRECTORY|unix.O_RDONLY)
		if (err == nil) != good {
			t.Errorf("%q: %v", path, err)
		}
		if err == nil {
			_ = unix.Close(fd)
		}
	}
}
