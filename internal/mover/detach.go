package mover

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

// maxDetached bounds a path, in bytes.
const maxDetached = 64 << 10

// detach has the receiver remove those of the listed files that have another name there. A file that has one name at the source may
// have kept its link to another at the destination, and writing in place would write to both.
func (s *sender) detach(ctx context.Context, lists []list) error {
	conn, err := s.dialer.Dial(ctx, purposeDetach)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // All was said.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	buffered := bufio.NewWriter(conn)
	for _, paths := range lists {
		if err := paths(buffered); err != nil {
			return err
		}
	}
	_ = buffered.WriteByte(0)
	var answer finished
	if err := errors.Join(buffered.Flush(), hear(conn, &answer)); err != nil {
		return fmt.Errorf("preparing large files: %w", err)
	}
	return answer.failure("prepare large files")
}

// detach is the receiver's part. An empty path ends the list.
func (r *receiver) detach(_ context.Context, conn net.Conn) error {
	scanner := bufio.NewScanner(conn)
	scanner.Buffer(make([]byte, 0, 4096), maxDetached)
	scanner.Split(splitZero)
	for scanner.Scan() && scanner.Text() != "" {
		if err := r.detachOne(scanner.Text()); err != nil {
			return json.NewEncoder(conn).Encode(finished{Error: err.Error(), Class: classOf(err)})
		}
	}
	if err := scanner.Err(); err != nil {
		return err
	}
	return json.NewEncoder(conn).Encode(finished{})
}

func (r *receiver) detachOne(file string) error {
	folder, err := r.root.Folder(path.Dir(file))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil // rsync will make it.
	}
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // It was read.
	stat, err := tree.Stat(folder, path.Base(file))
	if err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG || stat.Nlink < 2 {
		return nil
	}
	if err := unix.Unlinkat(int(folder.Fd()), path.Base(file), 0); err != nil {
		return &fs.PathError{Op: "delete", Path: file, Err: err}
	}
	return nil
}

// splitZero splits at zero bytes.
func splitZero(data []byte, atEnd bool) (int, []byte, error) {
	for i, b := range data {
		if b == 0 {
			return i + 1, data[:i:i], nil
		}
	}
	if atEnd && len(data) > 0 {
		return 0, nil, errors.New("the list of large files was cut off")
	}
	return 0, nil, nil
}
