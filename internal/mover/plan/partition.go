package plan

import (
	"cmp"
	"path"
	"slices"
)

const (
	// maxNames bounds the names in the list of one run of rsync, which keeps them all.
	maxNames = 100_000
	// onePart is the weight up to which one copy is as fast as several.
	onePart = 2000 * entryWeight
	// manyUnits is the weight from which on each part gets several units, so that none is left with the last large one.
	manyUnits    = 400_000 * entryWeight
	unitsOfAPart = 4
)

// plan makes parts of what was seen.
func (s *scan) plan() *Plan {
	s.top.finish()
	p := &s.result
	parts := max(1, s.options.Parts)
	if s.top.weight+p.OfLarge.Bytes <= onePart {
		parts = 1
	}
	p.Large = spread(s.large, parts)
	if s.tooManyLinks {
		p.Units = []Unit{{pieces: []piece{{folder: ".", of: 1}}}}
	} else {
		p.Units = s.units(parts)
	}
	if len(p.Units) > 1 {
		p.Links = s.sortedLinks()
	} else {
		// One run of rsync keeps links itself.
		p.OfLinks, p.Again = Amount{}, p.OfLarge
	}
	return p
}

// sortedLinks puts the names of a file side by side.
func (s *scan) sortedLinks() []string {
	slices.SortFunc(s.links, func(a, b link) int {
		return cmp.Or(cmp.Compare(a.dev, b.dev), cmp.Compare(a.ino, b.ino), cmp.Compare(a.path, b.path))
	})
	names := make([]string, len(s.links))
	for i, l := range s.links {
		names[i] = l.path
	}
	return names
}

// spread makes lists of about the same size, the larger files first.
func spread(files []sized, parts int) [][]string {
	slices.SortFunc(files, func(a, b sized) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.path, b.path)) })
	lists := make([][]string, min(parts, len(files)))
	sizes := make([]int64, len(lists))
	for _, file := range files {
		least := lightest(sizes)
		lists[least] = append(lists[least], file.path)
		sizes[least] += file.size
	}
	return lists
}

func lightest(sizes []int64) int {
	least := 0
	for i, size := range sizes {
		if size < sizes[least] {
			least = i
		}
	}
	return least
}

// units splits the tree where it is too heavy, and puts the pieces together again so that each unit is about as heavy.
func (s *scan) units(parts int) []Unit {
	count := parts
	if parts > 1 && s.top.weight > manyUnits {
		count *= unitsOfAPart
	}
	target := s.top.weight
	if parts > 1 {
		target = s.top.weight / int64(2*count)
	}
	pieces := s.split(s.top, target, nil)
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(b.weight, a.weight) })
	units := make([]Unit, count)
	weights := make([]int64, count)
	for _, p := range pieces {
		least := lightest(weights)
		units[least].pieces = append(units[least].pieces, p)
		weights[least] += p.weight
	}
	return slices.Concat(each(units, Unit.bounded)...)
}

func each[A, B any](all []A, f func(A) B) []B {
	out := make([]B, len(all))
	for i, one := range all {
		out[i] = f(one)
	}
	return out
}

// split appends the pieces of a folder.
func (s *scan) split(n *node, target int64, pieces []piece) []piece {
	if n.weight <= target && !n.crowded {
		if n == s.top {
			return append(pieces, piece{folder: n.path, of: 1, weight: n.weight, names: n.names + int64(len(n.children))})
		}
		return append(pieces, piece{whole: n.path, weight: n.weight, names: 1})
	}
	if n != s.top {
		s.result.Folders = append(s.result.Folders, n.path)
	}
	apart := map[string]bool{}
	for _, child := range n.children {
		apart[path.Base(child.path)] = true
		pieces = s.split(child, target, pieces)
	}
	if n.names == 0 {
		return pieces
	}
	slices := max(1, min(ceil(n.rest, max(target, 1)), n.names), ceil(n.names, maxNames))
	for i := range slices {
		pieces = append(pieces, piece{
			folder: n.path, except: apart, slice: i, of: slices, weight: n.rest / slices, names: ceil(n.names, slices),
		})
	}
	return pieces
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }
