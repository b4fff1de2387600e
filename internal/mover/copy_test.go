package mover_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/clock"

	"github.com/godwit-io/godwit/internal/mover"
	"github.com/godwit-io/godwit/internal/mover/keys"
	"github.com/godwit-io/godwit/internal/mover/link"
	"github.com/godwit-io/godwit/internal/mover/report"
)

const (
	senderName   = "sender.volume"
	receiverName = "receiver.volume"
)

// pair is two volumes with a mover at either.
type pair struct {
	source, destination string
	sender, receiver    string // Folders of identities.
}

func newPair(t *testing.T) *pair {
	t.Helper()
	folder := openTempDir(t)
	p := &pair{}
	for name, path := range map[string]*string{"source": &p.source, "destination": &p.destination, "sender": &p.sender, "receiver": &p.receiver} {
		*path = filepath.Join(folder, name)
		if err := os.Mkdir(*path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sender, receiver, err := keys.Mint(time.Now(), time.Hour, senderName, receiverName)
	if err != nil {
		t.Fatal(err)
	}
	must(t, sender.Write(p.sender))
	must(t, receiver.Write(p.receiver))
	return p
}

// receive starts a receiver. The function that it returns waits for its end, with the last report.
func (p *pair) receive(ctx context.Context, t *testing.T) (address string, last func() report.Report) {
	t.Helper()
	listening := make(chan net.Addr, 1)
	ended := make(chan report.Report, 1)
	var out bytes.Buffer
	go func() {
		ended <- mover.Receive(ctx, mover.ReceiveOptions{
			Volume: p.destination, Listen: "127.0.0.1:0", Identity: p.receiver, Peer: senderName,
			Out: &out, Clock: clock.RealClock{}, Listening: func(a net.Addr) { listening <- a },
		})
	}()
	select {
	case a := <-listening:
		return a.String(), func() report.Report { return <-ended }
	case r := <-ended:
		t.Fatalf("the receiver ended: %+v", r)
		return "", nil
	}
}

func (p *pair) options(address string) mover.SendOptions {
	return mover.SendOptions{
		Volume:   p.source,
		Dialer:   link.DialerOptions{Address: address, Identity: p.sender, Peer: receiverName},
		Patience: time.Minute, Parts: 4, Walkers: 16, Shell: []string{self(), dial}, Out: &bytes.Buffer{}, Clock: clock.RealClock{},
	}
}

func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// copyAll runs both ends until the copy is complete, and returns the sender's report.
func (p *pair) copyAll(t *testing.T, change func(*mover.SendOptions)) report.Report {
	t.Helper()
	address, last := p.receive(t.Context(), t)
	options := p.options(address)
	if change != nil {
		change(&options)
	}
	sent := mover.Send(t.Context(), options)
	if sent.Result != report.Complete {
		t.Fatalf("sent: %+v", sent)
	}
	if received := last(); received.Result != report.Complete {
		t.Errorf("received: %+v", received)
	}
	return sent
}

// copyOnce runs the sender once, and returns its report, however it ended.
func (p *pair) copyOnce(t *testing.T, change func(*mover.SendOptions)) report.Report {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	address, last := p.receive(ctx, t)
	options := p.options(address)
	if change != nil {
		change(&options)
	}
	sent := mover.Send(t.Context(), options)
	cancel()
	last()
	return sent
}

func TestCopyKeepsAllThereIs(t *testing.T) {
	for _, parts := range []int{1, 4} {
		t.Run(fmt.Sprint(parts, " parts"), func(t *testing.T) {
			p := newPair(t)
			hardTree(t, p.source)
			write(t, filepath.Join(p.destination, "lost+found/of-the-destination"), "stays")
			before := stat(t, p.destination)
			sent := p.copyAll(t, func(o *mover.SendOptions) { o.Parts = parts })
			wantEqual(t, p.source, p.destination)
			if len(sent.Problems) > 0 {
				t.Errorf("problems: %v %v", sent.Problems, sent.Examples)
			}
			if _, err := os.Stat(filepath.Join(p.destination, "lost+found/of-the-destination")); err != nil {
				t.Error("the destination's lost+found did not stay:", err)
			}
			if _, err := os.Stat(filepath.Join(p.destination, "lost+found/kept-out")); err == nil {
				t.Error("the source's lost+found was copied")
			}
			if after := stat(t, p.destination); after.Mode != before.Mode || after.Uid != before.Uid {
				t.Errorf("the folder at the root was changed: %+v", after)
			}
			if blocks := stat(t, filepath.Join(p.destination, "sparse")).Blocks; blocks > 256 {
				t.Errorf("the sparse file has %d blocks", blocks)
			}
		})
	}
}

func stat(t *testing.T, path string) (stat unix.Stat_t) {
	t.Helper()
	must(t, unix.Lstat(path, &stat))
	return stat
}

func TestVerifyFindsTreesEqual(t *testing.T) {
	p := newPair(t)
	hardTree(t, p.source)
	verified := func(o *mover.SendOptions) { o.Verify = true }
	first := p.copyAll(t, verified)
	if len(first.Digest) != 64 {
		t.Errorf("digest %q", first.Digest)
	}
	again := p.copyAll(t, verified)
	if again.Digest != first.Digest {
		t.Errorf("the digest of the same tree is %s, then %s", first.Digest, again.Digest)
	}
	if again.BytesSent > first.BytesSent/10 {
		t.Errorf("sent %d bytes for nothing, and %d the first time", again.BytesSent, first.BytesSent)
	}
}
