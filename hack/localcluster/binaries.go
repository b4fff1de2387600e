package localcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Version is the Kubernetes release of every control plane that this package starts.
const Version = "v1.36.3"

// CacheDirEnv names the environment variable that moves the cache from its default place, the folder godwit in
// the user's cache directory.
const CacheDirEnv = "GODWIT_CACHE_DIR"

// lockPollInterval is how often a process that waits for another one's build looks whether it is over.
const lockPollInterval = 200 * time.Millisecond

// binary is a program and the Go package that it is built from.
type binary struct {
	name, pkg string
	// module that the package is in, with its version. Empty means that of Kubernetes.
	module string
}

// etcd comes from the module graph of Kubernetes, so it is the version which that release is made for.
var binaries = []binary{
	{name: Etcd, pkg: "go.etcd.io/etcd/server/v3"},
	{name: APIServer, pkg: "k8s.io/kubernetes/cmd/kube-apiserver"},
	{name: ControllerManager, pkg: "k8s.io/kubernetes/cmd/kube-controller-manager"},
	{name: "kubectl", pkg: "k8s.io/kubernetes/cmd/kubectl"},
}

// nodeBinaries are what a cluster with nodes needs besides.
var nodeBinaries = []binary{
	{name: "kubelet", pkg: "k8s.io/kubernetes/cmd/kubelet"},
	{name: "kube-scheduler", pkg: "k8s.io/kubernetes/cmd/kube-scheduler"},
	{name: "kube-proxy", pkg: "k8s.io/kubernetes/cmd/kube-proxy"},
}

// Binaries returns the folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl, and builds those
// that are missing from the Go module proxy: several minutes the first time, milliseconds afterwards. It may run in
// several processes at once, and continues where an interrupted build stopped. progress gets a few lines while it
// builds; nil discards them.
//
// Nothing is downloaded ready-made: the envtest archives lack kube-controller-manager, whose build compiles most of
// what the others need.
func Binaries(ctx context.Context, progress io.Writer) (string, error) {
	return binariesOf(ctx, binaries, progress)
}

// NodeBinaries returns, as Binaries does, a folder that holds kubelet, kube-scheduler and kube-proxy too. Clusters without nodes do
// not need them, so nobody waits for them who starts none.
func NodeBinaries(ctx context.Context, progress io.Writer) (string, error) {
	return binariesOf(ctx, slices.Concat(binaries, nodeBinaries), progress)
}

func binariesOf(ctx context.Context, wanted []binary, progress io.Writer) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "kubernetes", Version+"-"+runtime.GOOS+"-"+runtime.GOARCH)
	if err := ensure(ctx, dir, wanted, progress, buildFromSource); err != nil {
		return "", fmt.Errorf("getting Kubernetes %s ready in %s: %w", Version, dir, err)
	}
	return dir, nil
}

// CacheDir returns the folder for what is made once and used again. It may not exist yet.
func CacheDir() (string, error) {
	if dir := os.Getenv(CacheDirEnv); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a cache folder, set %s to choose one: %w", CacheDirEnv, err)
	}
	return filepath.Join(dir, "godwit"), nil
}

// buildFunc makes the todo in a folder that is its own, and hands each one to done as soon as it is finished.
type buildFunc func(ctx context.Context, folder string, todo []binary, progress io.Writer, done func(binary, string) error) error

// ensure fills dir with the binaries wanted. They appear by rename, so that what is there is complete and may be used
// without the lock.
func ensure(ctx context.Context, dir string, wanted []binary, progress io.Writer, build buildFunc) error {
	if len(missing(dir, wanted)) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(ctx, dir+".lock", progress)
	if err != nil {
		return err
	}
	defer unlock()

	todo := missing(dir, wanted) // Again, because another process may have built them while this one waited.
	if len(todo) == 0 {
		return nil
	}
	workspace := dir + ".build"
	// What an interrupted build left there is worthless: what it compiled is in Go's build cache.
	if err := errors.Join(os.RemoveAll(workspace), os.Mkdir(workspace, 0o755)); err != nil {
		return err
	}
	install := func(b binary, built string) error { return os.Rename(built, filepath.Join(dir, b.name)) }
	if err := build(ctx, workspace, todo, progress, install); err != nil {
		return err
	}
	return os.RemoveAll(workspace)
}

func missing(dir string, wanted []binary) []binary {
	var todo []binary
	for _, b := range wanted {
		if _, err := os.Stat(filepath.Join(dir, b.name)); err != nil {
			todo = append(todo, b)
		}
	}
	return todo
}

// lockFile takes the lock on path, which the kernel releases when its holder dies, and waits for it if need be.
func lockFile(ctx context.Context, path string, progress io.Writer) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	ticker := time.NewTicker(lockPollInterval)
	defer ticker.Stop()
	for told := false; ; told = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), file.Close())
		}
		if !told {
			report(progress, "waiting for another build of the same (lock %s)", path)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for the lock %s: %w", path, context.Cause(ctx)), file.Close())
		case <-ticker.C:
		}
	}
}

// reportMutex lets clusters that start in parallel share a progress writer.
var reportMutex sync.Mutex

// report writes a line of progress. Nobody can act on a failure to write it, so that is ignored.
func report(progress io.Writer, format string, args ...any) {
	if progress == nil {
		return
	}
	reportMutex.Lock()
	defer reportMutex.Unlock()
	_, _ = fmt.Fprintf(progress, format+"\n", args...)
}
