package localcluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// SnapshotCRDs is a folder of CustomResourceDefinitions beside the programs of CSI.
const SnapshotCRDs = "snapshot-crds"

// The modules of the programs that CSI drivers have beside them, in releases for Kubernetes of Version.
const (
	provisionerModule    = "github.com/kubernetes-csi/external-provisioner/v6@v6.3.0"
	snapshotterModule    = "github.com/kubernetes-csi/external-snapshotter/v8@v8.7.0"
	snapshotClientModule = "github.com/kubernetes-csi/external-snapshotter/client/v8@v8.7.0"
)

var sidecars = []binary{
	{name: "csi-provisioner", pkg: "./cmd/csi-provisioner", module: provisionerModule},
	{name: "csi-snapshotter", pkg: "./cmd/csi-snapshotter", module: snapshotterModule},
	{name: "snapshot-controller", pkg: "./cmd/snapshot-controller", module: snapshotterModule},
	// Not a program, but a folder to copy.
	{name: SnapshotCRDs, pkg: "config/crd", module: snapshotClientModule},
}

// CSIBinaries returns a folder that holds csi-provisioner, csi-snapshotter, snapshot-controller and SnapshotCRDs, and builds those that
// are missing, as Binaries does: some ten minutes the first time.
func CSIBinaries(ctx context.Context, progress io.Writer) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "csi", "provisioner-v6.3.0-snapshotter-v8.7.0-"+runtime.GOOS+"-"+runtime.GOARCH)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	if err := ensure(ctx, dir, sidecars, progress, buildSidecars); err != nil {
		return "", fmt.Errorf("getting the programs of CSI ready in %s: %w", dir, err)
	}
	return dir, nil
}

// buildSidecars builds each module as it was released, with the versions that it says of others.
func buildSidecars(ctx context.Context, folder string, todo []binary, progress io.Writer, done func(binary, string) error) error {
	// A module of its own from the start, so that no go.mod of a folder above it counts.
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte("module sidecars.local\n"), 0o644); err != nil {
		return err
	}
	return buildEach(todo, progress, done, func(b binary) (string, error) { return buildSidecar(ctx, folder, b) })
}

func buildSidecar(ctx context.Context, folder string, b binary) (string, error) {
	module, err := download(ctx, folder, b.module)
	if err != nil {
		return "", err
	}
	built := filepath.Join(folder, b.name)
	if b.name == SnapshotCRDs {
		return built, os.CopyFS(built, os.DirFS(filepath.Join(module.Dir, b.pkg)))
	}
	// A copy, because the go command may not write where it put the module.
	source := filepath.Join(folder, "source-of-"+b.name)
	if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
		return "", err
	}
	if b.module == snapshotterModule {
		// It replaces that by a folder which it is not published with.
		path, _, _ := strings.Cut(snapshotClientModule, "@")
		if _, err := runGo(ctx, source, "mod", "edit", "-dropreplace="+path, "-require="+snapshotClientModule); err != nil {
			return "", err
		}
	}
	_, version, _ := strings.Cut(b.module, "@")
	_, err = runGo(ctx, source, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+version, "-o", built, b.pkg)
	return built, err
}
