package verify

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

const (
	// readSize is how much of a file is read at once, in bytes.
	readSize = 256 << 10
	// maxAttribute is the kernel's bound of an extended attribute, and of the list of their names, in bytes.
	maxAttribute = 64 << 10
)

// look makes the record of an entry, all but first.
func (f *found) look(ctx context.Context, options Options, buffer []byte) {
	err := f.read(ctx, options, buffer)
	if err != nil {
		f.failure = err.Error()
	}
}

func (f *found) read(ctx context.Context, options Options, buffer []byte) (err error) {
	if f.stat, err = tree.Stat(f.dir.File, f.name); err != nil {
		return err
	}
	f.mode, f.user, f.group = f.stat.Mode, f.stat.Uid, f.stat.Gid
	f.modified = [2]int64{f.stat.Mtim.Sec, f.stat.Mtim.Nsec}
	if options.Unprivileged {
		f.user, f.group = 0, 0
	}
	switch f.mode & unix.S_IFMT {
	case unix.S_IFREG:
		f.size = f.stat.Size
		if f.content, err = hashFile(ctx, f.dir.File, f.name, buffer); err != nil {
			return err
		}
	case unix.S_IFLNK:
		if f.target, err = readLink(f.dir.File, f.name); err != nil {
			return err
		}
	case unix.S_IFCHR, unix.S_IFBLK:
		f.device = f.stat.Rdev
	}
	f.attributes, err = hashAttributes(f.dir.File, f.name, options.Unprivileged)
	return err
}

func hashFile(ctx context.Context, dir *os.File, name string, buffer []byte) (sum digest, err error) {
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return sum, &os.PathError{Op: "open", Path: tree.Join(dir.Name(), name), Err: err}
	}
	file := os.NewFile(uintptr(fd), tree.Join(dir.Name(), name))
	defer file.Close() //nolint:errcheck // It was read.
	hasher := blake3.New()
	for ctx.Err() == nil {
		n, err := file.Read(buffer)
		_, _ = hasher.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			hasher.Sum(sum[:0])
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, ctx.Err()
}

func readLink(dir *os.File, name string) (string, error) {
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(dir.Fd()), name, buffer)
	if err != nil {
		return "", &os.PathError{Op: "readlink", Path: tree.Join(dir.Name(), name), Err: err}
	}
	return string(buffer[:n]), nil
}

// hashAttributes makes a digest of names and values in the order of names. The digest of none is zero.
func hashAttributes(dir *os.File, name string, unprivileged bool) (sum digest, err error) {
	path := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), name)
	buffer := make([]byte, maxAttribute)
	n, err := unix.Llistxattr(path, buffer)
	if errors.Is(err, unix.EOPNOTSUPP) || (err == nil && n == 0) {
		return sum, nil
	}
	if err != nil {
		return sum, &os.PathError{Op: "listxattr", Path: tree.Join(dir.Name(), name), Err: err}
	}
	names := strings.Split(strings.TrimRight(string(buffer[:n]), "\x00"), "\x00")
	slices.Sort(names)
	hasher, none := blake3.New(), true
	for _, attribute := range names {
		if !carried(attribute, unprivileged) {
			continue
		}
		n, err := unix.Lgetxattr(path, attribute, buffer)
		if err != nil {
			return sum, &os.PathError{Op: "getxattr " + attribute, Path: tree.Join(dir.Name(), name), Err: err}
		}
		_, _ = hasher.Write(binary.AppendUvarint([]byte(attribute+"\x00"), uint64(n)))
		_, _ = hasher.Write(buffer[:n])
		none = false
	}
	if !none {
		hasher.Sum(sum[:0])
	}
	return sum, nil
}

// carried tells which extended attributes a copy has. Labels of SELinux are the node's own affair.
func carried(name string, unprivileged bool) bool {
	switch {
	case name == "security.selinux":
		return false
	case strings.HasPrefix(name, "system."):
		return strings.HasPrefix(name, "system.posix_acl_")
	}
	return !unprivileged || strings.HasPrefix(name, "user.")
}
