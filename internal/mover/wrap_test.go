package mover_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// rsyncFolder returns a folder in which everybody may run rsync, and what lies beside it.
func rsyncFolder(t *testing.T) string {
	t.Helper()
	real, err := exec.LookPath("rsync")
	must(t, err)
	folder := filepath.Join(openTempDir(t), "program")
	if strings.HasPrefix(real, "/usr/") {
		must(t, os.Mkdir(folder, 0o755))
		must(t, os.Symlink(real, filepath.Join(folder, "rsync")))
		return folder
	}
	must(t, os.CopyFS(folder, os.DirFS(filepath.Dir(real))))
	return folder
}

// openTempDir returns a folder for a test that every user may go into.
func openTempDir(t *testing.T) string {
	t.Helper()
	folder, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	must(t, os.Chmod(filepath.Dir(folder), 0o755))
	return folder
}

// beforeClient has a test do something, once: after rsync's client got all names that it is to copy, and before it looks at any. The
// script that waits for it is as confined as rsync is.
func beforeClient(t *testing.T, do func()) {
	t.Helper()
	folder := rsyncFolder(t)
	fifo := filepath.Join(folder, "fifo")
	must(t, unix.Mkfifo(fifo, 0o600))
	must(t, os.Rename(filepath.Join(folder, "rsync"), filepath.Join(folder, "real")))
	script := fmt.Sprintf(`#!/bin/sh
here=%s
case "$*" in *--rsh=*)
	names=$(tr '\000' '\n')
	read done < "$here/fifo"
	printf '%%s\n' "$names" | tr '\n' '\000' | "$here/real" "$@"
	exit;;
esac
exec "$here/real" "$@"
`, folder)
	must(t, os.WriteFile(filepath.Join(folder, "rsync"), []byte(script), 0o755))
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	over := make(chan struct{})
	t.Cleanup(func() { <-over })
	go func() {
		defer close(over)
		file, err := os.OpenFile(fifo, os.O_WRONLY, 0) // Waits for the script.
		if err != nil {
			t.Error(err)
			return
		}
		do()
		_ = file.Close()
	}()
}
