package block

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestBlockDevices(t *testing.T) {
	const size = 12 << 20
	from, to := loopDevice(t, size), loopDevice(t, size+1<<20)
	data := random(t, size, 1)
	clear(data[5<<20 : 7<<20+4096])
	write(t, from, data, 0)
	write(t, to, random(t, size+1<<20, 2), 0)

	for run, want := range []int64{size - 2<<20 - 4096, 0, 2 * DefaultBlockSize} {
		if run == 2 {
			write(t, from, []byte("changed"), 3<<20+DefaultBlockSize-3)
		}
		source, err := OpenSource(from)
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewDestination(to, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, d)
		s.connect = tcp
		result, err := Send(t.Context(), s.dial, source, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s.running.Wait(); !d.Complete() {
			t.Error("the destination is not complete")
		}
		if got := result.BytesSent; got < want || got > want+DefaultBlockSize {
			t.Errorf("run %d sent %d bytes, want %d", run, got, want)
		}
		if result.DestinationSize != size+1<<20 {
			t.Errorf("destination has %d bytes, want %d", result.DestinationSize, size+1<<20)
		}
		wantPrefix(t, from, to, size)
	}
}

func wantPrefix(t *testing.T, a, b *os.File, size int) {
	t.Helper()
	x, y := make([]byte, size), make([]byte, size)
	if _, err := a.ReadAt(x, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadAt(y, 0); err != nil {
		t.Fatal(err)
	}
	if string(x) != string(y) {
		t.Error("contents differ")
	}
}

// loopDevice returns a block device of that size.
func loopDevice(t *testing.T, size int64) *os.File {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loop devices need root")
	}
	losetup, err := exec.LookPath("losetup")
	if err != nil {
		t.Skip("loop devices need losetup (Debian package mount)")
	}
	backing := filepath.Join(t.TempDir(), "backing")
	if err := os.WriteFile(backing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(backing, size); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(losetup, "--find", "--show", backing).CombinedOutput()
	name := strings.TrimSpace(string(out))
	if err != nil {
		t.Skipf("this machine gives no loop device: %v: %s", err, name)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	t.Cleanup(func() {
		if file != nil {
			_ = file.Close()
		}
		if out, err := exec.Command(losetup, "--detach", name).CombinedOutput(); err != nil {
			t.Errorf("detach %s: %v: %s", name, err, out)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}
