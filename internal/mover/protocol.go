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
	purposeFinish = "finish"
	purposeRsync  = "rsync/" // Followed by the mode.
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

// finished is the receiver's answer to a sender that is done.
type finished struct {
	// Error says why what was written may not last; empty if it does.
	Error string       `json:"error,omitempty"`
	Class report.Class `json:"class,omitempty"`
}

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
	if err := json.NewEncoder(conn).Encode(question); err == nil {
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
