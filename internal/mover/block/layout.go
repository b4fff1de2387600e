package block

import (
	"fmt"
	"math/bits"
)

const (
	// chunkSize is what is asked for, answered and verified at once. It bounds every buffer of both sides.
	chunkSize = 1 << 20
	// window is how many chunks a stream has under way: 16 MiB a round trip, 800 MB/s over 20 ms.
	window = 16

	minBlock = 4 << 10
	maxBlock = 64 << 10
)

// layout says where the chunks and blocks of a device of that size lie. The last chunk, and its last block, may be shorter.
type layout struct {
	size  int64
	block int
}

// validate refuses what no sender may choose.
func (l layout) validate() error {
	if l.size < 0 {
		return fmt.Errorf("size %d is negative", l.size)
	}
	if l.block < minBlock || l.block > maxBlock || bits.OnesCount(uint(l.block)) != 1 {
		return fmt.Errorf("block size %d is not a power of two from %d to %d", l.block, minBlock, maxBlock)
	}
	return nil
}

func (l layout) chunks() int64 {
	n := l.size / chunkSize
	if l.size%chunkSize != 0 {
		n++
	}
	return n
}

// span returns where a chunk lies, for 0 <= chunk < chunks().
func (l layout) span(chunk int64) (offset int64, length int) {
	offset = chunk * chunkSize
	return offset, int(min(chunkSize, l.size-offset))
}

// blocks returns how many blocks that many bytes of a chunk have.
func (l layout) blocks(length int) int { return (length + l.block - 1) / l.block }

// within returns the bytes of a chunk of that length that its blocks first to end (exclusive) have.
func (l layout) within(first, end, length int) (from, to int) {
	return min(first*l.block, length), min(end*l.block, length)
}
