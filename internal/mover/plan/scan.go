package plan

import (
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// entryWeight is what an entry costs to copy, in bytes of content that cost the same.
	entryWeight = 32 << 10
	// largeFile is from what size on a file is written in place.
	largeFile = 16 << 20
	// maxPaths bounds the paths that are kept of large files, and of links: in bytes, with what it costs to keep one.
	maxPaths = 8 << 20
	pathCost = 48
	// lightFolder is the weight below which a folder is not told apart from the one that it is in.
	lightFolder = 1000 * entryWeight
	// manyNodes is how many folders are told apart before only twice as heavy ones are.
	manyNodes = 4096
	// toldExamples is how many entries are named of which something is not preserved.
	toldExamples = 20
)

// node is a folder that is told apart. All but its path is guarded by the scan.
type node struct {
	path string
	// names counts the entries that are listed when the folder is split, and rest is what they weigh, with what is in them.
	names, rest int64
	// children are the folders in it that are told apart; they are not in names.
	children []*node
	// weight is of all in it. crowded means that it, or a folder in it, has too many names for one run of rsync.
	weight  int64
	crowded bool
}

// inode is the identity of a file with several names.
type inode struct{ dev, ino uint64 }

// scan visits a volume.
type scan struct {
	options Options

	mu     sync.Mutex
	result Plan
	top    *node
	nodes  int
	light  int64 // Folders below this weight are not told apart.

	links     []link
	inodes    map[inode]bool
	linkBytes int64 // Of paths, as bounded by maxPaths.
	// tooManyLinks means that links are not known any more, so that one run of rsync must see them all.
	tooManyLinks bool

	large      []sized
	largeBytes int64
}

// link is one name of a file.
type link struct {
	inode
	path string
}

// sized is a path and how large what is there is.
type sized struct {
	path string
	size int64
}

func newScan(options Options) *scan {
	return &scan{options: options, top: &node{path: "."}, light: lightFolder, inodes: map[inode]bool{}}
}

// Enter tells a folder apart, for the time being.
func (s *scan) Enter(_ *node, path string, stat *unix.Stat_t) *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look(path, stat)
	return &node{path: path}
}

// Leave keeps the folder, or adds it to the one that it is in.
func (s *scan) Leave(n, parent *node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.finish()
	parent.crowded = parent.crowded || n.crowded
	if n.weight < s.light && !n.crowded {
		parent.names++
		parent.rest += n.weight
		return
	}
	parent.children = append(parent.children, n)
	if s.nodes++; s.nodes%manyNodes == 0 {
		s.light *= 2
	}
}

// finish adds up what is in a folder once all was visited.
func (n *node) finish() {
	n.weight = entryWeight + n.rest
	for _, child := range n.children {
		n.weight += child.weight
	}
	n.crowded = n.crowded || n.names > maxNames
}

// Entry counts an entry.
func (s *scan) Entry(parent *node, path string, stat *unix.Stat_t) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look(path, stat)
	parent.names++
	parent.rest += entryWeight
	amount := Amount{Files: 1}
	if stat.Mode&unix.S_IFMT == unix.S_IFREG {
		amount.Bytes = stat.Size
	}
	switch {
	case stat.Nlink > 1:
		s.link(path, stat, amount)
	case amount.Bytes >= largeFile && stat.Mode&unix.S_IWUSR != 0 && s.largeBytes < maxPaths:
		s.large = append(s.large, sized{path, stat.Size})
		s.largeBytes += int64(len(path)) + pathCost
		s.result.OfLarge = s.result.OfLarge.Add(amount)
		s.result.Again = s.result.Again.Add(amount)
		s.result.Total = s.result.Total.Add(amount)
	default:
		s.result.Total = s.result.Total.Add(amount)
		parent.rest += amount.Bytes
	}
}

// link counts one of several names. The content counts with the first.
func (s *scan) link(path string, stat *unix.Stat_t, amount Amount) {
	s.result.Again = s.result.Again.Add(amount)
	id := inode{stat.Dev, stat.Ino}
	if s.inodes[id] {
		amount.Bytes = 0
	}
	s.result.OfLinks = s.result.OfLinks.Add(amount)
	s.result.Total = s.result.Total.Add(amount)
	if s.tooManyLinks {
		return
	}
	s.inodes[id] = true
	s.links = append(s.links, link{id, path})
	if s.linkBytes += int64(len(path)) + pathCost; s.linkBytes > maxPaths {
		// From here on content may count more than once: it is not known what was seen before.
		s.tooManyLinks, s.links, s.inodes = true, nil, nil
	}
}

// look notes what does not depend on where the entry is.
func (s *scan) look(path string, stat *unix.Stat_t) {
	if later(stat.Ctim, s.result.Latest) {
		s.result.Latest = stat.Ctim
	}
	why := s.lost(stat)
	if why == "" {
		return
	}
	if s.result.NotPreserved++; s.result.NotPreserved <= toldExamples {
		s.options.NotPreserved(path, why)
	}
}

// lost says what of an entry the receiver lacks the privilege for.
func (s *scan) lost(stat *unix.Stat_t) string {
	if s.options.Owner == 0 {
		return ""
	}
	switch kind := stat.Mode & unix.S_IFMT; {
	case kind == unix.S_IFCHR || kind == unix.S_IFBLK:
		return "a device needs root at the destination"
	case int(stat.Uid) != s.options.Owner:
		return fmt.Sprintf("its owner %d needs root at the destination", stat.Uid)
	case !slices.Contains(s.options.Groups, int(stat.Gid)):
		return fmt.Sprintf("its group %d needs root at the destination, or a mover in that group", stat.Gid)
	}
	return ""
}

func later(a, b unix.Timespec) bool { return a.Sec > b.Sec || (a.Sec == b.Sec && a.Nsec > b.Nsec) }

// Failed tells what could not be looked at.
func (s *scan) Failed(path string, err error) {
	if !vanished(err) {
		s.options.Unreadable(path, err)
	}
}
