package rsync

import (
	"fmt"
	"syscall"

	"github.com/godwit-io/godwit/internal/mover/report"
)

// classOf tells what a number of the operating system means, when the end that reads the source or the one that writes met it.
func classOf(reading bool, errno int) report.Class {
	switch syscall.Errno(errno) {
	case syscall.ENOENT:
		if reading {
			return report.Vanished
		}
	case syscall.ENOSPC, syscall.EDQUOT:
		return report.NoSpace
	case syscall.EACCES, syscall.EPERM, syscall.EROFS:
		if !reading {
			return report.Permission
		}
	case syscall.EOPNOTSUPP, syscall.ENAMETOOLONG, syscall.EFBIG, syscall.ENOSYS, syscall.EILSEQ, syscall.EMLINK:
		if !reading {
			return report.Unsupported
		}
	case syscall.EPIPE, syscall.ECONNRESET, syscall.ETIMEDOUT:
		return report.Connection
	}
	if reading {
		return report.Unreadable
	}
	return report.Input
}

// Exit codes of rsync that are told apart.
const (
	exitFile     = 11
	exitPartial  = 23
	exitVanished = 24
)

// exits says what exit codes of rsync mean.
var exits = map[int]struct {
	class   report.Class
	message string
}{
	1:            {report.Protocol, "its arguments were refused"},
	2:            {report.Protocol, "the two versions do not understand each other"},
	3:            {report.Input, "its files could not be selected"},
	4:            {report.Protocol, "one end refused what the other sent"},
	5:            {report.Protocol, "the protocol did not begin"},
	10:           {report.Connection, "the connection failed"},
	exitFile:     {report.Input, "a file could not be read or written"},
	12:           {report.Connection, "the connection ended too early, or what came is not the protocol"},
	13:           {report.Input, "its messages could not be written"},
	14:           {report.Input, "its processes could not talk to each other"},
	15:           {report.Interrupted, "one of its processes crashed"},
	16:           {report.Interrupted, "one of its processes was ended"},
	19:           {report.Interrupted, "it was ended"},
	20:           {report.Interrupted, "it was ended"},
	21:           {report.Input, "it lost one of its processes"},
	22:           {report.Input, "it has not enough memory"},
	exitPartial:  {report.Input, "some files could not be copied"},
	exitVanished: {report.Vanished, "some files vanished while they were copied"},
	25:           {report.Protocol, "it was to delete"},
	30:           {report.Connection, "it waited too long for the other end"},
	35:           {report.Connection, "it waited too long for the connection"},
}

// ExitError is a run of rsync that did not reach its end, or left something out.
type ExitError struct {
	// Code is rsync's exit code, or -1 where a signal ended it.
	Code  int
	Class report.Class
	// Detail is the last complaint that no file explains; it may be empty.
	Detail string
}

// Error tells it in words.
func (e *ExitError) Error() string {
	message := fmt.Sprintf("rsync ended with code %d", e.Code)
	if known, found := exits[e.Code]; found {
		message += ": " + known.message
	}
	if e.Detail != "" {
		message += ": " + e.Detail
	}
	return message
}

// Partial tells that all was gone through, and that what is missing was named one by one.
func (e *ExitError) Partial() bool { return e.Code == exitPartial || e.Code == exitVanished }

// exitError explains an exit code other than 0.
func exitError(code int, detail string) *ExitError {
	e := &ExitError{Code: code, Class: report.Input, Detail: detail}
	if known, found := exits[code]; found {
		e.Class = known.class
	}
	return e
}
