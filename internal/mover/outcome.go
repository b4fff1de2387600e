package mover

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
)

// Exit codes of both ends.
const (
	ExitComplete = 0
	// ExitRetry is a failure that another attempt may get over.
	ExitRetry = 1
	// ExitNever is one that stays until somebody changes something: flags, identities, the image.
	ExitNever = 2
)

// ExitCode is what the process of a mover ends with.
func ExitCode(r report.Report) int {
	switch {
	case r.Result == report.Complete:
		return ExitComplete
	case r.Class == report.Identity || r.Class == report.Unusable:
		return ExitNever
	}
	return ExitRetry
}

// outcomeOf explains an error that ended a mover.
func outcomeOf(err error) report.Outcome {
	return report.Outcome{Result: report.Failed, Class: classOf(err), Message: err.Error()}
}

func classOf(err error) report.Class {
	var exit *rsync.ExitError
	var receiver *receiverError
	switch {
	case errors.As(err, &exit):
		return exit.Class
	case errors.As(err, &receiver):
		return receiver.class
	case errors.Is(err, link.ErrIdentity):
		return report.Identity
	case errors.Is(err, rsync.ErrUnusable), errors.Is(err, errVolume):
		return report.Unusable
	case errors.Is(err, context.Canceled):
		return report.Interrupted
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return report.NoSpace
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return report.Input
	}
	return report.Connection
}
