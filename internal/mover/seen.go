package mover

import (
	"hash/maphash"
	"sync"
)

// maxSeen bounds what is remembered. Beyond it, an entry with a problem may count more than once.
const maxSeen = 100_000

// seen remembers problems, so that one that several passes come upon counts once.
type seen struct {
	seed maphash.Seed
	mu   sync.Mutex
	all  map[uint64]struct{}
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed(), all: map[uint64]struct{}{}} }

// first tells whether something was not seen before.
func (s *seen) first(what string) bool {
	hash := maphash.String(s.seed, what)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.all[hash]; known {
		return false
	}
	if len(s.all) < maxSeen {
		s.all[hash] = struct{}{}
	}
	return true
}
