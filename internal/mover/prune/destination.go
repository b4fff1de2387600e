package prune

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"sync"
	"sync/atomic"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

const (
	// folders is how many folders wait for answers at once: many, for the way there may be long.
	folders = 128
	// maxProblems is how many entries are named that could not be deleted.
	maxProblems = 100
)

// Destination is the end that deletes.
type Destination struct {
	Root *tree.Root
	// Skip is a name at the root that is left alone.
	Skip string
}

// Delete asks and deletes until all folders were gone through. The source gets a summary. The error is of the connection or the
// context; the connection is closed when the context ends.
func (d Destination) Delete(ctx context.Context, conn net.Conn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	r := &run{Destination: d, ctx: ctx, conn: conn, waiting: map[uint64]pending{}, slots: make(chan struct{}, folders-1)}
	var answers sync.WaitGroup
	answers.Go(func() {
		if err := r.readAnswers(bufio.NewReader(conn)); !r.ended.Load() {
			cancel(fmt.Errorf("reading what is gone at the source: %w", err))
		}
	})
	r.folder(".")
	r.running.Wait()
	err := context.Cause(ctx)
	if err == nil {
		err = r.end()
	}
	_ = conn.Close()
	answers.Wait()
	return err
}

// run is one call of Delete.
type run struct {
	Destination
	ctx     context.Context //nolint:containedctx // It lives as long as the call of Delete.
	conn    net.Conn
	slots   chan struct{} // A token for each goroutine beside the first.
	running sync.WaitGroup

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]pending // By question.
	summary Summary
	// ended means that the source has nothing left to say.
	ended atomic.Bool
}

// folder deletes in a folder, and then goes through those in it. How many names it keeps in memory is bounded, as is how many folders
// are gone through at once: what is too much is done by the goroutine that comes upon it.
func (r *run) folder(path string) {
	dir, err := r.Root.Folder(path)
	if err != nil {
		r.failed(path, err)
		return
	}
	defer dir.Close() //nolint:errcheck // What was done in it was checked.
	e := &eraser{run: r, dir: dir}
	defer e.restore()
	for r.ctx.Err() == nil {
		entries, err := dir.ReadDir(maxAsked)
		if len(entries) > 0 && !r.entries(e, path, entries) {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.failed(path, err)
			}
			return
		}
	}
}

// entries asks for some entries of a folder. It is false where there will be no answer.
func (r *run) entries(e *eraser, path string, entries []fs.DirEntry) bool {
	names := make([]string, 0, len(entries))
	kept := entries[:0]
	for _, entry := range entries {
		if path != "." || entry.Name() != r.Skip {
			kept = append(kept, entry)
			names = append(names, entry.Name())
		}
	}
	verdict, err := r.ask(path, names)
	if err != nil {
		return false
	}
	for i, entry := range kept {
		switch {
		case verdict[i] == gone:
			e.erase(entry.Name(), entry.IsDir())
		case entry.IsDir():
			r.fork(func() { r.folder(tree.Join(path, entry.Name())) })
		}
	}
	return true
}

func (r *run) fork(work func()) {
	select {
	case r.slots <- struct{}{}:
		r.running.Go(func() {
			defer func() { <-r.slots }()
			work()
		})
	default:
		work()
	}
}

// pending is a question without its answer.
type pending struct {
	names  int
	answer chan []byte
}

// ask sends a question and waits for its answer.
func (r *run) ask(folder string, names []string) ([]byte, error) {
	p := pending{names: len(names), answer: make(chan []byte, 1)}
	r.mu.Lock()
	r.last++
	q := question{id: r.last, folder: folder, names: names}
	r.waiting[q.id] = p
	_, err := r.conn.Write(q.encode(nil))
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case verdict := <-p.answer:
		return verdict, nil
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
}

// readAnswers hands answers to those who wait for them, until the connection ends, and returns how it did.
func (r *run) readAnswers(reader *bufio.Reader) error {
	for {
		id, err := binary.ReadUvarint(reader)
		if err != nil {
			return err
		}
		r.mu.Lock()
		p, known := r.waiting[id]
		delete(r.waiting, id)
		r.mu.Unlock()
		if !known {
			return fmt.Errorf("%w: it answers what was not asked", errBroken)
		}
		verdict := make([]byte, p.names)
		if _, err := io.ReadFull(reader, verdict); err != nil {
			return err
		}
		p.answer <- verdict
	}
}

// end sends the summary.
func (r *run) end() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended.Store(true)
	encoded, err := json.Marshal(r.summary)
	if err != nil {
		return err
	}
	_, err = r.conn.Write(append([]byte{0}, encoded...))
	return err
}

// failed notes what could not be deleted, or not be looked at. What is gone by itself is no problem.
func (r *run) failed(path string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Failed++
	if len(r.summary.Problems) < maxProblems {
		r.summary.Problems = append(r.summary.Problems, Problem{Path: []byte(path), Message: err.Error()})
	}
}

// deleted counts.
func (r *run) deleted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Deleted++
}
