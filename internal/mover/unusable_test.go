package mover_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/godwit-io/godwit/internal/mover"
	"github.com/godwit-io/godwit/internal/mover/report"
)

// unusable is what an end may lack, and the class that it says of that.
var unusable = map[string]struct {
	volume, identity func(t *testing.T, good string) string
	path             func(t *testing.T) string
	class            report.Class
	never            bool
}{
	"a volume that is not there": {
		volume: func(_ *testing.T, good string) string { return filepath.Join(good, "nothing") }, class: report.Unusable, never: true,
	},
	"a volume that is a file": {
		volume: func(t *testing.T, good string) string {
			t.Helper()
			write(t, filepath.Join(good, "file"), "content")
			return filepath.Join(good, "file")
		}, class: report.Unusable, never: true,
	},
	"an identity that is not there": {
		identity: func(t *testing.T, _ string) string { t.Helper(); return t.TempDir() }, class: report.Identity, never: true,
	},
	"no rsync": {path: func(t *testing.T) string { t.Helper(); return t.TempDir() }, class: report.Unusable, never: true},
}

func TestBothEndsSayWhatTheyLack(t *testing.T) {
	for name, test := range unusable {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			sending, receiving := p.options("127.0.0.1:1"), mover.ReceiveOptions{
				Volume: p.destination, Listen: "127.0.0.1:0", Identity: p.receiver, Peer: senderName, Out: &bytes.Buffer{}, Clock: clock.RealClock{},
			}
			if test.volume != nil {
				sending.Volume, receiving.Volume = test.volume(t, p.source), test.volume(t, p.destination)
			}
			if test.identity != nil {
				sending.Dialer.Identity, receiving.Identity = test.identity(t, p.sender), test.identity(t, p.receiver)
			}
			if test.path != nil {
				t.Setenv("PATH", test.path(t))
			}
			for end, last := range map[string]report.Report{
				"sender": mover.Send(t.Context(), sending), "receiver": mover.Receive(t.Context(), receiving),
			} {
				if last.Result != report.Failed || last.Class != test.class || (mover.ExitCode(last) == mover.ExitNever) != test.never || last.Message == "" {
					t.Errorf("the %s said %+v", end, last)
				}
			}
		})
	}
}

func TestReceiverWithoutAPortMayTryAgain(t *testing.T) {
	p := newPair(t)
	last := mover.Receive(t.Context(), mover.ReceiveOptions{
		Volume: p.destination, Listen: "127.0.0.1:none", Identity: p.receiver, Peer: senderName, Out: &bytes.Buffer{}, Clock: clock.RealClock{},
	})
	if last.Result != report.Failed || mover.ExitCode(last) != mover.ExitRetry {
		t.Errorf("it said %+v", last)
	}
}

func TestSenderWaitsForAReceiverAsLongAsItMay(t *testing.T) {
	p := newPair(t)
	options := p.options("127.0.0.1:1") // Nobody listens there.
	options.Patience = 1500 * time.Millisecond
	if last := mover.Send(t.Context(), options); last.Result != report.Failed || last.Class != report.Connection {
		t.Errorf("it said %+v", last)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	options.Patience = time.Hour
	if last := mover.Send(ctx, options); last.Class != report.Interrupted || mover.ExitCode(last) != mover.ExitRetry {
		t.Errorf("it said %+v", last)
	}
}

func TestSenderThatNobodyKnowsIsRefused(t *testing.T) {
	p, stranger := newPair(t), newPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	address, last := p.receive(ctx, t)
	options := stranger.options(address)
	if sent := mover.Send(t.Context(), options); sent.Class != report.Identity || mover.ExitCode(sent) != mover.ExitNever {
		t.Errorf("it said %+v", sent)
	}
	cancel()
	if received := last(); received.Result != report.Failed || received.Class != report.Interrupted {
		t.Errorf("the receiver said %+v", received)
	}
	if left, err := os.ReadDir(p.destination); err != nil || len(left) > 0 {
		t.Errorf("there is %v (%v)", left, err)
	}
}
