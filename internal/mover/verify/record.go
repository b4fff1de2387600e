package verify

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

// record is what is compared of an entry.
type record struct {
	path string
	// mode is type and permissions.
	mode uint32
	// owned has user and group.
	user, group uint32
	// size is that of a regular file, and device that of a device.
	size   int64
	device uint64
	// modified is the time of the last change of the content.
	modified [2]int64
	// target is where a symbolic link points to.
	target string
	// first is a hash of the first path that has the same inode: its own, but for further names of a file.
	first uint64
	// attributes and content are digests; that of the content of what is no regular file is zero.
	attributes, content digest
	// failure says why something of it could not be read; what is above is not complete then.
	failure string
}

type digest [32]byte

// errBroken says that the other end does not keep to the protocol.
var errBroken = errors.New("the other mover does not keep to the protocol")

// maxRecord bounds an encoded record, in bytes.
const maxRecord = 256 << 10

// encode appends all but the path's order.
func (r *record) encode(to []byte) []byte {
	to = appendText(to, r.path)
	for _, n := range []uint64{
		uint64(r.mode), uint64(r.user), uint64(r.group), uint64(r.size), r.device,
		uint64(r.modified[0]), uint64(r.modified[1]), r.first,
	} {
		to = binary.AppendUvarint(to, n)
	}
	to = appendText(to, r.target)
	to = append(append(to, r.attributes[:]...), r.content[:]...)
	return appendText(to, r.failure)
}

func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// readFrame reads an encoded record, or nothing where there are no more.
func readFrame(r *bufio.Reader, buffer []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil || n == 0 {
		return nil, err
	}
	if n > maxRecord {
		return nil, fmt.Errorf("%w: it sends %d bytes about one entry", errBroken, n)
	}
	if uint64(cap(buffer)) < n {
		buffer = make([]byte, n)
	}
	_, err = io.ReadFull(r, buffer[:n])
	return buffer[:n], err
}

// decode undoes encode.
func decode(data []byte) (*record, error) {
	d := &decoder{data: data}
	r := &record{path: d.text()}
	r.mode, r.user, r.group = uint32(d.number()), uint32(d.number()), uint32(d.number())
	r.size, r.device = int64(d.number()), d.number()
	r.modified = [2]int64{int64(d.number()), int64(d.number())}
	r.first = d.number()
	r.target = d.text()
	copy(r.attributes[:], d.bytes(uint64(len(r.attributes))))
	copy(r.content[:], d.bytes(uint64(len(r.content))))
	r.failure = d.text()
	if d.short || len(d.data) > 0 {
		return nil, fmt.Errorf("%w: what it says about an entry is cut off", errBroken)
	}
	return r, nil
}

// decoder reads parts of a record. After the first that is missing it returns zeros.
type decoder struct {
	data  []byte
	short bool
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.data)
	if size <= 0 {
		d.short, d.data = true, nil
		return 0
	}
	d.data = d.data[size:]
	return n
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.data)) {
		d.short, d.data = true, nil
		return nil
	}
	part := d.data[:n]
	d.data = d.data[n:]
	return part
}

func (d *decoder) text() string { return string(d.bytes(d.number())) }

// differences names what is not equal, for people. It is empty where all is.
func (r *record) differences(other *record) string {
	if r.mode&unix.S_IFMT != other.mode&unix.S_IFMT {
		return "type"
	}
	var found []string
	for _, one := range []struct {
		name   string
		differ bool
	}{
		{"content", r.content != other.content},
		{"size", r.size != other.size},
		{"target", r.target != other.target},
		{"mode", r.mode != other.mode},
		{"owner", r.user != other.user},
		{"group", r.group != other.group},
		{"time", r.modified != other.modified},
		{"device", r.device != other.device},
		{"extended attributes", r.attributes != other.attributes},
		{"hard links", r.first != other.first},
	} {
		if one.differ {
			found = append(found, one.name)
		}
	}
	return strings.Join(found, ", ")
}
