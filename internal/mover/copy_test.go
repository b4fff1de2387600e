package mover_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

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
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
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
	store(t, p.sender, sender)
	store(t, p.receiver, receiver)
	return p
}

func store(t *testing.T, folder string, identity keys.Identity) {
	t.Helper()
	for name, content := range map[string][]byte{
		link.AuthorityFile: identity.Authority, link.CertificateFile: identity.Certificate, link.KeyFile: identity.Key,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
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

func TestCopyTree(t *testing.T) {
	p := newPair(t)
	if err := os.WriteFile(filepath.Join(p.source, "a"), []byte("content"), 0o640); err != nil {
		t.Fatal(err)
	}
	address, last := p.receive(t.Context(), t)
	sent := mover.Send(t.Context(), p.options(address))
	if sent.Result != report.Complete {
		t.Fatalf("sent: %+v", sent)
	}
	if received := last(); received.Result != report.Complete {
		t.Errorf("received: %+v", received)
	}
	content, err := os.ReadFile(filepath.Join(p.destination, "a"))
	if err != nil || string(content) != "content" {
		t.Errorf("got %q, %v", content, err)
	}
}
