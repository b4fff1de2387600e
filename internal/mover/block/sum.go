package block

import (
	"bytes"
	"encoding/binary"

	"github.com/zeebo/blake3"
)

// zeros is what blocks are compared with, and what is written where a device cannot be told to zero a range.
var zeros [maxBlock]byte

// key is drawn for each transfer. It keys the hashes and names the transfer.
type key [32]byte

// sum is the hash of a block; that of a block of zeros is the zero value. 128 bits are enough: nobody knows the key before the
// transfer, so that blocks with equal hashes cannot be made up in advance, and two that differ by chance meet once in 2^128.
type sum [16]byte

// digest is over the sums of a whole chunk and its place.
type digest [32]byte

// hasher hashes the blocks of chunks. It is for one goroutine.
type hasher struct {
	layout
	keyed *blake3.Hasher
	out   []byte
}

func newHasher(l layout, k key) *hasher {
	keyed, err := blake3.NewKeyed(k[:])
	if err != nil { // only for a key of another length
		panic(err)
	}
	return &hasher{layout: l, keyed: keyed, out: make([]byte, 0, len(digest{}))}
}

// chunk writes the sums of the blocks of data to sums, which has the room.
func (h *hasher) chunk(sums []sum, data []byte) {
	for i := range sums {
		from, to := h.within(i, i+1, len(data))
		sums[i] = h.block(data[from:to])
	}
}

func (h *hasher) block(data []byte) sum {
	if bytes.Equal(data, zeros[:len(data)]) {
		return sum{}
	}
	h.keyed.Reset()
	_, _ = h.keyed.Write(data)
	h.out = h.keyed.Sum(h.out[:0])
	return sum(h.out)
}

func (h *hasher) digest(chunk int64, sums []sum) digest {
	h.keyed.Reset()
	_, _ = h.keyed.Write(binary.BigEndian.AppendUint64(h.out[:0], uint64(chunk)))
	for i := range sums {
		_, _ = h.keyed.Write(sums[i][:])
	}
	h.out = h.keyed.Sum(h.out[:0])
	return digest(h.out)
}
