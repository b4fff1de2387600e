package localnode

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const cgroupRoot = "/sys/fs/cgroup"

// cgroupTimeout is how long the kernel may take to bury the processes of a cgroup.
const cgroupTimeout = 10 * time.Second

// hierarchies returns where cgroups are made: one folder of version 2, or one for each controller of version 1.
func hierarchies() ([]string, error) {
	if _, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers")); err == nil {
		return []string{cgroupRoot}, nil
	}
	procs, err := filepath.Glob(filepath.Join(cgroupRoot, "*", "cgroup.procs"))
	var found []string
	for _, file := range procs {
		found = append(found, filepath.Dir(file))
	}
	return found, err
}

// makeCgroup makes a cgroup of that name for a kubelet's pods.
func makeCgroup(name string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		return fmt.Errorf("no cgroups are mounted in %s", cgroupRoot)
	}
	for _, root := range roots {
		made := filepath.Join(root, name)
		if err := os.Mkdir(made, 0o755); err != nil {
			return err
		}
		// In version 1 a new cgroup has no CPUs and no memory to run on.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			content, err := os.ReadFile(filepath.Join(root, file))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err := errors.Join(err, os.WriteFile(filepath.Join(made, file), content, 0o644)); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeCgroups removes the cgroups whose names begin so, and those in them. Nothing must run there.
func removeCgroups(prefix string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		found, err := filepath.Glob(filepath.Join(root, prefix+"*"))
		if err != nil {
			return err
		}
		for _, cgroup := range found {
			if err := removeCgroup(cgroup); err != nil {
				return err
			}
		}
	}
	return nil
}

func removeCgroup(cgroup string) error {
	var last error
	err := wait.PollUntilContextTimeout(context.Background(), 10*time.Millisecond, cgroupTimeout, true, func(context.Context) (bool, error) {
		last = removeFolders(cgroup)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("removing cgroup %s: %w", cgroup, last)
	}
	return nil
}

// removeFolders removes a cgroup and those in it. What looks like files there cannot be removed, nor needs to be.
func removeFolders(cgroup string) error {
	var folders []string
	err := filepath.WalkDir(cgroup, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, folder := range slices.Backward(folders) {
		if err := syscall.Rmdir(folder); err != nil {
			return err
		}
	}
	return nil
}
