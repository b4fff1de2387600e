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
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

// Source is the end that answers.
type Source struct {
	Root *tree.Root
	// Workers is how many folders are looked at at once.
	Workers int
	// Found is called for each entry that both ends have, and Unreadable for what could not be looked for and thus stays. Both may
	// be called from several goroutines.
	Found      func(path string, stat *unix.Stat_t)
	Unreadable func(path string, err error)
}

// Summary is what the destination did.
type Summary struct {
	// Deleted counts entries, folders included.
	Deleted int64 `json:"deleted"`
	// Failed counts entries that could not be deleted. Problems are the first of them.
	Failed   int64     `json:"failed"`
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is an entry that could not be deleted.
type Problem struct {
	// Path is as in the file system, encoded as JSON encodes bytes.
	Path    []byte `json:"path"`
	Message string `json:"message"`
}

// maxSummary bounds the summary, in bytes.
const maxSummary = 1 << 20

// Answer answers the questions of the destination until it has none, and returns what it deleted. It closes the connection when the
// context ends.
func (s Source) Answer(ctx context.Context, conn net.Conn) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	summary, err := s.answer(ctx, conn)
	if err != nil && ctx.Err() != nil {
		return summary, context.Cause(ctx)
	}
	return summary, err
}

func (s Source) answer(ctx context.Context, conn net.Conn) (summary Summary, err error) {
	reader := bufio.NewReaderSize(conn, 64<<10)
	questions := make(chan question)
	var workers sync.WaitGroup
	var mu sync.Mutex
	var writing error
	for range max(1, s.Workers) {
		workers.Go(func() {
			for q := range questions {
				verdict := s.look(q)
				mu.Lock()
				_, err := conn.Write(append(binary.AppendUvarint(nil, q.id), verdict...))
				writing = errors.Join(writing, err)
				mu.Unlock()
			}
		})
	}
	err = readQuestions(ctx, reader, questions)
	close(questions)
	workers.Wait()
	if err = errors.Join(err, writing); err != nil {
		return summary, fmt.Errorf("telling the destination what is gone: %w", err)
	}
	if err := json.NewDecoder(io.LimitReader(reader, maxSummary)).Decode(&summary); err != nil {
		return summary, fmt.Errorf("reading what the destination deleted: %w", err)
	}
	return summary, nil
}

func readQuestions(ctx context.Context, reader *bufio.Reader, questions chan<- question) error {
	for {
		q, err := readQuestion(reader)
		if err != nil || q.id == 0 {
			return err
		}
		select {
		case questions <- q:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Verdicts on names.
const (
	stays byte = 0
	gone  byte = 1
)

// look decides on the names of a question, a byte for each.
func (s Source) look(q question) []byte {
	verdict := make([]byte, len(q.names))
	folder, err := s.Root.Folder(q.folder)
	if errors.Is(err, fs.ErrNotExist) {
		for i := range verdict {
			verdict[i] = gone
		}
		return verdict
	}
	if err != nil {
		s.Unreadable(q.folder, err)
		return verdict
	}
	defer folder.Close() //nolint:errcheck // It was read.
	for i, name := range q.names {
		path := tree.Join(q.folder, name)
		if strings.ContainsRune(name, '/') {
			continue // No name: somebody tries to look elsewhere.
		}
		stat, err := tree.Stat(folder, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			verdict[i] = gone
		case err != nil:
			s.Unreadable(path, err)
		default:
			s.Found(path, &stat)
		}
	}
	return verdict
}
