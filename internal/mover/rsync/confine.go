package rsync

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights of Landlock, by what they are needed for.
const (
	readRights  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	runRights   = readRights | unix.LANDLOCK_ACCESS_FS_EXECUTE
	fileRights  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	writeRights = readRights | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	allRights = writeRights | runRights
	netRights = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
)

// Versions of Landlock in the kernel. The first cannot let hard links be made between folders, so that it is of no use here.
const (
	landlockRefer    = 2
	landlockTruncate = 3
	landlockNetwork  = 4
)

// system is where the program and its libraries are.
var system = []string{"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"}

// confinement is what a child may reach of the file system. It has no network.
type confinement struct {
	volume string
	// write is false where the volume is only read.
	write bool
	// programs are files or folders that it may run, beside those of the system.
	programs []string
}

// ErrNotConfined says that the kernel offers no means to confine a process to folders. The pod is the only wall then.
var ErrNotConfined = errors.New("this kernel does not confine processes to folders (Landlock)")

// Confinable returns nil, or ErrNotConfined.
func Confinable() error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || version < landlockRefer {
		return ErrNotConfined
	}
	return nil
}

// apply confines the calling thread, and what it starts, for ever. Where the kernel cannot, it does nothing.
func (c confinement) apply() error {
	if Confinable() != nil {
		return nil
	}
	version, _, _ := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	handled := uint64(allRights)
	attributes := unix.LandlockRulesetAttr{}
	if version < landlockTruncate {
		handled &^= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	attributes.Access_fs = handled
	if version >= landlockNetwork {
		attributes.Access_net = netRights
	}
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0) //nolint:gosec // The kernel takes a pointer.
	if errno != 0 {
		return fmt.Errorf("confining rsync: %w", errno)
	}
	defer unix.Close(int(ruleset)) //nolint:errcheck // Nothing was written.
	if err := c.allow(int(ruleset), handled); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("confining rsync: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		return fmt.Errorf("confining rsync: %w", errno)
	}
	return nil
}

func (c confinement) allow(ruleset int, handled uint64) error {
	rights := uint64(readRights)
	if c.write {
		rights = writeRights
	}
	if err := allowBeneath(ruleset, c.volume, rights&handled); err != nil {
		return err
	}
	if err := allowBeneath(ruleset, os.DevNull, fileRights&handled); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, path := range append(c.programs, system...) {
		if err := allowBeneath(ruleset, path, runRights); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// allowBeneath gives rights to a folder and all in it, or to a file.
func allowBeneath(ruleset int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("confining rsync: %w", &os.PathError{Op: "open", Path: path, Err: err})
	}
	defer unix.Close(fd) //nolint:errcheck // Nothing was written.
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("confining rsync: %w", &os.PathError{Op: "stat", Path: path, Err: err})
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= fileRights | unix.LANDLOCK_ACCESS_FS_EXECUTE
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 { //nolint:gosec // The kernel takes a pointer.
		return fmt.Errorf("confining rsync to %s: %w", filepath.Clean(path), errno)
	}
	return nil
}
