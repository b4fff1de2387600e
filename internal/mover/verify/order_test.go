package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestCrowdedFoldersAreListedInTheSameOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes many files")
	}
	base := t.TempDir()
	for i := range manyNames + 1 {
		if err := os.WriteFile(filepath.Join(base, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.Open(base)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()                                   //nolint:errcheck // It was only read.
	if _, err := listFolder(dir, all); err != errMany { //nolint:errorlint // It is that very one.
		t.Fatalf("got %v", err)
	}
	var names []string
	for bucket := range buckets {
		items, err := listFolder(dir, bucket)
		if err != nil || len(items) > manyNames/buckets*2 {
			t.Fatalf("%d items, %v", len(items), err)
		}
		for _, i := range items {
			names = append(names, i.name)
		}
	}
	if len(names) != manyNames+1 || !slices.IsSortedFunc(names, compareNames) {
		t.Errorf("%d names, or not in order", len(names))
	}
}

func FuzzComparePaths(f *testing.F) {
	f.Add("a/b", "a-b/c", "a")
	f.Add("x/y/z", "x/y", "x/yy")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, ba := comparePaths(a, b), comparePaths(b, a)
		if ab != -ba || (ab == 0) != (a == b) && filepath.Clean(a) == a && filepath.Clean(b) == b {
			t.Errorf("%q and %q: %d, %d", a, b, ab, ba)
		}
		paths := []string{a, b, c}
		slices.SortFunc(paths, comparePaths)
		if comparePaths(paths[0], paths[2]) > 0 {
			t.Errorf("no order: %q", paths)
		}
		if a != "" && comparePaths(a, a+"/x") >= 0 {
			t.Errorf("%q is after what is in it", a)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add((&record{path: "a/b", mode: 0o100644, size: 5, target: "t", failure: "f", modified: [2]int64{-1, 5}}).encode(nil))
	f.Add([]byte{1, 'a'})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(r.encode(nil))
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%+v became %+v: %v", r, again, err)
		}
	})
}
