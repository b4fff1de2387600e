package block

import (
	"time"

	"github.com/klauspost/compress/zstd"
	"k8s.io/utils/clock"
)

// maxPenalty is how many runs may pass unpacked after one that did not pack.
const maxPenalty = 16

// packWindow is how far back a repetition is found. More takes memory and hardly packs better.
const packWindow = 256 << 10

// pace is what a byte took lately, in nanoseconds.
type pace float64

// took counts that n bytes took d.
func (p *pace) took(d time.Duration, n int) { *p += (pace(d)/pace(n) - *p) / 4 }

// packer compresses runs where that pays: the link is slower than packing, and the run loses an eighth. After a run that does not,
// ever more are not tried, so that contents that are compressed or encrypted cost next to nothing.
type packer struct {
	zstd    *zstd.Encoder
	packed  []byte
	pace    pace
	penalty int // runs not to try after the next failure
	skip    int // runs not to try now
}

func newPacker() *packer {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(packWindow), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil { // only for options that contradict each other
		panic(err)
	}
	return &packer{zstd: encoder, packed: make([]byte, 0, encoder.MaxEncodedSize(chunkSize)), penalty: 1}
}

// pack returns the packed form, which holds until the next call, or nil where data is better sent as it is over a link of that pace.
func (p *packer) pack(data []byte, link pace) []byte {
	if p.skip > 0 || p.pace >= link {
		p.skip = max(0, p.skip-1)
		p.pace -= p.pace / 32 // what it was is forgotten by and by, to be tried again
		return nil
	}
	start := clock.RealClock{}.Now()
	p.packed = p.zstd.EncodeAll(data, p.packed[:0])
	p.pace.took(clock.RealClock{}.Since(start), len(data))
	if len(p.packed) > len(data)-len(data)/8 {
		p.skip, p.penalty = p.penalty, min(2*p.penalty, maxPenalty)
		return nil
	}
	p.penalty = 1
	return p.packed
}

// unpacker is for what a hostile source packed, too.
type unpacker struct{ zstd *zstd.Decoder }

func newUnpacker() *unpacker {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(chunkSize), zstd.WithDecodeAllCapLimit(true))
	if err != nil { // only for options that contradict each other
		panic(err)
	}
	return &unpacker{decoder}
}

// unpack fills data, neither more nor less.
func (u *unpacker) unpack(data, packed []byte) error {
	got, err := u.zstd.DecodeAll(packed, data[:0:len(data)])
	if err != nil {
		return broken("contents cannot be unpacked: %v", err)
	}
	if len(got) != len(data) {
		return broken("%d bytes were packed, %d are wanted", len(got), len(data))
	}
	return nil
}
