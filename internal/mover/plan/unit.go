package plan

import (
	"context"
	"errors"
	"hash/fnv"
	"io"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

// Unit is what one run of rsync copies.
type Unit struct {
	pieces []piece
}

// piece is one folder with all in it, or some of the names in a folder.
type piece struct {
	// whole is empty for some of the names.
	whole string
	// folder is listed when the unit is copied; what except names is in other pieces, and so are all but one of the slices.
	folder    string
	except    map[string]bool
	slice, of int64
	// weight and names are estimates: of what it costs, and of how many names are listed.
	weight, names int64
}

// bounded makes units of which none lists too many names. There is none for nothing.
func (u Unit) bounded() (units []Unit) {
	var current Unit
	names := int64(0)
	for _, p := range u.pieces {
		if len(current.pieces) > 0 && names+p.names > maxNames {
			units, current, names = append(units, current), Unit{}, 0
		}
		current.pieces = append(current.pieces, p)
		names += p.names
	}
	if len(current.pieces) > 0 {
		units = append(units, current)
	}
	return units
}

// List writes the paths of what the unit consists of, each ended by a zero byte. skip is a name at the root that is left out.
func (u Unit) List(ctx context.Context, root *tree.Root, skip string, w io.Writer) error {
	for _, p := range u.pieces {
		if err := p.list(ctx, root, skip, w); err != nil && !vanished(err) {
			return err
		}
	}
	return nil
}

const listed = 256 // Names that are read at once.

func (p piece) list(ctx context.Context, root *tree.Root, skip string, w io.Writer) error {
	if p.whole != "" {
		_, err := io.WriteString(w, p.whole+"\x00")
		return err
	}
	folder, err := root.Folder(p.folder)
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // It was read.
	for ctx.Err() == nil {
		names, err := folder.Readdirnames(listed)
		for _, name := range names {
			if p.except[name] || p.sliceOf(name) != p.slice || (p.folder == "." && name == skip) {
				continue
			}
			if _, err := io.WriteString(w, tree.Join(p.folder, name)+"\x00"); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (p piece) sliceOf(name string) int64 {
	if p.of == 1 {
		return 0
	}
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, name)
	return int64(hash.Sum32()) % p.of
}
