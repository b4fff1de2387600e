package keys_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godwit-io/godwit/internal/mover/keys"
	"github.com/godwit-io/godwit/internal/mover/link"
)

// check verifies a certificate as the other end does.
func check(t *testing.T, identity, authority keys.Identity, name string, usage x509.ExtKeyUsage, at time.Time) error {
	t.Helper()
	pair, err := tls.X509KeyPair(identity.Certificate, identity.Key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority.Authority) {
		t.Fatal("no authority")
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool, KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: at})
	return err
}

func TestMintedIdentitiesAreGoodForOneEndOnly(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	sender, receiver, err := keys.Mint(now, time.Hour, "sender.a", "receiver.a")
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := keys.Mint(now, time.Hour, "sender.a", "receiver.a")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		identity, authority keys.Identity
		dns                 string
		usage               x509.ExtKeyUsage
		after               time.Duration
		good                bool
	}{
		"the sender":                     {sender, receiver, "sender.a", x509.ExtKeyUsageClientAuth, 0, true},
		"the receiver":                   {receiver, sender, "receiver.a", x509.ExtKeyUsageServerAuth, 0, true},
		"clocks that differ":             {receiver, sender, "receiver.a", x509.ExtKeyUsageServerAuth, -59 * time.Minute, true},
		"the sender as a receiver":       {sender, receiver, "sender.a", x509.ExtKeyUsageServerAuth, 0, false},
		"the receiver as a sender":       {receiver, sender, "receiver.a", x509.ExtKeyUsageClientAuth, 0, false},
		"another name":                   {sender, receiver, "sender.b", x509.ExtKeyUsageClientAuth, 0, false},
		"another authority":              {other, receiver, "sender.a", x509.ExtKeyUsageClientAuth, 0, false},
		"after the time, and then some":  {sender, receiver, "sender.a", x509.ExtKeyUsageClientAuth, 3 * time.Hour, false},
		"before the time, and then some": {sender, receiver, "sender.a", x509.ExtKeyUsageClientAuth, -2 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(t, test.identity, test.authority, test.dns, test.usage, now.Add(test.after)); (err == nil) != test.good {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWrittenIdentitiesAreTheOwnersAlone(t *testing.T) {
	sender, _, err := keys.Mint(time.Now(), time.Hour, "sender.a", "receiver.a")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "identity")
	if err := sender.Write(folder); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"ca.crt": sender.Authority, "tls.crt": sender.Certificate, "tls.key": sender.Key} {
		path := filepath.Join(folder, name)
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if err := sender.Write(filepath.Join(folder, "tls.key")); err == nil {
		t.Error("a file was taken for a folder")
	}
}

func TestIdentitiesAreNotWrittenOverWhatIsInTheWay(t *testing.T) {
	sender, _, err := keys.Mint(time.Now(), time.Hour, "sender.volume", "receiver.volume")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sender.Write(filepath.Join(file, "identity")); err == nil {
		t.Error("a folder was made in a file")
	}
	for _, name := range []string{link.AuthorityFile, link.CertificateFile, link.KeyFile} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := sender.Write(folder); err == nil {
		t.Error("a file was written where a folder is")
	}
}
