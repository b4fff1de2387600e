package schedule

import (
	"time"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Section is a part of a policy that triggers runs on its own. Make it with Parse.
type Section struct {
	// Type is the section's name in statuses.
	Type storkv1alpha1.SchedulePolicyType
	// Retain is how many results to keep: what the policy says, or Stork's default for the section.
	Retain int

	timing timing
}

// History is what has happened so far.
type History struct {
	// Created is when the schedule was made. Fortnights are counted from it.
	Created time.Time
	// Since is from when on times of day count: when the schedule was made or resumed, or its policy changed. Those before it were
	// not missed.
	Since time.Time
	// Last is the slot of the newest run that the section triggered, or when that run was created. Zero means that there was none.
	Last time.Time
}

// timing knows the slots of a section: the times at which it triggers.
type timing interface {
	due(history History, now time.Time, catchUp time.Duration) (slot time.Time, due bool)
	next(history History, now time.Time) time.Time
}

// Due returns the slot for which a run has to start now. Whatever number of slots was missed, there is one run, for the newest of
// them, and none when that one is older than catchUp. An interval counts from its last run, so it is never too late for it.
//
// The slot depends on history alone as long as no other one has come, so a run that is named by it starts once.
func (s Section) Due(history History, now time.Time, catchUp time.Duration) (slot time.Time, due bool) {
	return s.timing.due(history, now, catchUp)
}

// Next returns the first time after now at which the section triggers; zero if it never does again. An interval that has never run
// triggers now.
func (s Section) Next(history History, now time.Time) time.Time {
	return s.timing.next(history, now)
}

// interval triggers at once, and then so long after each run (Stork's rule for intervalMinutes).
type interval time.Duration

func (i interval) due(history History, now time.Time, _ time.Duration) (time.Time, bool) {
	if history.Last.IsZero() {
		return i.latest(history.Created, now), true
	}
	slot := i.latest(history.Last, now)
	return slot, slot.After(history.Last)
}

func (i interval) next(history History, now time.Time) time.Time {
	if history.Last.IsZero() {
		return now
	}
	return i.latest(history.Last, now).Add(time.Duration(i))
}

// latest returns the newest slot of those that are counted from a time.
func (i interval) latest(from, now time.Time) time.Time {
	return from.Add(max(0, now.Sub(from)).Truncate(time.Duration(i)))
}
