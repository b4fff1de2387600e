package programs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// aptConfig has apt-get keep all that it writes in a folder of its own. What the system has installed is read, so that only what is
// missing is downloaded.
const aptConfig = `Dir::State "%[1]s/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "%[1]s/cache";
Dir::Etc::Parts "/dev/null";
Debug::NoLocking "1";
APT::Sandbox::User "";
Acquire::Retries "3";
`

// wrapper runs the program with the libraries that came with it, wherever the folder of both is.
const wrapper = `#!/bin/sh
root=${0%%/*}/root
LD_LIBRARY_PATH=$(echo "$root"/lib/*-linux-gnu | tr ' ' :):$(echo "$root"/usr/lib/*-linux-gnu | tr ' ' :) exec "$root/%[1]s" "$@"
`

// unpack fills folder with the program, called name, and a root with its package and what that needs. It appears by rename, so that
// what is there is complete.
func unpack(ctx context.Context, name string, wanted program, folder string) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	workspace, err := os.MkdirTemp(filepath.Dir(folder), name+".")
	if err != nil {
		return err
	}
	defer os.RemoveAll(workspace) //nolint:errcheck // It is empty but after failures.
	if err := download(ctx, workspace, wanted.pkg); err != nil {
		return err
	}
	packages, err := filepath.Glob(filepath.Join(workspace, "apt/cache/archives/*.deb"))
	if err != nil || len(packages) == 0 {
		return errors.Join(err, errors.New("apt-get downloaded nothing"))
	}
	made := filepath.Join(workspace, "made")
	if err := os.Mkdir(made, 0o755); err != nil {
		return err
	}
	for _, archive := range packages {
		if err := quietly(exec.CommandContext(ctx, "dpkg-deb", "-x", archive, filepath.Join(made, "root"))); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(made, name), fmt.Appendf(nil, wrapper, wanted.path), 0o755); err != nil {
		return err
	}
	return replace(made, folder)
}

// replace renames a folder to another, which may be there: an older one, or that of a process that was faster.
func replace(from, to string) error {
	old := from + ".old"
	if err := os.Rename(to, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(from, to)
}

// download gets the package, and those that it needs and the system lacks.
func download(ctx context.Context, workspace, pkg string) error {
	apt := filepath.Join(workspace, "apt")
	for _, folder := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(apt, folder), 0o755); err != nil {
			return err
		}
	}
	config := filepath.Join(workspace, "apt.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, aptConfig, apt), 0o644); err != nil {
		return err
	}
	for _, arguments := range [][]string{
		{"update"},
		{"install", "--yes", "--reinstall", "--no-install-recommends", "--download-only", pkg},
	} {
		cmd := exec.CommandContext(ctx, "apt-get", arguments...)
		cmd.Env = append(os.Environ(), "APT_CONFIG="+config, "LC_ALL=C")
		if err := quietly(cmd); err != nil {
			return err
		}
	}
	return nil
}

// quietly runs a command, whose output is part of the error only.
func quietly(cmd *exec.Cmd) error {
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd.Args[0], err, output)
	}
	return nil
}
