package block

import (
	"io"
	"sync"
	"testing"
	"time"
)

// memory is a device that loses on forget what was not synced, like a machine that is switched off. Hooks may fail an operation.
type memory struct {
	mu      sync.Mutex
	cached  []byte
	durable []byte
	// fail returns the error of an operation: read, write, zero, sync.
	fail func(op string, offset int64, length int) error
	// corrupt alters what reaches the device.
	corrupt func(durable []byte)
	reads   int
	writes  int
	zeroed  int
}

func newMemory(contents []byte) *memory {
	return &memory{cached: append([]byte(nil), contents...), durable: append([]byte(nil), contents...)}
}

func (m *memory) failure(op string, offset int64, length int) error {
	if m.fail == nil {
		return nil
	}
	return m.fail(op, offset, length)
}

func (m *memory) ReadAt(p []byte, offset int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failure("read", offset, len(p)); err != nil {
		return 0, err
	}
	m.reads++
	n := copy(p, m.cached[offset:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) WriteAt(p []byte, offset int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failure("write", offset, len(p)); err != nil {
		return 0, err
	}
	m.writes++
	return copy(m.cached[offset:offset+int64(len(p))], p), nil
}

func (m *memory) zero(offset int64, length int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failure("zero", offset, length); err != nil {
		return err
	}
	m.zeroed += length
	clear(m.cached[offset : offset+int64(length)])
	return nil
}

func (m *memory) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failure("sync", 0, 0); err != nil {
		return err
	}
	copy(m.durable, m.cached)
	if m.corrupt != nil {
		m.corrupt(m.durable)
	}
	return nil
}

func (m *memory) forget(offset int64, length int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := len(m.cached)
	if length > 0 {
		end = int(offset) + length
	}
	copy(m.cached[offset:end], m.durable[offset:end])
}

func (m *memory) hole(int64, int) bool { return false }

// contents are what the device has after a power cut.
func (m *memory) contents() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]byte(nil), m.durable...)
}

func (m *memory) destination(timeout time.Duration) *Destination {
	return &Destination{device: m, size: int64(len(m.cached)), timeout: timeout}
}

// random returns bytes that are the same for the same seed.
func random(tb testing.TB, n int, seed uint64) []byte {
	tb.Helper()
	p := make([]byte, n)
	fill(p, seed)
	return p
}
