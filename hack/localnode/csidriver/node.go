//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/godwit-io/godwit/hack/localnode/loop"
)

func (d *driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: d.node}, nil
}

func (d *driver) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

// NodePublishVolume mounts a volume's folder, or its loop device. That it is mounted already is no error.
func (d *driver) NodePublishVolume(ctx context.Context, request *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	source, err := d.path(volumes, request.VolumeId)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(source); err != nil {
		return nil, status.Errorf(codes.NotFound, "there is no volume: %v", err)
	}
	mounted, err := isMounted(request.TargetPath)
	if err != nil || mounted {
		return &csi.NodePublishVolumeResponse{}, err
	}
	if request.GetVolumeCapability().GetBlock() != nil {
		if source, err = loop.Attach(ctx, source); err != nil {
			return nil, err
		}
		err = touch(request.TargetPath)
	} else {
		err = os.MkdirAll(request.TargetPath, 0o750)
	}
	if err != nil {
		return nil, err
	}
	return &csi.NodePublishVolumeResponse{}, bind(source, request.TargetPath, request.Readonly)
}

func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func bind(source, target string, readOnly bool) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", source, target, err)
	}
	if !readOnly {
		return nil
	}
	// A mount cannot be made read-only at once.
	return unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

// NodeUnpublishVolume takes back what NodePublishVolume did. That nothing is there is no error.
func (d *driver) NodeUnpublishVolume(
	ctx context.Context, request *csi.NodeUnpublishVolumeRequest,
) (*csi.NodeUnpublishVolumeResponse, error) {
	source, err := d.path(volumes, request.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := unix.Unmount(request.TargetPath, 0); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return nil, fmt.Errorf("unmounting %s: %w", request.TargetPath, err)
	}
	// Not with what is in it, which a failed unmount would leave there.
	if err := os.Remove(request.TargetPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, loop.Detach(ctx, source)
}

func isMounted(target string) (bool, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	return strings.Contains(string(mounts), " "+target+" "), err
}

// changed returns when a file or folder got where it is.
func changed(path string) (time.Time, error) {
	var info unix.Stat_t
	if err := unix.Lstat(path, &info); err != nil {
		return time.Time{}, err
	}
	return time.Unix(info.Ctim.Unix()), nil
}
