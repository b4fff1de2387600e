package loop

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-io/godwit/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// attach skips the test where no devices can be made.
func attach(t *testing.T, file string) string {
	t.Helper()
	device, err := Attach(t.Context(), file)
	if err != nil {
		t.Skipf("no loop devices here: %v", err)
	}
	t.Cleanup(func() { _ = DetachBelow(context.Background(), filepath.Dir(file)) })
	return device
}

func newFile(t *testing.T, folder string) string {
	t.Helper()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("0123456789abcdef", 1<<16)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func expectNoDevice(t *testing.T, file string) {
	t.Helper()
	if device, err := deviceOf(t.Context(), file); err != nil || device != "" {
		t.Errorf("%s has device %q, %v", file, device, err)
	}
}

func TestAttachMakesOneDeviceOfAFileAndDetachRemovesIt(t *testing.T) {
	file := newFile(t, t.TempDir())
	device := attach(t, file)
	if again, err := Attach(t.Context(), file); err != nil || again != device {
		t.Errorf("got %s, %v the second time; want %s", again, err, device)
	}
	content, err := os.ReadFile(device)
	if err != nil || len(content) != 1<<20 {
		t.Errorf("the device holds %d bytes, %v", len(content), err)
	}
	for range 2 {
		if err := Detach(t.Context(), file); err != nil {
			t.Error(err)
		}
	}
	expectNoDevice(t, file)
	if err := Detach(t.Context(), filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("of a file that is not there: %v", err)
	}
}

func TestDetachBelowRemovesDevicesOfDevicesTooAndNoOthers(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	file, other := newFile(t, folder), newFile(t, elsewhere)
	device, otherDevice := attach(t, file), attach(t, other)
	if _, err := Attach(t.Context(), device); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil { // Its name is remembered.
		t.Fatal(err)
	}
	if err := DetachBelow(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	expectNoDevice(t, device)
	devices, err := losetup(t.Context(), "--noheadings", "--output=NAME,BACK-FILE", "--list")
	if err != nil || strings.Contains(devices, folder) {
		t.Errorf("devices are %s, %v", devices, err)
	}
	if still, err := deviceOf(t.Context(), other); err != nil || still != otherDevice {
		t.Errorf("the other's device is %q, %v", still, err)
	}
}
