package localcluster

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeBuild makes files that hold the binary's name, in place of minutes of compiling.
type fakeBuild struct {
	mu     sync.Mutex
	built  []string
	failAt string // The binary whose build fails; empty for none.
}

func (f *fakeBuild) build(_ context.Context, folder string, todo []binary, _ io.Writer, done func(binary, string) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range todo {
		if b.name == f.failAt {
			return errors.New("out of luck")
		}
		file := filepath.Join(folder, b.name)
		if err := errors.Join(os.WriteFile(file, []byte(b.name), 0o755), done(b, file)); err != nil {
			return err
		}
		f.built = append(f.built, b.name)
	}
	return nil
}

func binaryNames() []string {
	var names []string
	for _, b := range binaries {
		names = append(names, b.name)
	}
	return names
}

func TestEnsureBuildsOnceForManyCallers(t *testing.T) {
	dir, fake := filepath.Join(t.TempDir(), "kubernetes", "v1"), &fakeBuild{}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := ensure(t.Context(), dir, binaries, nil, fake.build); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if !slices.Equal(fake.built, binaryNames()) {
		t.Errorf("built %v, want each of %v once", fake.built, binaryNames())
	}
	if _, err := os.Stat(dir + ".build"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the workspace is still there: %v", err)
	}
}

func TestEnsureContinuesAfterAnInterruptedBuild(t *testing.T) {
	dir, fake := filepath.Join(t.TempDir(), "v1"), &fakeBuild{failAt: ControllerManager}
	if err := ensure(t.Context(), dir, binaries, nil, fake.build); err == nil || !strings.Contains(err.Error(), "out of luck") {
		t.Fatalf("got error %v, want the build's", err)
	}
	fake.failAt, fake.built = "", nil
	if err := ensure(t.Context(), dir, binaries, nil, fake.build); err != nil {
		t.Fatal(err)
	}
	if want := []string{ControllerManager, "kubectl"}; !slices.Equal(fake.built, want) {
		t.Errorf("the second attempt built %v, want %v", fake.built, want)
	}
}

func TestEnsureBuildsFurtherBinariesBesideThoseThatAreThere(t *testing.T) {
	dir, fake := filepath.Join(t.TempDir(), "v1"), &fakeBuild{}
	for _, wanted := range [][]binary{binaries, slices.Concat(binaries, nodeBinaries)} {
		if err := ensure(t.Context(), dir, wanted, nil, fake.build); err != nil {
			t.Fatal(err)
		}
	}
	if want := append(binaryNames(), "kubelet", "kube-scheduler", "kube-proxy"); !slices.Equal(fake.built, want) {
		t.Errorf("built %v, want each of %v once", fake.built, want)
	}
}

func TestEnsureWaitsForTheLockUntilItsContextEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v1")
	unlock, err := lockFile(t.Context(), dir+".lock", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var progress bytes.Buffer
	if err := ensure(ctx, dir, binaries, &progress, (&fakeBuild{}).build); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want that of the context", err)
	}
	if !strings.Contains(progress.String(), "waiting for another build") {
		t.Errorf("progress %q does not say what it waits for", progress.String())
	}
}

func TestCacheDirCanBeMoved(t *testing.T) {
	t.Setenv(CacheDirEnv, "/somewhere")
	if dir, err := CacheDir(); err != nil || dir != "/somewhere" {
		t.Errorf("got %q, %v", dir, err)
	}
}
