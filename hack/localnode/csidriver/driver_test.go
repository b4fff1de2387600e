//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/godwit-io/godwit/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func newDriver(t *testing.T) *driver {
	t.Helper()
	d := &driver{name: "test", node: "node", folder: t.TempDir()}
	if err := d.makeFolders(); err != nil {
		t.Fatal(err)
	}
	return d
}

var blockDevice = &csi.VolumeCapability{AccessType: &csi.VolumeCapability_Block{Block: &csi.VolumeCapability_BlockVolume{}}}

func fromSnapshot(id string) *csi.VolumeContentSource {
	return &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Snapshot{
		Snapshot: &csi.VolumeContentSource_SnapshotSource{SnapshotId: id},
	}}
}

func fromVolume(id string) *csi.VolumeContentSource {
	return &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Volume{Volume: &csi.VolumeContentSource_VolumeSource{VolumeId: id}}}
}

func create(t *testing.T, d *driver, request *csi.CreateVolumeRequest) string {
	t.Helper()
	response, err := d.CreateVolume(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(d.folder, volumes, response.Volume.VolumeId)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func expectContent(t *testing.T, file, want string) {
	t.Helper()
	if content, err := os.ReadFile(file); err != nil || string(content) != want {
		t.Errorf("%s: got %q, %v; want %q", file, content, err, want)
	}
}

func TestSnapshotsAndClonesKeepWhatAVolumeHeld(t *testing.T) {
	d := newDriver(t)
	volume := create(t, d, &csi.CreateVolumeRequest{Name: "a"})
	write(t, filepath.Join(volume, "note"), "old")
	for range 2 { // Callers ask again for what they got no answer to.
		if _, err := d.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: "s", SourceVolumeId: "a"}); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(volume, "note"), "new")
		create(t, d, &csi.CreateVolumeRequest{Name: "a"})
	}
	expectContent(t, filepath.Join(create(t, d, &csi.CreateVolumeRequest{Name: "b", VolumeContentSource: fromSnapshot("s")}), "note"), "old")
	expectContent(t, filepath.Join(create(t, d, &csi.CreateVolumeRequest{Name: "c", VolumeContentSource: fromVolume("a")}), "note"), "new")

	for range 2 {
		_, snapshotErr := d.DeleteSnapshot(t.Context(), &csi.DeleteSnapshotRequest{SnapshotId: "s"})
		_, volumeErr := d.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: "a"})
		if err := errors.Join(snapshotErr, volumeErr); err != nil {
			t.Error(err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(d.folder, "*", "*")); err != nil || len(left) != 2 {
		t.Errorf("beside b and c there are %v, %v", left, err)
	}
}

func TestBlockVolumesAreFilesAsLargeAsTheClaimWants(t *testing.T) {
	d := newDriver(t)
	request := &csi.CreateVolumeRequest{
		Name: "a", VolumeCapabilities: []*csi.VolumeCapability{blockDevice}, CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 20},
	}
	write(t, create(t, d, request), "content")
	request.Name, request.VolumeContentSource = "b", fromVolume("a")
	content, err := os.ReadFile(create(t, d, request))
	if err != nil || len(content) != 1<<20 || !strings.HasPrefix(string(content), "content\x00") {
		t.Errorf("got %d bytes, %v", len(content), err)
	}
}

func TestWhatIsNotThereIsNotFoundAndPathsAreNoIDs(t *testing.T) {
	d := newDriver(t)
	_, err := d.CreateVolume(t.Context(), &csi.CreateVolumeRequest{Name: "a", VolumeContentSource: fromSnapshot("none")})
	if status.Code(err) != codes.NotFound {
		t.Errorf("of a snapshot that is not there: %v", err)
	}
	_, err = d.CreateSnapshot(t.Context(), &csi.CreateSnapshotRequest{Name: "s", SourceVolumeId: "none"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("of a volume that is not there: %v", err)
	}
	for _, id := range []string{"", "..", "../snapshots", "/etc"} {
		if _, err := d.DeleteVolume(t.Context(), &csi.DeleteVolumeRequest{VolumeId: id}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("deleting %q: %v", id, err)
		}
	}
}

func TestPublishMountsAFolderAndUnpublishKeepsItsContent(t *testing.T) {
	needMounts(t)
	d := newDriver(t)
	volume, target := create(t, d, &csi.CreateVolumeRequest{Name: "a"}), filepath.Join(t.TempDir(), "pod", "mount")
	for range 2 {
		if _, err := d.NodePublishVolume(t.Context(), &csi.NodePublishVolumeRequest{VolumeId: "a", TargetPath: target}); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(target, "note"), "hello")
	for range 2 {
		if _, err := d.NodeUnpublishVolume(t.Context(), &csi.NodeUnpublishVolumeRequest{VolumeId: "a", TargetPath: target}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(target); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", target, err)
	}
	expectContent(t, filepath.Join(volume, "note"), "hello")
}

func TestPublishForReadersRefusesWrites(t *testing.T) {
	needMounts(t)
	d := newDriver(t)
	create(t, d, &csi.CreateVolumeRequest{Name: "a"})
	target := filepath.Join(t.TempDir(), "mount")
	_, err := d.NodePublishVolume(t.Context(), &csi.NodePublishVolumeRequest{VolumeId: "a", TargetPath: target, Readonly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(target, "note"), nil, 0o600); err == nil {
		t.Error("it can be written to")
	}
	if _, err := d.NodeUnpublishVolume(t.Context(), &csi.NodeUnpublishVolumeRequest{VolumeId: "a", TargetPath: target}); err != nil {
		t.Error(err)
	}
}

func TestPublishMountsABlockDeviceAndUnpublishRemovesIt(t *testing.T) {
	needMounts(t)
	d := newDriver(t)
	file := create(t, d, &csi.CreateVolumeRequest{
		Name: "a", VolumeCapabilities: []*csi.VolumeCapability{blockDevice}, CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 20},
	})
	target := filepath.Join(t.TempDir(), "device")
	request := &csi.NodePublishVolumeRequest{VolumeId: "a", TargetPath: target, VolumeCapability: blockDevice}
	if _, err := d.NodePublishVolume(t.Context(), request); err != nil {
		t.Skipf("no loop devices here: %v", err)
	}
	if info, err := os.Stat(target); err != nil || info.Mode()&os.ModeDevice == 0 || info.Mode()&os.ModeCharDevice != 0 {
		t.Errorf("got %v, %v; want a block device", info, err)
	}
	if _, err := d.NodeUnpublishVolume(t.Context(), &csi.NodeUnpublishVolumeRequest{VolumeId: "a", TargetPath: target}); err != nil {
		t.Fatal(err)
	}
	left, err := exec.CommandContext(t.Context(), "losetup", "--associated", file).CombinedOutput()
	if err != nil || len(left) > 0 {
		t.Errorf("a device is left: %s, %v", left, err)
	}
}

// needMounts skips a test where nothing can be mounted.
func needMounts(t *testing.T) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "unshare", "--mount", "true").Run(); err != nil {
		t.Skip("mounts need root")
	}
}
