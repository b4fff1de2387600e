package block

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Source is what is copied: Size bytes, each of which is read once.
type Source struct {
	io.ReaderAt
	// Size is in bytes. To find fewer when reading is an error, more are not looked for.
	Size int64
}

// OpenSource returns the contents of a block device or regular file that is open for reading. Its holes are found without reading.
func OpenSource(file *os.File) (Source, error) {
	size, err := sizeOf(file)
	return Source{ReaderAt: file, Size: size}, err
}

// hole tells whether there are only zeros, known without reading.
func (s Source) hole(offset int64, length int) bool {
	file, ok := s.ReaderAt.(*os.File)
	return ok && hole(file, offset, length)
}

func sizeOf(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if kind := info.Mode().Type(); kind != 0 && kind&(os.ModeDevice|os.ModeCharDevice) != os.ModeDevice {
		return 0, fmt.Errorf("%s is neither a block device nor a regular file", file.Name())
	}
	return file.Seek(0, io.SeekEnd) // Stat gives no size of a device.
}

// hole asks the file system. Devices and some file systems cannot tell: then there is none.
func hole(file *os.File, offset int64, length int) bool {
	data, err := unix.Seek(int(file.Fd()), offset, unix.SEEK_DATA)
	return errors.Is(err, unix.ENXIO) || err == nil && data >= offset+int64(length)
}

// device is what is written.
type device interface {
	io.ReaderAt
	io.WriterAt
	// zero makes a range read as zeros.
	zero(offset int64, length int) error
	// Sync brings to the device what was written.
	Sync() error
	// forget has the next read of a range come from the device; length 0 means to the end.
	forget(offset int64, length int)
	hole(offset int64, length int) bool
}

// fileDevice is a block device or a regular file.
type fileDevice struct {
	*os.File
	filled atomic.Bool // zeros have to be written
}

func (d *fileDevice) hole(offset int64, length int) bool { return hole(d.File, offset, length) }

// zero releases the range, which works alike on files (a hole) and on devices that can (write zeroes with unmap). Whatever is
// against it, writing zeros remains.
func (d *fileDevice) zero(offset int64, length int) error {
	if !d.filled.Load() {
		err := unix.Fallocate(int(d.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, offset, int64(length))
		if err == nil {
			return nil
		}
		d.filled.Store(errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS))
	}
	for length > 0 {
		n, err := d.WriteAt(zeros[:min(length, len(zeros))], offset)
		if err != nil {
			return err
		}
		offset, length = offset+int64(n), length-n
	}
	return nil
}

// forget drops clean pages from the cache. Where that fails, what is read is still what the system has for the device.
func (d *fileDevice) forget(offset int64, length int) {
	_ = unix.Fadvise(int(d.Fd()), offset, int64(length), unix.FADV_DONTNEED)
}
