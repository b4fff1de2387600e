package plan

import (
	"context"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

// Amount is how much of something there is.
type Amount struct {
	// Bytes is the size of regular files, holes included.
	Bytes int64
	// Files counts entries that are no folders.
	Files int64
}

// Add returns the sum.
func (a Amount) Add(b Amount) Amount { return Amount{a.Bytes + b.Bytes, a.Files + b.Files} }

// Minus returns the difference, nothing of it below zero.
func (a Amount) Minus(b Amount) Amount {
	return Amount{max(0, a.Bytes-b.Bytes), max(0, a.Files-b.Files)}
}

// AtMost returns a, cut to b.
func (a Amount) AtMost(b Amount) Amount { return Amount{min(a.Bytes, b.Bytes), min(a.Files, b.Files)} }

// Options are what Make needs.
type Options struct {
	// Skip is a name at the volume's root that is left alone.
	Skip string
	// Walkers is how many folders are read at once.
	Walkers int
	// Parts is how many copies are to run side by side.
	Parts int
	// Owner is who the receiver runs as, and Groups what groups it is in. Owner 0 may give files to anybody.
	Owner  int
	Groups []int
	// Unreadable is told what could not be looked at. NotPreserved is told of the first entries of which something cannot be carried
	// over, and why. Both may be called from several goroutines.
	Unreadable   func(path string, err error)
	NotPreserved func(path, why string)
}

// Plan is how a volume is copied: first Links, then Large, then Units, each of them after the one before has ended, then Folders.
type Plan struct {
	// Total is all there is. A file with several names has several Files, and its Bytes once.
	Total Amount
	// Links are the names of files that have several. They are copied together, so that they stay links.
	Links []string
	// Large are lists of the large files that have one name and can be written in place, each list to be copied beside the others.
	Large [][]string
	// Units are all else, and what was copied before once more.
	Units []Unit
	// Folders are those whose times more than one copy touched.
	Folders []string
	// OfLinks and OfLarge are how much of Total is in Links and Large.
	OfLinks, OfLarge Amount
	// Again is how much of Links and Large there is when the Units come upon them: the bytes of each name count.
	Again Amount
	// NotPreserved counts entries of which something cannot be carried over.
	NotPreserved int64
	// Latest is the latest change of an entry's attributes or content that was seen. What is later happened afterwards.
	Latest unix.Timespec
}

// Changed tells whether an entry, as it is now, changed after the volume was looked through, by the clock of its file system.
func (p *Plan) Changed(stat *unix.Stat_t) bool {
	return stat.Mode&unix.S_IFMT != unix.S_IFDIR && later(stat.Ctim, p.Latest)
}

// Make looks through a volume. Its error is the context's: what cannot be read is told to options.Unreadable.
func Make(ctx context.Context, root *tree.Root, options Options) (*Plan, error) {
	s := newScan(options)
	if err := tree.Walk(ctx, root, options.Walkers, options.Skip, s.top, s); err != nil {
		return nil, err
	}
	return s.plan(), nil
}

// vanished tells that an entry was gone when it was to be looked at: so it is not part of what is copied.
func vanished(err error) bool { return errors.Is(err, fs.ErrNotExist) }
