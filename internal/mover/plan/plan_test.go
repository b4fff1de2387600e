package plan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/plan"
	"github.com/godwit-io/godwit/internal/mover/tree"
)

const skip = "lost+found"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, size int) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, make([]byte, size), 0o644))
}

func open(t *testing.T, path string) *tree.Root {
	t.Helper()
	root, err := tree.Open(path)
	must(t, err)
	t.Cleanup(func() { _ = root.Close() })
	return root
}

func planOf(t *testing.T, root *tree.Root, options plan.Options) *plan.Plan {
	t.Helper()
	options.Skip, options.Walkers = skip, 4
	if options.Unreadable == nil {
		options.Unreadable = func(path string, err error) { t.Errorf("unreadable: %s: %v", path, err) }
	}
	if options.NotPreserved == nil {
		options.NotPreserved = func(string, string) {}
	}
	p, err := plan.Make(t.Context(), root, options)
	must(t, err)
	return p
}

// covered lists how often each entry that is no folder is in one of the units.
func covered(t *testing.T, base string, root *tree.Root, p *plan.Plan) map[string]int {
	t.Helper()
	times := map[string]int{}
	for _, unit := range p.Units {
		var list bytes.Buffer
		must(t, unit.List(t.Context(), root, skip, &list))
		for path := range strings.SplitSeq(strings.TrimSuffix(list.String(), "\x00"), "\x00") {
			if path == "" {
				continue
			}
			must(t, filepath.WalkDir(filepath.Join(base, path), func(found string, entry os.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					relative, _ := filepath.Rel(base, found)
					times[relative]++
				}
				return err
			}))
		}
	}
	return times
}

func TestUnitsHaveEachEntryOnce(t *testing.T) {
	for name, make := range map[string]struct {
		tree  func(t *testing.T, base string)
		units int // At least.
	}{
		"nothing":      {func(*testing.T, string) {}, 0},
		"a small tree": {func(t *testing.T, base string) { t.Helper(); write(t, filepath.Join(base, "a/b"), 1) }, 1},
		"one crowded folder": {func(t *testing.T, base string) {
			t.Helper()
			for i := range 5000 {
				write(t, filepath.Join(base, "flat", fmt.Sprint(i)), 0)
			}
		}, 4},
		"many small folders": {func(t *testing.T, base string) {
			t.Helper()
			for i := range 5000 {
				write(t, filepath.Join(base, fmt.Sprint(i%700), fmt.Sprint(i)), 0)
			}
		}, 4},
		"folders of all sizes, deep, with files beside them": {func(t *testing.T, base string) {
			t.Helper()
			for i := range 6000 {
				path := base
				for depth := range i % 5 {
					path = filepath.Join(path, fmt.Sprint("d", depth, i%(depth+2)))
				}
				write(t, filepath.Join(path, fmt.Sprint("f", i)), i%3*1000)
			}
		}, 4},
		"a folder that alone is heavy": {func(t *testing.T, base string) {
			t.Helper()
			for i := range 2500 {
				write(t, filepath.Join(base, "a/b/c/d", fmt.Sprint(i%50), fmt.Sprint(i)), 0)
			}
		}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			make.tree(t, base)
			write(t, filepath.Join(base, skip, "inner"), 1)
			root := open(t, base)
			p := planOf(t, root, plan.Options{Parts: 4})
			times := covered(t, base, root, p)
			if int64(len(times)) != p.Total.Files {
				t.Errorf("%d entries in units, of %d", len(times), p.Total.Files)
			}
			for path, n := range times {
				if n != 1 {
					t.Errorf("%s is in %d units", path, n)
				}
			}
			if len(p.Units) < make.units {
				t.Errorf("%d units", len(p.Units))
			}
		})
	}
}

func TestPlanTellsTotalsLinksAndLargeFilesApart(t *testing.T) {
	base := t.TempDir()
	for i := range 3000 {
		write(t, filepath.Join(base, "small", fmt.Sprint(i)), 10)
	}
	for i, size := range []int{30 << 20, 20 << 20, 17 << 20, 18 << 20, 16<<20 - 1} {
		write(t, filepath.Join(base, "large", fmt.Sprint(i)), size)
	}
	write(t, filepath.Join(base, "read-only"), 20<<20)
	must(t, os.Chmod(filepath.Join(base, "read-only"), 0o444))
	write(t, filepath.Join(base, "linked"), 40<<20)
	must(t, os.Link(filepath.Join(base, "linked"), filepath.Join(base, "small/linked-too")))
	must(t, os.Symlink("linked", filepath.Join(base, "symlink")))
	p := planOf(t, open(t, base), plan.Options{Parts: 2})
	const large = (30 + 20 + 17 + 18) << 20
	if want := (plan.Amount{Bytes: 30_000 + large + 16<<20 - 1 + 20<<20 + 40<<20, Files: 3000 + 5 + 1 + 2 + 1}); p.Total != want {
		t.Errorf("total %+v, want %+v", p.Total, want)
	}
	if want := (plan.Amount{Bytes: 40 << 20, Files: 2}); p.OfLinks != want || !slices.Equal(p.Links, []string{"linked", "small/linked-too"}) {
		t.Errorf("links %v, %+v", p.Links, p.OfLinks)
	}
	if want := (plan.Amount{Bytes: large, Files: 4}); p.OfLarge != want {
		t.Errorf("large %+v", p.OfLarge)
	}
	if want := (plan.Amount{Bytes: large + 80<<20, Files: 6}); p.Again != want {
		t.Errorf("again %+v", p.Again)
	}
	if fmt.Sprint(p.Large) != "[[large/0 large/2] [large/1 large/3]]" {
		t.Errorf("large: %v", p.Large)
	}
}

func TestOneUnitKeepsLinksItself(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "linked"), 10)
	must(t, os.Link(filepath.Join(base, "linked"), filepath.Join(base, "too")))
	p := planOf(t, open(t, base), plan.Options{Parts: 4})
	if len(p.Units) != 1 || p.Links != nil || p.OfLinks != (plan.Amount{}) || p.Total != (plan.Amount{Bytes: 10, Files: 2}) {
		t.Errorf("%+v", p)
	}
}

func TestTooManyLinksAreLeftToOneUnit(t *testing.T) {
	base := t.TempDir()
	long := filepath.Join(base, strings.Repeat("long", 60), strings.Repeat("long", 60), strings.Repeat("long", 60))
	for i := range 6000 {
		name := filepath.Join(long, fmt.Sprint(i%100), strings.Repeat("n", 200)+fmt.Sprint(i))
		write(t, name, 1)
		must(t, os.Link(name, name+"-too"))
	}
	p := planOf(t, open(t, base), plan.Options{Parts: 4})
	if len(p.Units) != 1 || p.Links != nil || p.Total.Files != 12_000 {
		t.Errorf("%d units, %d links, %+v", len(p.Units), len(p.Links), p.Total)
	}
}

func TestPlanTellsWhatAReceiverWithoutPrivilegesLoses(t *testing.T) {
	base := t.TempDir()
	for i := range 50 {
		write(t, filepath.Join(base, fmt.Sprint(i)), 1)
	}
	var told []string
	p := planOf(t, open(t, base), plan.Options{Parts: 1, Owner: os.Geteuid() + 1, NotPreserved: func(path, why string) { told = append(told, path+why) }})
	if p.NotPreserved != 50 || len(told) != 20 || !strings.Contains(told[0], "its owner") {
		t.Errorf("%d, told %q", p.NotPreserved, told)
	}
	if os.Geteuid() != 0 {
		return // Files of another group are made by root only.
	}
	must(t, os.Chown(filepath.Join(base, "1"), 4711, 4712))
	must(t, os.Chown(filepath.Join(base, "2"), 4711, 4713))
	for i := range 48 {
		must(t, os.Chown(filepath.Join(base, fmt.Sprint((i+3)%50)), 4711, 4713))
	}
	p = planOf(t, open(t, base), plan.Options{Parts: 1, Owner: 4711, Groups: []int{1, 4713}})
	if p.NotPreserved != 1 {
		t.Errorf("%d of a group", p.NotPreserved)
	}
}

func TestPlanKnowsWhatChangesAfterwards(t *testing.T) {
	base := t.TempDir()
	path := filepath.Join(base, "file")
	write(t, path, 1)
	p := planOf(t, open(t, base), plan.Options{Parts: 1})
	var before, after unix.Stat_t
	must(t, unix.Lstat(path, &before))
	for after = before; after.Ctim == before.Ctim; must(t, unix.Lstat(path, &after)) {
		must(t, os.Chmod(path, 0o600))
	}
	if p.Changed(&before) || !p.Changed(&after) {
		t.Errorf("%v, then %v", p.Changed(&before), p.Changed(&after))
	}
}

func TestPlanTellsWhatItCannotRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads all")
	}
	base := t.TempDir()
	must(t, os.Mkdir(filepath.Join(base, "closed"), 0))
	var told []string
	planOf(t, open(t, base), plan.Options{Parts: 1, Unreadable: func(path string, _ error) { told = append(told, path) }})
	if !slices.Equal(told, []string{"closed"}) {
		t.Errorf("told %v", told)
	}
}

func TestPlanAndListsEndWithTheirContext(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "file"), 1)
	root := open(t, base)
	p := planOf(t, root, plan.Options{Parts: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := plan.Make(ctx, root, plan.Options{Parts: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("plan: %v", err)
	}
	if err := p.Units[0].List(ctx, root, skip, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("list: %v", err)
	}
}
