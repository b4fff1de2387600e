package block

import "sync"

// Progress is how far Send has come. No count ever falls. BytesDone are settled: sent, or known to be there.
type Progress struct {
	BytesTotal, BytesDone int64
	// BytesSent are contents that had to cross the wire.
	BytesSent int64
	// BlocksSent, BlocksEqual and BlocksZero add up to all: sent; there already; zeroed without sending contents.
	BlocksSent, BlocksEqual, BlocksZero int64
}

// meter adds up what streams do. Its callback runs under the lock, so that it sees counts in order.
type meter struct {
	mu     sync.Mutex
	now    Progress
	report func(Progress)
}

func (m *meter) add(delta Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.BytesDone += delta.BytesDone
	m.now.BytesSent += delta.BytesSent
	m.now.BlocksSent += delta.BlocksSent
	m.now.BlocksEqual += delta.BlocksEqual
	m.now.BlocksZero += delta.BlocksZero
	if m.report != nil {
		m.report(m.now)
	}
}

func (m *meter) read() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}
