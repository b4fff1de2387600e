package apply

import (
	"context"
	"sync"
)

// scheduler hands entries to workers: an entry is ready when all waves before its turn are over and what it needs is done.
type scheduler struct {
	narrowLimit int

	mu   sync.Mutex
	wake *sync.Cond
	// ready entries in order, those of narrow waves apart.
	ready, narrowReady []*entry
	narrowRunning      int
	left               int
	open               [waveCount]bool
	leftIn             [waveCount]int
	// held are the entries that their wave or what they need holds back.
	held       [waveCount][]*entry
	needs      map[*entry]int
	dependents map[*entry][]*entry
}

// newScheduler returns a scheduler of the entries that are not done yet, which are written in the order given where nothing else
// decides.
func newScheduler(entries []*entry, narrowLimit int) *scheduler {
	s := &scheduler{narrowLimit: narrowLimit, needs: map[*entry]int{}, dependents: map[*entry][]*entry{}}
	s.wake = sync.NewCond(&s.mu)
	for _, e := range entries {
		if e.done {
			continue
		}
		s.left++
		s.leftIn[e.turn]++
		s.held[e.turn] = append(s.held[e.turn], e)
		for _, needed := range e.needs {
			if !needed.done {
				s.needs[e]++
				s.dependents[needed] = append(s.dependents[needed], e)
			}
		}
	}
	s.openWaves()
	return s
}

// run has workers call write for every entry, and returns when all were written or ctx ended, and every call has returned. What
// write returns, if not nil, is a wait that belongs to the entry but needs no worker.
func (s *scheduler) run(ctx context.Context, workers int, write func(context.Context, *entry) func(context.Context)) {
	stop := context.AfterFunc(ctx, s.wakeAll)
	defer stop()
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for e := s.next(ctx); e != nil; e = s.next(ctx) {
				wait := write(ctx, e)
				s.release(e)
				if wait == nil {
					s.finish(e)
					continue
				}
				group.Go(func() {
					wait(ctx)
					s.finish(e)
				})
			}
		})
	}
	group.Wait()
}

func (s *scheduler) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake.Broadcast()
}

// next waits for an entry that is ready; nil means that there will be none.
func (s *scheduler) next(ctx context.Context) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ctx.Err() == nil && s.left > 0 {
		// The narrow lane first: it is the one that takes longest. It is narrow for the sake of the others only.
		if len(s.narrowReady) > 0 && (s.narrowRunning < s.narrowLimit || len(s.ready) == 0) {
			s.narrowRunning++
			return take(&s.narrowReady)
		}
		if len(s.ready) > 0 {
			return take(&s.ready)
		}
		s.wake.Wait()
	}
	return nil
}

func take(queue *[]*entry) *entry {
	e := (*queue)[0]
	(*queue)[0] = nil
	*queue = (*queue)[1:]
	return e
}

// release gives back the worker's place in its lane.
func (s *scheduler) release(e *entry) {
	if waves[e.wave].narrow {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.narrowRunning--
		s.wake.Signal()
	}
}

// finish lets go what waited for the entry.
func (s *scheduler) finish(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	s.leftIn[e.turn]--
	for _, dependent := range s.dependents[e] {
		s.needs[dependent]--
		if s.needs[dependent] == 0 && s.open[dependent.turn] {
			s.enqueue(dependent)
		}
	}
	if s.leftIn[e.turn] == 0 {
		s.openWaves()
	}
	if s.left == 0 {
		s.wake.Broadcast()
	}
}

// openWaves opens the waves whose predecessors are over. One pass is enough, because predecessors come first in the table.
func (s *scheduler) openWaves() {
	for number, w := range waves {
		if s.open[number] || !s.allOver(w.after) {
			continue
		}
		s.open[number] = true
		for _, e := range s.held[number] {
			if s.needs[e] == 0 {
				s.enqueue(e)
			}
		}
		s.held[number] = nil
	}
}

func (s *scheduler) allOver(numbers []int) bool {
	for _, number := range numbers {
		if !s.open[number] || s.leftIn[number] > 0 {
			return false
		}
	}
	return true
}

func (s *scheduler) enqueue(e *entry) {
	if waves[e.wave].narrow {
		s.narrowReady = append(s.narrowReady, e)
	} else {
		s.ready = append(s.ready, e)
	}
	s.wake.Signal()
}
