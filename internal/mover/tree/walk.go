package tree

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// chunk is how many entries are read of a folder before they are worked on.
const chunk = 256

// Visitor is told what a walk finds, from several goroutines at once. F is what it keeps for a folder.
type Visitor[F any] interface {
	// Enter is called for a folder before what is in it, with what is kept for the one that it is in.
	Enter(parent F, path string, stat *unix.Stat_t) F
	// Entry is called for all that is no folder.
	Entry(parent F, path string, stat *unix.Stat_t)
	// Leave is called once all beneath a folder was visited.
	Leave(folder, parent F)
	// Failed is called for what could not be read. The walk goes on.
	Failed(path string, err error)
}

// Walk visits all that is in a volume but what skip names at its root, with up to walkers goroutines. What is kept for the root is
// given, and neither entered nor left. Its error is the context's.
func Walk[F any](ctx context.Context, root *Root, walkers int, skip string, top F, visitor Visitor[F]) error {
	w := &walk[F]{ctx: ctx, root: root, visitor: visitor, slots: make(chan struct{}, max(0, walkers-1)), skip: skip}
	w.folder(&folder[F]{path: ".", kept: top})
	w.running.Wait()
	return ctx.Err()
}

type walk[F any] struct {
	ctx     context.Context //nolint:containedctx // It lives as long as the call of Walk.
	root    *Root
	visitor Visitor[F]
	skip    string
	// slots holds a token for each goroutine beside the first.
	slots   chan struct{}
	running sync.WaitGroup
}

// folder is one whose visit has not ended.
type folder[F any] struct {
	path   string
	kept   F
	parent *folder[F] // Nil for the root.
	// open counts what keeps it from being left: its own reading, chunks, and folders in it.
	open atomic.Int64
}

// fork does some work in another goroutine if there may be one more, or at once. So work never queues up in memory.
func (w *walk[F]) fork(work func()) {
	select {
	case w.slots <- struct{}{}:
		w.running.Go(func() {
			defer func() { <-w.slots }()
			work()
		})
	default:
		work()
	}
}

func (w *walk[F]) folder(f *folder[F]) {
	f.open.Add(1)
	defer w.close(f)
	dir, err := w.root.Folder(f.path)
	if err != nil {
		w.visitor.Failed(f.path, err)
		return
	}
	shared := &sharedDir{File: dir}
	shared.users.Add(1)
	defer shared.release()
	for w.ctx.Err() == nil {
		names, err := dir.Readdirnames(chunk)
		if len(names) > 0 {
			f.open.Add(1)
			shared.users.Add(1)
			w.fork(func() {
				defer w.close(f)
				defer shared.release()
				w.names(f, dir, names)
			})
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.visitor.Failed(f.path, err)
			}
			return
		}
	}
}

// names visits some of what is in a folder.
func (w *walk[F]) names(f *folder[F], dir *os.File, names []string) {
	for _, name := range names {
		if w.ctx.Err() != nil {
			return
		}
		if f.parent == nil && name == w.skip {
			continue
		}
		path := Join(f.path, name)
		stat, err := Stat(dir, name)
		switch {
		case err != nil:
			w.visitor.Failed(path, err)
		case stat.Mode&unix.S_IFMT == unix.S_IFDIR:
			child := &folder[F]{path: path, kept: w.visitor.Enter(f.kept, path, &stat), parent: f}
			f.open.Add(1)
			w.fork(func() { w.folder(child) })
		default:
			w.visitor.Entry(f.kept, path, &stat)
		}
	}
}

// close leaves the folder if this was the last that kept it open.
func (w *walk[F]) close(f *folder[F]) {
	if f.open.Add(-1) == 0 && f.parent != nil {
		w.visitor.Leave(f.kept, f.parent.kept)
		w.close(f.parent)
	}
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
