package verify

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

// Stream is the end that tells what it has. The other says in what way.
func Stream(ctx context.Context, conn net.Conn, root *tree.Root) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	reader := bufio.NewReader(conn)
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("reading how to compare: %w", err)
	}
	var options Options
	if err := json.Unmarshal(line, &options); err != nil {
		return fmt.Errorf("reading how to compare: %w", err)
	}
	options.Workers = min(options.Workers, maxWorkers)
	writer := bufio.NewWriterSize(conn, 64<<10)
	var buffer []byte
	err = walk(ctx, root, options, func(f *found) error {
		buffer = f.encode(buffer[:0])
		_, err := writer.Write(binary.AppendUvarint(nil, uint64(len(buffer))))
		if err == nil {
			_, err = writer.Write(buffer)
		}
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(writer.WriteByte(0), writer.Flush())
}

// maxWorkers bounds what one end has the other do.
const maxWorkers = 64

// Source is the end that compares. Its functions are called by one goroutine, in the order of the walk.
type Source struct {
	Root    *tree.Root
	Options Options
	// Different is told what is not equal, and of what is at one end only. stat is nil for what is at the other end only.
	Different func(path, what string, stat *unix.Stat_t)
	// Unreadable is told what could not be compared, at this end or the other.
	Unreadable func(path, why string, here bool)
}

// Compare compares with what the other end of the connection has. It returns a digest of the tree, in hexadecimal, which is the same
// for equal trees, or nothing where they are not. It closes the connection when the context ends.
func (s Source) Compare(ctx context.Context, conn net.Conn) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := json.NewEncoder(conn).Encode(s.Options); err != nil {
		return "", err
	}
	c := &comparison{Source: s, theirs: &stream{reader: bufio.NewReaderSize(conn, 64<<10)}, equal: true, hasher: blake3.New()}
	err := c.theirs.next()
	if err == nil {
		err = walk(ctx, s.Root, s.Options, c.entry)
	}
	if err == nil {
		err = c.extra(nil)
	}
	if err != nil {
		return "", fmt.Errorf("comparing both ends: %w", errors.Join(err, ctx.Err()))
	}
	if !c.equal {
		return "", nil
	}
	return hex.EncodeToString(c.hasher.Sum(nil)), nil
}

// stream is what the other end has, one entry at a time.
type stream struct {
	reader *bufio.Reader
	buffer []byte
	// current is nil at the end.
	current *record
}

func (s *stream) next() error {
	data, err := readFrame(s.reader, s.buffer)
	if err != nil || data == nil {
		s.current = nil
		return err
	}
	s.buffer = data
	last := s.current
	if s.current, err = decode(data); err != nil {
		return err
	}
	if last != nil && comparePaths(last.path, s.current.path) > 0 {
		return fmt.Errorf("%w: its entries are not in order", errBroken)
	}
	return nil
}

type comparison struct {
	Source
	theirs *stream
	equal  bool
	hasher *blake3.Hasher
	buffer []byte
}

// entry compares one of our entries. Those of the other end before it are missing here.
func (c *comparison) entry(ours *found) error {
	if err := c.extra(ours); err != nil {
		return err
	}
	theirs := c.theirs.current
	switch {
	case ours.failure != "":
		c.equal = false
		c.Unreadable(ours.path, ours.failure, true)
	case (theirs == nil || theirs.path != ours.path) && c.Options.Unprivileged && isDevice(ours.mode):
		return nil // It was not carried over.
	case theirs == nil || theirs.path != ours.path:
		c.different(ours.path, "it is missing at the destination", &ours.stat)
		return nil
	case theirs.failure != "":
		c.equal = false
		c.Unreadable(ours.path, theirs.failure, false)
	default:
		c.compare(ours, theirs)
	}
	if theirs == nil || theirs.path != ours.path {
		return nil
	}
	return c.theirs.next()
}

func isDevice(mode uint32) bool {
	kind := mode & unix.S_IFMT
	return kind == unix.S_IFCHR || kind == unix.S_IFBLK
}

func (c *comparison) compare(ours *found, theirs *record) {
	if what := ours.differences(theirs); what != "" {
		c.different(ours.path, "not equal: "+what, &ours.stat)
	} else {
		c.buffer = ours.encode(c.buffer[:0])
		_, _ = c.hasher.Write(c.buffer)
	}
}

// extra passes by what the other end has before our next entry; nil is the end.
func (c *comparison) extra(ours *found) error {
	for c.theirs.current != nil && (ours == nil || comparePaths(c.theirs.current.path, ours.path) < 0) {
		if failure := c.theirs.current.failure; failure != "" {
			c.equal = false
			c.Unreadable(c.theirs.current.path, failure, false)
		} else {
			c.different(c.theirs.current.path, "it is at the destination only", nil)
		}
		if err := c.theirs.next(); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) different(path, what string, stat *unix.Stat_t) {
	c.equal = false
	c.Different(path, what, stat)
}
