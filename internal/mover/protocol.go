package mover

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/report"
	"github.com/godwit-io/godwit/internal/mover/rsync"
)

// Purposes of connections, beside link.Begin.
const (
	purposeDetach  = "detach"
	purposePrune   = "prune"
	purposeVerify  = "verify"
	purposeExplain = "explain"
	purposeFinish  = "finish"
	purposeRsync   = "rsync/" // Followed by the mode.
)

func purposeOf(mode rsync.Mode) string { return purposeRsync + string(mode) }

const (
	// maxMessage bounds what begins and finishes a session, in bytes.
	maxMessage = 64 << 10
	// messageTimeout is how long the other end may take over such a message. That to finish waits for its disks.
	messageTimeout = 30 * time.Second
	finishTimeout  = 30 * time.Minute
)

// facts are what the receiver says of itself when a session begins.
type facts struct {
	UID    int    `json:"uid"`
	Groups []int  `json:"groups"`
	Rsync  string `json:"rsync"`
	// Confined is false where only the pod keeps what writes there from going outside the volume.
	Confined bool `json:"confined"`
}

// finished is the receiver's answer to what a sender had it do.
type finished struct {
	// Error says what failed; empty if nothing did.
	Error string       `json:"error,omitempty"`
	Class report.Class `json:"class,omitempty"`
}

// failure is nil where nothing failed. what says what the receiver was to do.
func (f finished) failure(what string) error {
	if f.Error == "" {
		return nil
	}
	return &receiverError{class: f.Class, message: "the receiver could not " + what + ": " + f.Error}
}

// receiverError is what failed at the other end.
type receiverError struct {
	class   report.Class
	message string
}

// Error quotes the receiver.
func (e *receiverError) Error() string { return e.message }

// ask sends a question for a purpose and reads the answer, on a connection of its own.
func ask(ctx context.Context, dial link.Dial, purpose string, timeout time.Duration, question, answer any) error {
	conn, err := dial(ctx, purpose)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // All was said.
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	err = json.NewEncoder(conn).Encode(question)
	if err == nil {
		err = hear(conn, answer)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("asking the receiver to %s: %w", purpose, err)
	}
	return nil
}

// hear reads one message.
func hear(conn net.Conn, message any) error {
	return json.NewDecoder(io.LimitReader(conn, maxMessage)).Decode(message)
}
