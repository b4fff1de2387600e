package tree_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

func open(t *testing.T, path string) *tree.Root {
	t.Helper()
	root, err := tree.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

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

func TestFoldersAreReachedWithoutSymbolicLinks(t *testing.T) {
	base := t.TempDir()
	inside := filepath.Join(base, "inside")
	write(t, filepath.Join(inside, "a/b/file"))
	write(t, filepath.Join(base, "outside/file"))
	must(t, os.Symlink("../outside", filepath.Join(inside, "up")))
	must(t, os.Symlink("a", filepath.Join(inside, "aside")))
	root := open(t, inside)
	for path, good := range map[string]bool{
		".": true, "a": true, "a/b": true, "up": false, "aside": false, "aside/b": false, "..": false, "a/../../outside": false,
		"/": false, inside: false, "": false, "a/b/file": false, "absent": false,
	} {
		folder, err := root.Folder(path)
		if (err == nil) != good {
			t.Errorf("%q: %v", path, err)
		}
		if err == nil {
			must(t, folder.Close())
		}
	}
	if _, err := tree.Open(filepath.Join(inside, "a/b/file")); err == nil {
		t.Error("a file was taken for a volume")
	}
}

// visits collects what a walk tells.
type visits struct {
	mu      sync.Mutex
	entries []string
	left    []string
	failed  []string
}

func (v *visits) Enter(parent, path string, _ *unix.Stat_t) string {
	if filepath.Dir(path) != parent {
		panic(fmt.Sprintf("%s is not in %s", path, parent))
	}
	return path
}

func (v *visits) Entry(parent, path string, _ *unix.Stat_t) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if filepath.Dir(path) != parent {
		v.failed = append(v.failed, path)
	}
	v.entries = append(v.entries, path)
}

func (v *visits) Leave(folder, parent string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if filepath.Dir(folder) != parent {
		v.failed = append(v.failed, folder)
	}
	for _, left := range v.left {
		if strings.HasPrefix(folder, left+"/") {
			v.failed = append(v.failed, "left too early: "+left)
		}
	}
	v.left = append(v.left, folder)
}

func (v *visits) Failed(path string, _ error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failed = append(v.failed, path)
}

func TestWalkVisitsAllOnceAndLeavesFoldersLast(t *testing.T) {
	for _, walkers := range []int{0, 1, 16} {
		t.Run(fmt.Sprint(walkers), func(t *testing.T) {
			base := t.TempDir()
			var want, folders []string
			for i := range 2000 {
				path := fmt.Sprintf("a%d/b%d/c%d/f%d", i%2, i%10, i%50, i)
				write(t, filepath.Join(base, path))
				want = append(want, path)
				for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
					folders = append(folders, dir)
				}
			}
			for i := range 700 {
				write(t, filepath.Join(base, fmt.Sprint("flat", i)))
				want = append(want, fmt.Sprint("flat", i))
			}
			write(t, filepath.Join(base, "skipped/inner"))
			write(t, filepath.Join(base, "a0/skipped/inner"))
			want, folders = append(want, "a0/skipped/inner"), append(folders, "a0/skipped")
			slices.Sort(folders)
			folders = slices.Compact(folders)
			v := &visits{}
			must(t, tree.Walk(t.Context(), open(t, base), walkers, "skipped", ".", v))
			slices.Sort(want)
			slices.Sort(v.entries)
			slices.Sort(v.left)
			if !slices.Equal(want, v.entries) || !slices.Equal(folders, v.left) || len(v.failed) > 0 {
				t.Errorf("%d entries of %d, %d folders of %d, failed %v", len(v.entries), len(want), len(v.left), len(folders), v.failed)
			}
		})
	}
}

func TestWalkEndsWithItsContext(t *testing.T) {
	base := t.TempDir()
	for i := range 1000 {
		write(t, filepath.Join(base, fmt.Sprint(i%20), fmt.Sprint(i)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v := &visits{}
	if err := tree.Walk(ctx, open(t, base), 4, "", ".", v); !errors.Is(err, context.Canceled) || len(v.entries) > 0 {
		t.Errorf("%d entries, %v", len(v.entries), err)
	}
}

func TestWalkGoesOnAfterWhatItCannotRead(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "a/file"))
	root := open(t, base)
	v := &vanishing{visits: &visits{}, base: base}
	write(t, filepath.Join(base, "vanishes/file"))
	must(t, tree.Walk(t.Context(), root, 1, "", ".", v))
	if !slices.Equal(v.failed, []string{"vanishes"}) || !slices.Equal(v.entries, []string{"a/file"}) {
		t.Errorf("failed %v, entries %v", v.failed, v.entries)
	}
}

// vanishing removes a folder as it is about to be read.
type vanishing struct {
	*visits
	base string
}

func (v *vanishing) Enter(parent, path string, stat *unix.Stat_t) string {
	if path == "vanishes" {
		if err := os.RemoveAll(filepath.Join(v.base, path)); err != nil {
			panic(err)
		}
	}
	return v.visits.Enter(parent, path, stat)
}
