package block

import (
	"context"
	"slices"
)

// answer hashes chunks in the order in which they are wanted, ahead of what comes for them.
func (r *receiver) answer(ctx context.Context) error {
	hasher := newHasher(r.layout, r.key)
	data := make([]byte, chunkSize)
	for c := range r.wants {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.hash(hasher, c, data[:c.length]); err != nil {
			return err
		}
		frame := sumsFrame(c.sums) // before the chunk is given away
		r.answered <- c
		if err := r.write(frame); err != nil {
			return err
		}
		if len(r.wants) > 0 {
			continue
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (r *receiver) hash(hasher *hasher, c *incoming, data []byte) error {
	if r.device.hole(c.offset, c.length) {
		return nil
	}
	if n, err := r.device.ReadAt(data, c.offset); n < len(data) {
		return &DeviceError{Side: AtDestination, Op: "read", Offset: c.offset + int64(n), Err: err}
	}
	hasher.chunk(c.sums, data)
	return nil
}

// verify brings batches to the device and compares what it then holds with the digests of the source.
func (r *receiver) verify(ctx context.Context) error {
	hasher := newHasher(r.layout, r.key)
	data := make([]byte, chunkSize)
	for batch := range r.batches {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.sync(batch); err != nil {
			return err
		}
		for _, c := range batch {
			if err := r.readBack(hasher, c, data[:c.length]); err != nil {
				return err
			}
			if hasher.digest(c.number, c.sums) != c.digest {
				return &DeviceError{Side: AtDestination, Op: "verify", Offset: c.offset, Err: ErrVerify}
			}
			r.verified.Add(1)
		}
	}
	return nil
}

// sync needs not be done where nothing was written: what was there before is on the device since the transfer began.
func (r *receiver) sync(batch []*incoming) error {
	if !slices.ContainsFunc(batch, func(c *incoming) bool { return c.bytes > 0 }) {
		return nil
	}
	if err := r.device.Sync(); err != nil {
		return &DeviceError{Side: AtDestination, Op: "sync", Err: err}
	}
	return nil
}

// readBack replaces the sums of blocks that were written by those of what the device has now.
func (r *receiver) readBack(hasher *hasher, c *incoming, data []byte) error {
	if c.bytes == 0 {
		return nil
	}
	r.device.forget(c.offset, c.length)
	for first := 0; first < len(c.sums); first++ {
		end := first
		for end < len(c.sums) && c.written[end] {
			end++
		}
		if end == first {
			continue
		}
		from, to := r.within(first, end, c.length)
		if n, err := r.device.ReadAt(data[from:to], c.offset+int64(from)); n < to-from {
			return &DeviceError{Side: AtDestination, Op: "read", Offset: c.offset + int64(from+n), Err: err}
		}
		hasher.chunk(c.sums[first:end], data[from:to])
		first = end
	}
	return nil
}
