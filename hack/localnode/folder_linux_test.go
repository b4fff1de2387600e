package localnode

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/godwit-io/godwit/hack/localcluster"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// makeFolder makes a folder in a cache of its own, where nothing of others is in reach.
func makeFolder(t *testing.T) *folder {
	t.Helper()
	f, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.lock.Close() })
	return f
}

func TestNewFolderRemovesThoseOfTheDeadOnly(t *testing.T) {
	t.Setenv(localcluster.CacheDirEnv, t.TempDir())
	living, dead := makeFolder(t), makeFolder(t)
	if err := os.WriteFile(filepath.Join(dead.path, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Close(); err != nil { // As the kernel does at the end of a process.
		t.Fatal(err)
	}
	third := makeFolder(t)
	if exists(dead.path) {
		t.Error("the folder of the dead is left")
	}
	if !exists(living.path) || !exists(third.path) {
		t.Error("the folder of a living one is gone")
	}
	if err := living.remove(); err != nil || exists(living.path) {
		t.Errorf("it is left after its removal: %v", err)
	}
}

func TestRemoveKeepsAFolderWhereSomethingIsMounted(t *testing.T) {
	needRoot(t)
	t.Setenv(localcluster.CacheDirEnv, t.TempDir())
	f := makeFolder(t)
	target := filepath.Join(f.path, "mounted")
	if err := errors.Join(os.Mkdir(target, 0o700), syscall.Mount("tmpfs", target, "tmpfs", 0, "")); err != nil {
		t.Fatal(err)
	}
	err := f.remove()
	if err == nil || !strings.Contains(err.Error(), target) || !exists(target) {
		t.Errorf("got %v; want that %s is mounted", err, target)
	}
	if err := errors.Join(syscall.Unmount(target, 0), removeLeft(f.path)); err != nil {
		t.Error(err)
	}
}

func TestRemoveRemovesCgroupsWithThoseInThem(t *testing.T) {
	needRoot(t)
	roots, err := hierarchies()
	if err != nil || len(roots) == 0 {
		t.Skipf("no cgroups here: %v", err)
	}
	t.Setenv(localcluster.CacheDirEnv, t.TempDir())
	f := makeFolder(t)
	name := f.cgroup("a")
	if err := makeCgroup(name); err != nil {
		t.Fatal(err)
	}
	for _, root := range roots {
		if err := os.MkdirAll(filepath.Join(root, name, "kubepods", "pod"), 0o755); err != nil {
			t.Error(err)
		}
	}
	if err := f.remove(); err != nil {
		t.Fatal(err)
	}
	for _, root := range roots {
		if exists(filepath.Join(root, name)) {
			t.Errorf("%s is left in %s", name, root)
		}
	}
}
