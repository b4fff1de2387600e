package verify

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

const (
	// ahead is how many entries are looked at before their turn.
	ahead = 1024
	// maxLinks is how many files with several names are remembered. Both ends must have the same.
	maxLinks = 500_000
)

// Options are what both ends must agree on.
type Options struct {
	// Skip is a name at the root that is left alone.
	Skip string `json:"skip"`
	// Unprivileged leaves out what only root can carry over: owners, devices, and extended attributes but those of users and ACLs.
	Unprivileged bool `json:"unprivileged"`
	// Workers is how many entries are read at once.
	Workers int `json:"workers"`
}

// found is an entry whose record is being made.
type found struct {
	record
	stat unix.Stat_t
	dir  *sharedDir
	name string
	made chan struct{} // Closed when the record is complete but for first.
}

// walk goes through a tree and calls each in order. It ends with the first error: the context's, that of each, or of a folder at
// the root. What else cannot be read is in the records.
func walk(ctx context.Context, root *tree.Root, options Options, each func(*found) error) error {
	ctx, cancel := context.WithCancel(ctx)
	w := &walker{ctx: ctx, root: root, options: options, jobs: make(chan *found), queue: make(chan *found, ahead)}
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	for range max(1, options.Workers) {
		workers.Go(w.work)
	}
	var walking error
	workers.Go(func() {
		defer close(w.queue)
		defer close(w.jobs)
		walking = w.folder(".")
	})
	links := map[inode]uint64{}
	for f := range w.queue {
		select {
		case <-f.made:
		case <-ctx.Done():
			return ctx.Err()
		}
		f.first = firstName(links, f)
		if err := each(f); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return walking
}

type walker struct {
	ctx     context.Context //nolint:containedctx // It lives as long as the call of walk.
	root    *tree.Root
	options Options
	jobs    chan *found
	queue   chan *found
}

// folder hands out what is in a folder. Its error is one that ends the walk.
func (w *walker) folder(path string) error {
	opened, err := w.root.Folder(path)
	if err != nil {
		return err
	}
	dir := &sharedDir{File: opened}
	dir.users.Add(1)
	defer dir.release()
	items, err := listFolder(opened, all)
	if !errors.Is(err, errMany) {
		return errors.Join(err, w.items(dir, items))
	}
	for bucket := range buckets {
		items, err := listFolder(opened, bucket)
		if err := errors.Join(err, w.items(dir, items)); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) items(dir *sharedDir, items []item) error {
	for _, i := range items {
		if dir.Name() == "." && i.name == w.options.Skip {
			continue
		}
		f := &found{dir: dir, name: i.name, made: make(chan struct{})}
		f.path = tree.Join(dir.Name(), i.name)
		dir.users.Add(1)
		if !send(w.ctx, w.queue, f) || !send(w.ctx, w.jobs, f) {
			dir.release()
			return w.ctx.Err()
		}
		if !i.isFolder {
			continue
		}
		if err := w.folder(f.path); err != nil {
			if w.ctx.Err() != nil {
				return err
			}
			unreadable := &found{record: record{path: f.path, failure: err.Error()}, made: make(chan struct{})}
			close(unreadable.made)
			if !send(w.ctx, w.queue, unreadable) {
				return w.ctx.Err()
			}
		}
	}
	return nil
}

func send(ctx context.Context, to chan<- *found, f *found) bool {
	select {
	case to <- f:
		return true
	case <-ctx.Done():
		return false
	}
}

// work makes records until there are no more.
func (w *walker) work() {
	buffer := make([]byte, readSize)
	for f := range w.jobs {
		if w.ctx.Err() == nil {
			f.look(w.ctx, w.options, buffer)
		}
		f.dir.release()
		close(f.made)
	}
}

type inode struct{ dev, ino uint64 }

// firstName hashes the first path with the same inode.
func firstName(links map[inode]uint64, f *found) uint64 {
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, f.path)
	own := hash.Sum64()
	if f.stat.Nlink < 2 || f.stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		return own
	}
	id := inode{f.stat.Dev, f.stat.Ino}
	if first, known := links[id]; known {
		return first
	}
	if len(links) < maxLinks {
		links[id] = own
	}
	return own
}

// sharedDir is an open folder that goroutines share.
type sharedDir struct {
	*os.File
	users atomic.Int64
}

func (d *sharedDir) release() {
	if d.users.Add(-1) == 0 {
		_ = d.Close()
	}
}
