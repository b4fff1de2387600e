// Package loop makes block devices of files, and removes them.
//
// It must know nothing of volumes and clusters.
package loop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Attach returns the block device of a file, which it makes if there is none.
func Attach(ctx context.Context, file string) (device string, err error) {
	if device, err = deviceOf(ctx, file); err != nil || device != "" {
		return device, err
	}
	return losetup(ctx, "--find", "--show", file)
}

// Detach removes the block device of a file; that there is none is no error. Where it is open it stays until the last one closes it.
func Detach(ctx context.Context, file string) error {
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	device, err := deviceOf(ctx, file)
	if err != nil || device == "" {
		return err
	}
	_, err = losetup(ctx, "--detach", device)
	return err
}

// DetachBelow removes the block devices of files below a folder, and those made of such devices: a kubelet makes one to keep the other.
func DetachBelow(ctx context.Context, folder string) error {
	devices, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range devices {
		backing, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(backing), folder+"/") {
			continue // A device that is gone meanwhile has no such file.
		}
		device := filepath.Join("/dev", filepath.Base(filepath.Dir(filepath.Dir(file))))
		errs = append(errs, Detach(ctx, device)) // First, because it has the other open.
		_, err = losetup(ctx, "--detach", device)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// deviceOf returns "" when a file has no device.
func deviceOf(ctx context.Context, file string) (string, error) {
	return losetup(ctx, "--noheadings", "--output=NAME", "--associated", file)
}

func losetup(ctx context.Context, args ...string) (string, error) {
	output, err := exec.CommandContext(ctx, "losetup", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("losetup %s: %w: %s", strings.Join(args, " "), err, output)
	}
	return strings.TrimSpace(string(output)), nil
}
