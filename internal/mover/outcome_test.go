package mover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"testing"

	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
)

func TestErrorsAreClassified(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want report.Class
		code int
	}{
		"what rsync says":           {&rsync.ExitError{Code: 11, Class: report.NoSpace}, report.NoSpace, ExitRetry},
		"what the receiver says":    {&receiverError{class: report.Permission, message: "no"}, report.Permission, ExitRetry},
		"another identity":          {link.ErrIdentity, report.Identity, ExitNever},
		"no rsync":                  {rsync.ErrUnusable, report.Unusable, ExitNever},
		"no volume":                 {errVolume, report.Unusable, ExitNever},
		"an end from outside":       {context.Canceled, report.Interrupted, ExitRetry},
		"a full file system":        {&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, report.NoSpace, ExitRetry},
		"a quota that is used up":   {syscall.EDQUOT, report.NoSpace, ExitRetry},
		"storage that fails":        {&fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}, report.Input, ExitRetry},
		"a connection that is lost": {net.ErrClosed, report.Connection, ExitRetry},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := outcomeOf(fmt.Errorf("copying: %w", test.err))
			if outcome.Result != report.Failed || outcome.Class != test.want || outcome.Message == "" {
				t.Errorf("got %+v", outcome)
			}
			if code := ExitCode(report.Report{Result: outcome.Result, Class: outcome.Class}); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
		})
	}
	if code := ExitCode(report.Report{Result: report.Complete}); code != ExitComplete {
		t.Errorf("exit code %d of a complete copy", code)
	}
}

// explained asks f why rsync failed.
func explainedBy(t *testing.T, f *failures) finished {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close() //nolint:errcheck // All was said.
	done := make(chan error, 1)
	go func() { done <- errors.Join(f.explain(t.Context(), far), far.Close()) }()
	var answer finished
	if err := json.NewDecoder(near).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	return answer
}

func TestAReceiverExplainsItsFirstFailureOnceAllHaveEnded(t *testing.T) {
	f := &failures{}
	if answer := explainedBy(t, f); answer.Error != "" {
		t.Errorf("nothing failed, but it says %+v", answer)
	}
	begun, end := make(chan struct{}), make(chan struct{})
	watched := make(chan error, 1)
	go func() {
		watched <- f.watch(func() error {
			close(begun)
			<-end
			return &rsync.ExitError{Code: 11, Class: report.NoSpace, Detail: "full"}
		})
	}()
	<-begun
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.wait(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting ended with %v", err)
	}
	waited := make(chan error, 1)
	go func() { waited <- f.wait(t.Context()) }()
	close(end)
	if err := <-waited; err != nil {
		t.Error(err)
	}
	<-watched //nolint:errcheck // It is the error of above.
	_ = f.watch(func() error { return &rsync.ExitError{Code: 12, Class: report.Protocol} })
	answer := explainedBy(t, f)
	if answer.Class != report.NoSpace || answer.failure("write all") == nil {
		t.Errorf("it says %+v", answer)
	}
	f.forget()
	if answer := explainedBy(t, f); answer.failure("write all") != nil {
		t.Errorf("it still says %+v", answer)
	}
}
