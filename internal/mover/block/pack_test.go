package block

import (
	"bytes"
	"errors"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// slow and fast are links over which packing pays and does not pay.
const slow, fast pace = 1e12, 0

func TestRunsArePackedWhereItPays(t *testing.T) {
	text := bytes.Repeat([]byte("what a database writes "), 1000)
	p, u := newPacker(), newUnpacker()
	if p.pack(text, fast) != nil {
		t.Error("it packs for a link that is faster than packing")
	}
	packed := p.pack(text, slow)
	if len(packed) == 0 || len(packed) > len(text)/8 {
		t.Fatalf("%d bytes are packed into %d", len(text), len(packed))
	}
	got := make([]byte, len(text))
	if err := u.unpack(got, packed); err != nil || !bytes.Equal(got, text) {
		t.Errorf("what is unpacked differs (%v)", err)
	}
}

func TestWhatDoesNotPackIsTriedEverMoreSeldom(t *testing.T) {
	data := random(t, 64<<10, 1)
	p := newPacker()
	tried := 0
	for range 1000 {
		before := p.skip
		if p.pack(data, slow) != nil {
			t.Fatal("noise is packed")
		}
		if p.skip > before {
			tried++
		}
	}
	if tried > 1000/maxPenalty+10 {
		t.Errorf("it was tried %d times of 1000", tried)
	}
	text := make([]byte, 64<<10)
	for range maxPenalty {
		if p.pack(text, slow) != nil {
			return
		}
	}
	if p.pack(text, slow) == nil {
		t.Error("it gave up for good")
	}
}

func TestWhatAHostileSourcePackedIsBounded(t *testing.T) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = encoder.Close() }()
	large := encoder.EncodeAll(make([]byte, 64<<20), nil)
	for name, packed := range map[string][]byte{
		"a bomb":     large,
		"too little": encoder.EncodeAll(make([]byte, minBlock-1), nil),
		"too much":   encoder.EncodeAll(make([]byte, minBlock+1), nil),
		"nothing":    {},
		"noise":      random(t, 100, 1),
		"cut short":  large[:len(large)/2],
	} {
		t.Run(name, func(t *testing.T) {
			room := make([]byte, 2*minBlock)
			if err := newUnpacker().unpack(room[:minBlock], packed); !errors.Is(err, ErrProtocol) {
				t.Errorf("error is %v, want ErrProtocol", err)
			}
			if !bytes.Equal(room[minBlock:], make([]byte, minBlock)) {
				t.Error("it wrote beyond its room")
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	p := newPacker()
	f.Add(p.pack(make([]byte, minBlock), slow))
	f.Add([]byte{})
	u := newUnpacker()
	f.Fuzz(func(t *testing.T, packed []byte) {
		room := make([]byte, 2*minBlock)
		_ = u.unpack(room[:minBlock], packed)
		if !bytes.Equal(room[minBlock:], make([]byte, minBlock)) {
			t.Error("it wrote beyond its room")
		}
	})
}
