package rsync

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// ErrUnusable is in the chain of errors that say that there is no rsync that can be used.
var ErrUnusable = errors.New("no usable rsync")

// Binary is an rsync that was looked at.
type Binary struct {
	// Path is absolute and no symbolic link.
	Path string
	// Version is what it says of itself, such as 3.2.7.
	Version string
}

// Find looks up rsync in PATH and checks that it is at least 3.2.7, with what faithful copies need.
func Find(ctx context.Context) (Binary, error) {
	path, err := exec.LookPath("rsync")
	if err != nil {
		return Binary{}, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return Binary{}, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	told, err := exec.CommandContext(ctx, path, "--version").Output() //nolint:gosec // It is the rsync of the image.
	if ctx.Err() != nil {
		return Binary{}, context.Cause(ctx) // That it was told to end says nothing of rsync.
	}
	if err != nil {
		return Binary{}, fmt.Errorf("%w: asking %s for its version: %w", ErrUnusable, path, err)
	}
	version, err := check(string(told))
	if err != nil {
		return Binary{}, fmt.Errorf("%w: %s: %w", ErrUnusable, path, err)
	}
	return Binary{Path: path, Version: version}, nil
}

var versionLine = regexp.MustCompile(`^rsync +version v?(\d+)\.(\d+)\.(\d+)`)

// check reads the output of --version.
func check(told string) (version string, err error) {
	found := versionLine.FindStringSubmatch(told)
	if found == nil {
		return "", errors.New("it does not tell its version as rsync does")
	}
	number := 0
	for _, part := range found[1:] {
		n, err := strconv.Atoi(part)
		if err != nil {
			return "", err
		}
		number = number*1000 + n
	}
	version = strings.Join(found[1:], ".")
	if number < 3_002_007 {
		return "", fmt.Errorf("it is version %s, and 3.2.7 or later is needed", version)
	}
	for _, needed := range []string{" ACLs", " xattrs", " hardlinks", " inplace", "xxh128"} {
		if !strings.Contains(told, needed) || strings.Contains(told, "no"+needed) {
			return "", fmt.Errorf("it was built without%s", " "+strings.TrimSpace(needed))
		}
	}
	return version, nil
}
