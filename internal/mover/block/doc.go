// Package block copies a block device, or one huge file, over given connections to another. Only blocks that differ cross the wire.
//
// It must know nothing of what the connections are (package link makes, authenticates and limits them), nor of Kubernetes, pods and
// volumes. Both ends are hostile to each other for all it knows: neither can make the other touch anything but the first bytes of its
// device, take memory without bound, or wait for ever.
//
// # Protocol
//
// Each stream is a connection that the source opens with a hello: version, size, block size, and a random key that names the transfer
// and keys the hashes. The first stream begins the transfer; the destination refuses there what does not fit, before anything is
// written. Further streams join it, and share chunks of 1 MiB among them as they get on:
//
//	source                                             destination
//	hello                                           →
//	                                                ←  ready: its size
//	want chunk; up to 16 are under way              →
//	                                                ←  sums: 128 bits a block, one bit where it is zeros
//	data, packed or zero: blocks that differ        →
//	done: digest over the sums of the source        →  sync and read back, 64 MiB or 256 chunks at a time
//	end                                             →
//	                                                ←  ack: how many chunks are verified and on the device
//
// Instead of any answer the destination may tell of a failure, as numbers: no words of the other end get into logs and statuses.
//
// The source reads each of its bytes once and takes sum and contents from the same read. The destination reads what it has from the
// device, not from what an attempt that was killed left in the cache, and so it reads back what was written. The digest thus covers
// every block of the range: those that were found equal and those that were written. A 128-bit sum is enough because its key is not
// known before the transfer.
//
// A broken connection loses nothing but what was under way: sending again finds equal what has arrived.
//
// Holes of files are not read, zeros are not sent. They are made by releasing the range, where the device can, or else written.
// Contents are packed (zstd, its fastest level) where that pays: the link is slower than packing, and they lose an eighth.
package block
