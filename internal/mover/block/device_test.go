package block

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFailuresOfTheDestinationReachTheSender(t *testing.T) {
	const size = 3 << 20
	source := random(t, size, 1)
	clear(source[:64<<10])
	cases := map[string]struct {
		op     string
		offset int64
		err    error
		want   DeviceError
	}{
		"read":        {op: "read", offset: 2 << 20, err: syscall.EIO, want: DeviceError{Op: "read", Offset: 2 << 20, Err: syscall.EIO}},
		"no space":    {op: "write", offset: 1 << 20, err: syscall.ENOSPC, want: DeviceError{Op: "write", Offset: 1 << 20, Err: syscall.ENOSPC}},
		"zeroing":     {op: "zero", err: syscall.EPERM, want: DeviceError{Op: "write", Err: syscall.EPERM}},
		"not a errno": {op: "write", offset: 64 << 10, err: io.ErrShortWrite, want: DeviceError{Op: "write", Offset: 64 << 10}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			device := newMemory(bytes.Repeat([]byte{1}, size))
			device.fail = func(op string, offset int64, _ int) error {
				if op == c.op && offset == c.offset {
					return c.err
				}
				return nil
			}
			s := serve(t, device.destination(patience))
			s.connect = tcp
			_, err := Send(t.Context(), s.dial, sourceOf(source), Options{Streams: 2})
			c.want.Side = AtDestination
			var got *DeviceError
			if !errors.As(err, &got) || got.Side != c.want.Side || got.Op != c.want.Op || got.Offset != c.want.Offset {
				t.Fatalf("error is %v, want %v", err, &c.want)
			}
			if c.want.Err != nil && !errors.Is(err, c.want.Err) {
				t.Errorf("reason is %v, want %v", got.Err, c.want.Err)
			}
			if !anyIs(s.received(), c.err) {
				t.Errorf("receivers end with %v, want %v", s.received(), c.err)
			}
			if s.destination.Complete() {
				t.Error("it counts as complete")
			}
		})
	}
}

func anyIs(errs []error, target error) bool {
	for _, err := range errs {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func TestADeviceThatCannotBeSyncedIsNoSuccess(t *testing.T) {
	for name, after := range map[string]int{"before": 0, "after": 1} {
		t.Run(name, func(t *testing.T) {
			device := newMemory(make([]byte, 1<<20))
			syncs := 0
			device.fail = func(op string, _ int64, _ int) error {
				if op != "sync" {
					return nil
				}
				if syncs++; syncs > after {
					return syscall.EIO
				}
				return nil
			}
			s := serve(t, device.destination(patience))
			_, err := Send(t.Context(), s.dial, sourceOf(random(t, 1<<20, 1)), Options{})
			var got *DeviceError
			if !errors.As(err, &got) || got.Op != "sync" || got.Side != AtDestination || !errors.Is(err, syscall.EIO) {
				t.Errorf("error is %v, want one of sync", err)
			}
		})
	}
}

func TestADeviceThatHoldsSomethingElseIsFoundOut(t *testing.T) {
	source := random(t, 3<<20, 1)
	device := newMemory(make([]byte, len(source)))
	device.corrupt = func(durable []byte) { durable[2<<20+5] = ^source[2<<20+5] }
	s := serve(t, device.destination(patience))
	_, err := Send(t.Context(), s.dial, sourceOf(source), Options{})
	var got *DeviceError
	if !errors.Is(err, ErrVerify) || !errors.As(err, &got) || got.Offset != 2<<20 || got.Side != AtDestination {
		t.Errorf("error is %v, want ErrVerify of the chunk at 2 MiB", err)
	}
	if !anyIs(s.received(), ErrVerify) || s.destination.Complete() {
		t.Errorf("receivers end with %v, want ErrVerify", s.received())
	}
}

func TestASourceThatCannotBeReadIsNamed(t *testing.T) {
	device := newMemory(make([]byte, 4<<20))
	s := serve(t, device.destination(patience))
	shrunk := Source{ReaderAt: bytes.NewReader(random(t, 3<<20+100, 1)), Size: 4 << 20}
	_, err := Send(t.Context(), s.dial, shrunk, Options{})
	var got *DeviceError
	if !errors.As(err, &got) || got.Side != AtSource || got.Op != "read" || got.Offset != 3<<20+100 {
		t.Errorf("error is %v, want a read of the source at its end", err)
	}
	if s.destination.Complete() {
		t.Error("it counts as complete")
	}
	for _, err := range s.received() {
		if err != nil && !errors.Is(err, ErrConnection) {
			t.Errorf("a receiver ends with %v, want ErrConnection", err)
		}
	}
}

func TestErrorsSayWhereAndWhatToDo(t *testing.T) {
	device := &DeviceError{Side: AtSource, Op: "read", Offset: 4096, Err: syscall.EIO}
	if got, want := device.Error(), "read of the source at byte 4096: input/output error"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	size := &SizeError{Source: 2, Destination: 1}
	if !strings.Contains(size.Error(), "make the volume at the destination at least as large") {
		t.Errorf("%v does not tell what to do", size)
	}
}

func TestFilesKeepTheirHoles(t *testing.T) {
	const size = 8 << 20
	from, to := create(t, size), create(t, size)
	data := random(t, 1<<20, 1)
	write(t, from, data, 4<<20)
	write(t, to, data, 1<<20)
	write(t, to, data[:100], size-100)

	d, err := NewDestination(to, 0)
	if err != nil {
		t.Fatal(err)
	}
	source, err := OpenSource(from)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, d)
	s.connect = tcp
	result, err := Send(t.Context(), s.dial, source, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if result.BytesSent != 1<<20 || result.BlocksZero != 65 || result.DestinationSize != size {
		t.Errorf("result is %+v, want 1 MiB sent and 65 blocks zeroed", result)
	}
	wantSame(t, from, to)
	if before, after := allocated(t, from), allocated(t, to); after > before+256<<10 {
		t.Errorf("destination takes %d bytes, source %d", after, before)
	}
}

func TestHolesAreFound(t *testing.T) {
	file := create(t, 4<<20)
	if !hole(file, 0, 1<<20) {
		t.Skip("this file system does not tell of holes")
	}
	write(t, file, []byte{1}, 2<<20)
	for offset, want := range map[int64]bool{0: true, 1 << 20: true, 2 << 20: false, 3 << 20: true} {
		if got := hole(file, offset, 1<<20); got != want {
			t.Errorf("hole at %d: %v, want %v", offset, got, want)
		}
	}
}

func TestZerosAreWrittenWhereNothingElseWorks(t *testing.T) {
	file := create(t, 1<<20)
	data := random(t, 1<<20, 1)
	write(t, file, data, 0)
	device := &fileDevice{File: file}
	device.filled.Store(true)
	if err := device.zero(100, 300_000); err != nil {
		t.Fatal(err)
	}
	clear(data[100 : 100+300_000])
	got := make([]byte, 1<<20)
	if _, err := file.ReadAt(got, 0); err != nil || !bytes.Equal(got, data) {
		t.Errorf("zeros are not where they should be (%v)", err)
	}
	if allocated(t, file) < 1<<20 {
		t.Error("a hole was punched")
	}
}

func TestZeroingAFileThatCannotBeWrittenFails(t *testing.T) {
	file := create(t, 1<<20)
	readOnly, err := os.Open(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = readOnly.Close() }()
	if err := (&fileDevice{File: readOnly}).zero(0, 4096); err == nil {
		t.Error("there is no error")
	}
}

func TestOnlyDevicesAndRegularFilesAreTaken(t *testing.T) {
	directory, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	closed := create(t, 0)
	_ = closed.Close()
	for _, file := range []*os.File{directory, null, closed} {
		if _, err := NewDestination(file, 0); err == nil {
			t.Errorf("%s is taken as a destination", file.Name())
		}
		if _, err := OpenSource(file); err == nil {
			t.Errorf("%s is taken as a source", file.Name())
		}
	}
	_, _ = directory.Close(), null.Close()
}

func create(t *testing.T, size int64) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "volume"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if err := file.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return file
}

func write(t *testing.T, file *os.File, data []byte, offset int64) {
	t.Helper()
	if _, err := file.WriteAt(data, offset); err != nil {
		t.Fatal(err)
	}
}

func wantSame(t *testing.T, a, b *os.File) {
	t.Helper()
	var contents [2][]byte
	for i, file := range []*os.File{a, b} {
		size, err := sizeOf(file)
		if err != nil {
			t.Fatal(err)
		}
		contents[i] = make([]byte, size)
		if _, err := file.ReadAt(contents[i], 0); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(contents[0], contents[1]) {
		t.Error("contents differ")
	}
}

// allocated returns how many bytes a file takes on its device.
func allocated(t *testing.T, file *os.File) int64 {
	t.Helper()
	var stat unix.Stat_t
	if err := errors.Join(file.Sync(), unix.Fstat(int(file.Fd()), &stat)); err != nil {
		t.Fatal(err)
	}
	return stat.Blocks * 512
}
