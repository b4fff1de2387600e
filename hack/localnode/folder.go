package localnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/godwit-io/godwit/hack/localcluster"
	"github.com/godwit-io/godwit/hack/localnode/loop"
)

// lockName is the file that a living process has locked in its folder; the kernel unlocks it when the process ends.
const lockName = "lock"

// folder is where everything is that clusters with nodes write to a disk.
type folder struct {
	path string
	lock *os.File
}

// newFolder makes a folder, and removes those that processes left which are dead.
func newFolder() (*folder, error) {
	cache, err := localcluster.CacheDir()
	if err != nil {
		return nil, err
	}
	base := filepath.Join(cache, "nodes")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, err
	}
	all, err := lockIn(base, syscall.LOCK_EX) // So that nobody takes a folder for a dead one's that is only about to be locked.
	if err != nil {
		return nil, err
	}
	defer all.Close() //nolint:errcheck // Nothing was written.
	if err := removeDead(base); err != nil {
		return nil, fmt.Errorf("removing what an earlier process left: %w", err)
	}
	f := &folder{}
	if f.path, err = os.MkdirTemp(base, "nodes-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(f.path, 0o755); err != nil { // Containers of any user reach volumes below it.
		return nil, err
	}
	f.lock, err = lockIn(f.path, syscall.LOCK_EX)
	return f, err
}

// remove removes the folder and the cgroups, when all processes are gone.
func (f *folder) remove() error {
	return errors.Join(removeLeft(f.path), f.lock.Close())
}

// cgroup is the name, from the root of each hierarchy, of the cgroup for the pods of a cluster.
func (f *folder) cgroup(cluster string) string {
	return filepath.Base(f.path) + "-" + cluster
}

func lockIn(dir string, how int) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), how)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", file.Name(), err), file.Close())
		}
	}
}

// removeDead removes what is left of the folders in base that no living process has locked.
func removeDead(base string) error {
	folders, err := filepath.Glob(filepath.Join(base, "nodes-*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range folders {
		lock, err := lockIn(dir, syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err == nil {
			err = errors.Join(removeLeft(dir), lock.Close())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func removeLeft(dir string) error {
	if err := removeCgroups(filepath.Base(dir)); err != nil {
		return err
	}
	// Of volumes that are block devices: the kernel does not remove them with who made them.
	if err := loop.DetachBelow(context.Background(), dir); err != nil {
		return err
	}
	// What is mounted there would be emptied. Nothing should be: machines have their own mounts.
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	if len(mounts) > 0 {
		return fmt.Errorf("%s cannot be removed: unmount %s", dir, strings.Join(mounts, ", "))
	}
	return os.RemoveAll(dir)
}

func mountsBelow(dir string) ([]string, error) {
	content, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			found = append(found, fields[1])
		}
	}
	return found, nil
}
