package tree

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Root is the folder at the root of a volume. Its methods may be called at the same time.
type Root struct {
	dir *os.File
}

// Open opens a volume.
func Open(path string) (*Root, error) {
	dir, err := os.OpenFile(path, unix.O_DIRECTORY, 0) //nolint:gosec // The volume is the operator's choice.
	if err != nil {
		return nil, err
	}
	return &Root{dir: dir}, nil
}

// Close must not be called before all else has ended.
func (r *Root) Close() error { return r.dir.Close() }

// Folder opens a folder by its path relative to the root; "." is the root itself. It goes through no symbolic link and not above the
// root: such a path is an error.
func (r *Root) Folder(path string) (*os.File, error) {
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("the path %q leads out of the volume", path)
	}
	fd, err := r.open(path, unix.O_DIRECTORY|unix.O_RDONLY)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Stat reads the attributes of an entry, not those of what a symbolic link points to.
func Stat(folder *os.File, name string) (stat unix.Stat_t, err error) {
	err = retry(func() error { return unix.Fstatat(int(folder.Fd()), name, &stat, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		err = &os.PathError{Op: "stat", Path: Join(folder.Name(), name), Err: err}
	}
	return stat, err
}

// open does it in one call where the kernel lets it, for each costs time on a slow file system.
func (r *Root) open(path string, flags uint64) (fd int, err error) {
	how := unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	err = retry(func() (err error) {
		fd, err = unix.Openat2(int(r.dir.Fd()), path, &how)
		return err
	})
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
		return fd, err
	}
	return r.openByName(path, int(flags))
}

// openByName opens folder after folder, where openat2 is missing or filtered.
func (r *Root) openByName(path string, flags int) (int, error) {
	at := int(r.dir.Fd())
	names := split(path)
	for i, name := range names {
		more := unix.O_DIRECTORY | unix.O_PATH
		if i == len(names)-1 {
			more = flags
		}
		fd, err := unix.Openat(at, name, more|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		if i > 0 {
			_ = unix.Close(at)
		}
		if err != nil {
			return -1, err
		}
		at = fd
	}
	return at, nil
}

// retry repeats what a signal interrupted, as os does: the runtime sends some.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return err
		}
	}
}
