package localcluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// stillBuildingInterval keeps a terminal or a CI that watches for silence informed.
	stillBuildingInterval = 30 * time.Second
	// quotedLines is how many last lines of output an error quotes.
	quotedLines = 20
)

// buildFromSource builds with a throw-away module, because "go install" refuses a module that replaces others, as
// Kubernetes does for its staging repositories.
func buildFromSource(ctx context.Context, folder string, todo []binary, progress io.Writer, done func(binary, string) error) error {
	report(progress, "downloading the source of Kubernetes %s…", Version)
	if err := writeModule(ctx, folder); err != nil {
		return err
	}
	return buildEach(todo, progress, done, func(b binary) (string, error) { return buildOne(ctx, folder, b) })
}

// buildEach builds one after the other, and says so.
func buildEach(todo []binary, progress io.Writer, done func(binary, string) error, build func(binary) (string, error)) error {
	for i, b := range todo {
		report(progress, "building %s from source, several minutes the first time… %d/%d", b.name, i+1, len(todo))
		began := time.Now()
		stop := every(stillBuildingInterval, func() {
			report(progress, "still building %s, %s so far", b.name, time.Since(began).Round(time.Second))
		})
		built, err := build(b)
		stop()
		if err != nil {
			return fmt.Errorf("building %s from source: %w", b.name, err)
		}
		if err := done(b, built); err != nil {
			return err
		}
		report(progress, "built %s in %s", b.name, time.Since(began).Round(time.Second))
	}
	return nil
}

func buildOne(ctx context.Context, folder string, b binary) (string, error) {
	built := filepath.Join(folder, b.name)
	_, err := runGo(ctx, folder, "build", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(Version), "-o", built, b.pkg)
	return built, err
}

// writeModule makes folder a Go module that requires Kubernetes.
func writeModule(ctx context.Context, folder string) error {
	goMod := filepath.Join(folder, "go.mod")
	// A module of its own from the start, so that no go.mod of a folder above it counts.
	if err := os.WriteFile(goMod, []byte("module kubernetes.local\n"), 0o644); err != nil {
		return err
	}
	kubernetes, err := download(ctx, folder, "k8s.io/kubernetes@"+Version)
	if err != nil {
		return err
	}
	upstream, err := os.ReadFile(kubernetes.GoMod)
	if err != nil {
		return err
	}
	return os.WriteFile(goMod, moduleFile(Version, string(upstream)), 0o644)
}

// downloaded says where the go command put a module.
type downloaded struct {
	GoMod, Dir string
}

// download gets a module from the proxy. folder is that of some other module.
func download(ctx context.Context, folder, module string) (downloaded, error) {
	out, err := runGo(ctx, folder, "mod", "download", "-json", module)
	if err != nil {
		return downloaded{}, fmt.Errorf("downloading %s from the Go module proxy: %w", module, err)
	}
	var d downloaded
	if err := json.Unmarshal(out, &d); err != nil {
		return downloaded{}, fmt.Errorf("reading the answer of go mod download: %w", err)
	}
	return d, nil
}

// moduleFile returns a go.mod that requires Kubernetes, given Kubernetes' own go.mod. That one asks for v0.0.0 of its
// staging repositories and replaces them by folders, which does not count here: they are published as modules, v0.x.y
// for Kubernetes v1.x.y. They are replaced, lest Go looks for v0.0.0, and required, lest the binaries say v0.0.0.
func moduleFile(version, upstream string) []byte {
	staging := "v0." + strings.TrimPrefix(version, "v1.")
	var out bytes.Buffer
	fmt.Fprintf(&out, "module kubernetes.local\n\n")
	for line := range strings.Lines(upstream) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "go ") {
			fmt.Fprintf(&out, "%s\n\nrequire k8s.io/kubernetes %s\n", line, version)
		}
		if module, found := strings.CutSuffix(line, " v0.0.0"); found {
			fmt.Fprintf(&out, "require %s %s\n", module, staging)
		}
		if module, _, found := strings.Cut(line, " => ./staging/"); found {
			fmt.Fprintf(&out, "replace %[1]s => %[1]s %[2]s\n", module, staging)
		}
	}
	return out.Bytes()
}

// linkerFlags strips the binaries and tells them their version, as Kubernetes' own build does: without it they
// would answer v0.0.0 at /version.
func linkerFlags(version string) string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	flags := []string{"-s -w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags, fmt.Sprintf("-X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s"+
			" -X %[1]s.gitTreeState=clean -X %[1]s.gitCommit=modproxy -X %[1]s.buildDate=1970-01-01T00:00:00Z",
			pkg, version, major, minor))
	}
	return strings.Join(flags, " ")
}

// runGo runs the go command in folder and returns what it printed. Its error ends with the tail of go's messages.
func runGo(ctx context.Context, folder string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = folder
	cmd.Env = goEnv(os.Environ())
	cmd.SysProcAttr = ChildAttributes()
	// The compilers that go started are in its process group.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr

	// The child dies with the thread that started it; see process.start.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("go %s (is Go installed, and the module proxy reachable?): %w\n%s",
			args[0], err, lastLines(stderr.Bytes(), quotedLines))
	}
	return stdout.Bytes(), nil
}

// goEnv returns environ changed so that what the caller had set for its own builds does not touch this one.
func goEnv(environ []string) []string {
	env := slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "GOEXPERIMENT" || name == "GODEBUG"
	})
	// The last value of a variable counts.
	return append(env, "GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
}

// every calls f at each interval until stop is called, which waits for a call that is going on.
func every(interval time.Duration, f func()) (stop func()) {
	ticker := time.NewTicker(interval)
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				f()
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(quit)
		<-over
	}
}

// lastLines returns the last n lines of text, without the newline at its end.
func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
