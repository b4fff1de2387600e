package verify

import (
	"cmp"
	"errors"
	"hash/fnv"
	"io"
	"os"
	"slices"
	"strings"
)

const (
	// buckets are what a folder with many names is gone through in, one after the other, so that not all names are kept at once.
	// Both ends must have the same.
	buckets = 16
	// manyNames is from how many on that is done.
	manyNames = 50_000
	// all is no bucket.
	all = -1
)

// item is a name in a folder.
type item struct {
	name     string
	isFolder bool
}

// bucketOf is the first thing that names are ordered by.
func bucketOf(name string) int {
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, name)
	return int(hash.Sum32() % buckets)
}

func compareNames(a, b string) int {
	return cmp.Or(cmp.Compare(bucketOf(a), bucketOf(b)), cmp.Compare(a, b))
}

// comparePaths orders as a walk goes: a folder, then what is in it, then the next.
func comparePaths(a, b string) int {
	for {
		nameA, restA, moreA := strings.Cut(a, "/")
		nameB, restB, moreB := strings.Cut(b, "/")
		if c := compareNames(nameA, nameB); c != 0 {
			return c
		}
		switch {
		case !moreA && !moreB:
			return 0
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		a, b = restA, restB
	}
}

// errMany says that a folder has too many names to keep.
var errMany = errors.New("many names")

// listFolder returns the names of one bucket, or all, in order.
func listFolder(dir *os.File, bucket int) ([]item, error) {
	if _, err := dir.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var items []item
	for {
		entries, err := dir.ReadDir(256)
		for _, entry := range entries {
			if bucket == all || bucketOf(entry.Name()) == bucket {
				items = append(items, item{entry.Name(), entry.IsDir()})
			}
		}
		if bucket == all && len(items) > manyNames {
			return nil, errMany
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(items, func(a, b item) int { return compareNames(a.name, b.name) })
	return items, nil
}
