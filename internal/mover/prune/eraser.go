package prune

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/godwit-io/godwit/internal/mover/tree"
)

// eraser deletes in one folder, whose times and mode are afterwards as they were before.
type eraser struct {
	run *run
	dir *os.File
	// before is what the folder was like; nil until something is deleted.
	before *unix.Stat_t
	// opened means that the mode was changed so that this mover may delete.
	opened bool
}

// erase deletes an entry, with all in it.
func (e *eraser) erase(name string, isFolder bool) {
	if e.before == nil {
		stat, err := tree.Stat(e.dir, ".")
		if err != nil {
			e.run.failed(e.dir.Name(), err)
			return
		}
		e.before = &stat
	}
	if err := e.remove(name, isFolder); err != nil {
		e.run.failed(tree.Join(e.dir.Name(), name), err)
	}
}

func (e *eraser) remove(name string, isFolder bool) error {
	flags := 0
	if isFolder {
		flags = unix.AT_REMOVEDIR
		if err := e.empty(name); err != nil {
			return err
		}
	}
	err := unix.Unlinkat(int(e.dir.Fd()), name, flags)
	if errors.Is(err, unix.EACCES) && !e.opened && e.open() == nil {
		err = unix.Unlinkat(int(e.dir.Fd()), name, flags)
	}
	if err != nil {
		return &os.PathError{Op: "delete", Path: tree.Join(e.dir.Name(), name), Err: err}
	}
	e.run.deleted()
	return nil
}

// open lets the owner of a folder delete in it.
func (e *eraser) open() error {
	e.opened = true
	return unix.Fchmod(int(e.dir.Fd()), e.before.Mode&0o7777|0o700)
}

// restore is best effort: what was deleted is deleted, and the times of folders are set once more at the end of a copy.
func (e *eraser) restore() {
	if e.before == nil {
		return
	}
	if e.opened {
		_ = unix.Fchmod(int(e.dir.Fd()), e.before.Mode&0o7777)
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, e.before.Mtim}
	_ = unix.UtimesNanoAt(int(e.dir.Fd()), ".", times, 0)
}

// empty deletes all in a folder of this one.
func (e *eraser) empty(name string) error {
	path := tree.Join(e.dir.Name(), name)
	dir, err := e.run.Root.Folder(path)
	if errors.Is(err, fs.ErrPermission) && unix.Fchmodat(int(e.dir.Fd()), name, 0o700, 0) == nil {
		dir, err = e.run.Root.Folder(path)
	}
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // What was done in it was checked.
	stat, err := tree.Stat(dir, ".")
	if err != nil {
		return err
	}
	inner := &eraser{run: e.run, dir: dir, before: &stat}
	for e.run.ctx.Err() == nil {
		entries, err := dir.ReadDir(maxAsked)
		if len(entries) == 0 {
			return ignoreEnd(err)
		}
		for _, entry := range entries {
			if err := inner.remove(entry.Name(), entry.IsDir()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		// From the beginning: not every file system goes on well in a folder that lost what was before.
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	return e.run.ctx.Err()
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
