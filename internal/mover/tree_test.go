package mover_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// manyFiles is more than one part copies alone.
const manyFiles = 3000

// hardTree fills a folder with what breaks naive copiers. Some of it needs root.
func hardTree(t *testing.T, root string) {
	t.Helper()
	for i := range manyFiles {
		write(t, filepath.Join(root, "many", fmt.Sprint(i%7), fmt.Sprint(i%101), fmt.Sprint(i)), strings.Repeat("x", i%50))
	}
	for i := range 700 {
		write(t, filepath.Join(root, "flat", fmt.Sprint(i)), "")
	}
	for _, name := range []string{"new\nline", "invalid\xff\xfeutf8", strings.Repeat("n", 255), " blanks ", "-rf", "*", `back\slash`, "\\#012", "ünïcödé"} {
		write(t, filepath.Join(root, "names", name), name)
		must(t, os.Mkdir(filepath.Join(root, "names", "d"+name[:min(len(name), 250)]), 0o700))
	}
	write(t, filepath.Join(root, strings.Repeat("deep/", 300), "file"), "deep")
	for i, target := range []string{"/etc/passwd", "nowhere/at/all", "..", "../../../outside", "many"} {
		must(t, os.Symlink(target, filepath.Join(root, fmt.Sprint("link", i))))
		must(t, lutimes(filepath.Join(root, fmt.Sprint("link", i)), unix.Timespec{Sec: int64(1000 + i), Nsec: 7}))
	}
	linkFarm(t, root)
	sparse(t, filepath.Join(root, "sparse"), 64<<20)
	write(t, filepath.Join(root, "large"), strings.Repeat("0123456789abcdef", 20<<20/16))
	write(t, filepath.Join(root, "large-read-only"), strings.Repeat("fedcba9876543210", 17<<20/16))
	must(t, os.Chmod(filepath.Join(root, "large-read-only"), 0o444))
	must(t, unix.Mkfifo(filepath.Join(root, "fifo"), 0o640))
	must(t, unix.Mknod(filepath.Join(root, "socket"), unix.S_IFSOCK|0o600, 0))
	oddAttributes(t, root)
	write(t, filepath.Join(root, "lost+found/kept-out"), "of the file system")
	write(t, filepath.Join(root, "many/lost+found/kept"), "of the user")
	if os.Geteuid() == 0 {
		privileged(t, root)
	}
	// Folders of their own times, the inner ones first.
	for i, path := range []string{"flat", "names", "farm/0", "farm", "many/3", "many"} {
		must(t, lutimes(filepath.Join(root, path), unix.Timespec{Sec: int64(2e9 + float64(i)), Nsec: 123456789}))
	}
}

func linkFarm(t *testing.T, root string) {
	t.Helper()
	for i := range 40 {
		original := filepath.Join(root, "farm", fmt.Sprint(i%8), fmt.Sprint("file", i))
		write(t, original, fmt.Sprint("content", i))
		must(t, lutimes(original, unix.Timespec{Sec: 1e9, Nsec: int64(i)})) // Others of its size differ in nothing but this.
		for j := range 3 {
			other := filepath.Join(root, "many", fmt.Sprint(j), "farm", fmt.Sprint(i))
			must(t, os.MkdirAll(filepath.Dir(other), 0o755))
			must(t, os.Link(original, other))
		}
	}
	big := filepath.Join(root, "farm", "big")
	write(t, big, strings.Repeat("linked", 3<<20))
	must(t, os.Link(big, filepath.Join(root, "flat", "big")))
	must(t, os.Symlink("target", filepath.Join(root, "farm", "symlink")))
	must(t, os.Link(filepath.Join(root, "farm", "symlink"), filepath.Join(root, "flat", "symlink")))
}

func sparse(t *testing.T, path string, size int64) {
	t.Helper()
	file, err := os.Create(path)
	must(t, err)
	must(t, file.Truncate(size))
	_, err = file.WriteAt([]byte("x"), size/2)
	must(t, err)
	must(t, file.Close())
}

func oddAttributes(t *testing.T, root string) {
	t.Helper()
	path := filepath.Join(root, "attributes")
	write(t, path, "a")
	must(t, unix.Setxattr(path, "user.name", []byte("value\x00with zero"), 0))
	must(t, unix.Setxattr(path, "system.posix_acl_access", acl(), 0))
	must(t, os.Mkdir(filepath.Join(root, "acl"), 0o750))
	must(t, unix.Setxattr(filepath.Join(root, "acl"), "system.posix_acl_default", acl(), 0))
	for i, mode := range []os.FileMode{0, 0o400, 0o777, 0o751 | os.ModeSetuid, 0o755 | os.ModeSetgid, 0o644 | os.ModeSticky} {
		path := filepath.Join(root, fmt.Sprint("mode", i))
		write(t, path, "")
		must(t, os.Chmod(path, mode))
	}
	for i, seconds := range []int64{-1_000_000_000, 0, 4_000_000_000} {
		path := filepath.Join(root, fmt.Sprint("time", i))
		write(t, path, "t")
		must(t, lutimes(path, unix.Timespec{Sec: seconds, Nsec: 999_999_999}))
	}
}

func privileged(t *testing.T, root string) {
	t.Helper()
	must(t, unix.Mknod(filepath.Join(root, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	must(t, unix.Mknod(filepath.Join(root, "loop"), unix.S_IFBLK|0o660, int(unix.Mkdev(7, 200))))
	owned := filepath.Join(root, "owned")
	write(t, owned, "o")
	must(t, os.Chown(owned, 12345, 54321))
	must(t, os.Lchown(filepath.Join(root, "link0"), 12345, 54321))
	must(t, unix.Setxattr(owned, "trusted.name", []byte("v"), 0))
	capability := []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	must(t, unix.Setxattr(owned, "security.capability", capability, 0))
}

// acl is user::rw-, user:1234:r--, group::r--, mask::r--, other::--- as the kernel keeps it.
func acl() []byte {
	out := binary.LittleEndian.AppendUint32(nil, 2)
	for _, entry := range [][3]uint32{{1, 6, 1<<32 - 1}, {2, 4, 1234}, {4, 4, 1<<32 - 1}, {16, 4, 1<<32 - 1}, {32, 0, 1<<32 - 1}} {
		out = binary.LittleEndian.AppendUint16(out, uint16(entry[0]))
		out = binary.LittleEndian.AppendUint16(out, uint16(entry[1]))
		out = binary.LittleEndian.AppendUint32(out, entry[2])
	}
	return out
}

func lutimes(path string, at unix.Timespec) error {
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
}
