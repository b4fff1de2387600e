package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Phase is what a mover is doing.
type Phase string

// Phases of a mover, in their order.
const (
	Connecting Phase = "connecting"
	Scanning   Phase = "scanning"
	Copying    Phase = "copying"
	Deleting   Phase = "deleting"
	Verifying  Phase = "verifying"
	Done       Phase = "done"
)

// Class is a kind of problem, with one entry of a volume or with all of it.
type Class string

// Classes of problems.
const (
	// Unreadable entries could not be read at the source, or their attributes could not.
	Unreadable Class = "unreadable"
	// Vanished entries were there when the source was listed and gone when they were read.
	Vanished Class = "vanished"
	// Changed entries were written to while they were read: what arrived may mix old and new.
	Changed Class = "changedWhileRead"
	// Unsupported is what the file system of the destination cannot hold.
	Unsupported Class = "unsupported"
	// NoSpace means that blocks, inodes or a quota of the destination are used up.
	NoSpace Class = "noSpace"
	// Permission is what the destination's mover may not do.
	Permission Class = "permission"
	// NotPreserved counts attributes that the movers never try to carry over because they lack the privilege: it is no failure.
	NotPreserved Class = "notPreserved"
	// Different entries do not equal at both ends, as found by the verification.
	Different Class = "different"
	// Input is a failure of storage to read or write.
	Input Class = "io"
	// Connection means that the other end was not reached, or lost.
	Connection Class = "connection"
	// Protocol means that the two ends do not understand each other, or that one of them broke the rules.
	Protocol Class = "protocol"
	// Identity means that one end does not take the other for what it should be.
	Identity Class = "identity"
	// Unusable means that a mover lacks what it needs: its volume, or a program.
	Unusable Class = "unusable"
	// Interrupted means that the mover was told to end.
	Interrupted Class = "interrupted"
)

// Grave are the classes of problems with entries that keep a copy from being complete, the worst first.
var Grave = []Class{Unreadable, NoSpace, Permission, Unsupported, Input, Different, Changed, Vanished, Connection, Protocol}

// Result is how a mover ended.
type Result string

// Results. Only Complete means that the destination holds all that the source does, as far as NotPreserved does not say otherwise.
const (
	Complete   Result = "Complete"
	Incomplete Result = "Incomplete"
	Failed     Result = "Failed"
)

// Kind marks the lines of a mover among what else is in its log.
const Kind = "godwit-mover/v1"

// Report is the state of a mover at one time. Numbers count from the start of this attempt.
type Report struct {
	Kind  string `json:"kind"`
	Phase Phase  `json:"phase"`
	// BytesTotal is the size of all files, those with several names counted once and holes counted as data. 0 while unknown.
	BytesTotal int64 `json:"bytesTotal"`
	// BytesDone is how much of BytesTotal was sent, or found to be at the destination. It never goes back.
	BytesDone int64 `json:"bytesDone"`
	// FilesTotal counts all entries but folders, each name of a file on its own. 0 while unknown.
	FilesTotal int64 `json:"filesTotal"`
	FilesDone  int64 `json:"filesDone"`
	// BytesSent is what went over the network.
	BytesSent int64 `json:"bytesSent"`
	// Rate is by how much BytesDone grew a second over the last half minute.
	Rate int64 `json:"rate"`
	// Problems counts entries by class.
	Problems map[Class]int64 `json:"problems,omitempty"`
	// Examples are the first problems; Problems counts them all.
	Examples []Example `json:"examples,omitempty"`
	// Result is empty until the mover is Done.
	Result Result `json:"result,omitempty"`
	// Class is what failed, and Message tells it to people. Both are empty with Complete.
	Class   Class  `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
	// Digest is over both trees or devices, in hexadecimal, where they were verified and are equal.
	Digest string `json:"digest,omitempty"`
}

// Example is a problem with one entry.
type Example struct {
	Class Class `json:"class"`
	// Path is relative to the volume's root, and escaped: see Escape.
	Path    string `json:"path"`
	Message string `json:"message,omitempty"`
}

// maxLine bounds what Parse reads, in bytes. A Tracker stays far below it.
const maxLine = 64 << 10

// ErrNotReport is returned for lines that are something else.
var ErrNotReport = errors.New("not a report of a mover")

// Parse reads one line of a mover's output, or its termination message. It returns ErrNotReport for lines of the log between.
func Parse(line []byte) (Report, error) {
	var r Report
	line = bytes.TrimSpace(line)
	if !bytes.HasPrefix(line, []byte("{")) || len(line) > maxLine || json.Unmarshal(line, &r) != nil || r.Kind != Kind {
		return Report{}, ErrNotReport
	}
	return r, r.validate()
}

var (
	phases  = []Phase{Connecting, Scanning, Copying, Deleting, Verifying, Done}
	results = []Result{"", Complete, Incomplete, Failed}
)

// validate refuses what no Tracker writes. Classes may be new.
func (r *Report) validate() error {
	switch {
	case !slices.Contains(phases, r.Phase):
		return fmt.Errorf("the mover reports an unknown phase %.40q", r.Phase)
	case !slices.Contains(results, r.Result):
		return fmt.Errorf("the mover reports an unknown result %.40q", r.Result)
	case min(r.BytesTotal, r.BytesDone, r.FilesTotal, r.FilesDone, r.BytesSent, r.Rate) < 0:
		return errors.New("the mover reports a negative number")
	}
	for _, n := range r.Problems {
		if n < 0 {
			return errors.New("the mover reports a negative number of problems")
		}
	}
	return nil
}

// clone shares nothing with r.
func (r *Report) clone() Report {
	c := *r
	c.Problems = maps.Clone(r.Problems)
	c.Examples = slices.Clone(r.Examples)
	return c
}
