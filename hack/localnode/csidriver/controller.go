//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// driver answers the three services of CSI. A volume's id is the name that it was created with, and so is a snapshot's.
type driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	csi.UnimplementedNodeServer

	name, node, folder string
}

// Below the driver's folder are volumes, snapshots, and copies that are not complete yet.
const (
	volumes   = "volumes"
	snapshots = "snapshots"
	unready   = "unready"
)

func (d *driver) makeFolders() error {
	return errors.Join(
		os.MkdirAll(filepath.Join(d.folder, volumes), 0o755),
		os.MkdirAll(filepath.Join(d.folder, snapshots), 0o755),
		os.RemoveAll(filepath.Join(d.folder, unready)),
		os.Mkdir(filepath.Join(d.folder, unready), 0o755))
}

// path returns where a volume or snapshot is.
func (d *driver) path(kind, id string) (string, error) {
	if id == "" || id != filepath.Base(id) || !filepath.IsLocal(id) {
		return "", status.Errorf(codes.InvalidArgument, "%q is no id or name", id)
	}
	return filepath.Join(d.folder, kind, id), nil
}

func (d *driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: d.name, VendorVersion: "1"}, nil
}

func (d *driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	return &csi.GetPluginCapabilitiesResponse{Capabilities: []*csi.PluginCapability{{
		Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: csi.PluginCapability_Service_CONTROLLER_SERVICE}},
	}}}, nil
}

func (d *driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

func (d *driver) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	response := &csi.ControllerGetCapabilitiesResponse{}
	for _, able := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
	} {
		response.Capabilities = append(response.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: able}},
		})
	}
	return response, nil
}

func (d *driver) ValidateVolumeCapabilities(
	_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest,
) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	return &csi.ValidateVolumeCapabilitiesResponse{
		Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: request.VolumeCapabilities},
	}, nil
}

// CreateVolume makes an empty volume, or a copy of a snapshot or another volume. That it is there already is no error.
func (d *driver) CreateVolume(ctx context.Context, request *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	path, err := d.path(volumes, request.Name)
	if err != nil {
		return nil, err
	}
	size := request.GetCapacityRange().GetRequiredBytes()
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := d.fill(ctx, path, request); err != nil {
			return nil, err
		}
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: request.Name, CapacityBytes: size, ContentSource: request.VolumeContentSource,
	}}, nil
}

func (d *driver) fill(ctx context.Context, path string, request *csi.CreateVolumeRequest) error {
	kind, id := "", ""
	switch source := request.GetVolumeContentSource(); {
	case source.GetSnapshot() != nil:
		kind, id = snapshots, source.GetSnapshot().SnapshotId
	case source.GetVolume() != nil:
		kind, id = volumes, source.GetVolume().VolumeId
	}
	block := false
	for _, capability := range request.VolumeCapabilities {
		block = block || capability.GetBlock() != nil
	}
	if kind != "" {
		source, err := d.path(kind, id)
		if err != nil {
			return err
		}
		if err := d.copy(ctx, source, path); err != nil {
			return err
		}
	} else if !block {
		return os.Mkdir(path, 0o755)
	}
	if !block {
		return nil
	}
	return grow(path, request.GetCapacityRange().GetRequiredBytes())
}

// grow makes a file of a size, or an existing one as large.
func grow(path string, size int64) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.Size() < size {
		err = file.Truncate(size)
	}
	return errors.Join(err, file.Close())
}

// copy makes a copy, which appears when it is complete.
func (d *driver) copy(ctx context.Context, from, to string) error {
	if _, err := os.Lstat(from); err != nil {
		return status.Errorf(codes.NotFound, "there is nothing to copy: %v", err)
	}
	temporary, err := os.MkdirTemp(filepath.Join(d.folder, unready), "")
	if err != nil {
		return err
	}
	made := filepath.Join(temporary, "copy")
	output, err := exec.CommandContext(ctx, "cp", "--archive", "--reflink=auto", from, made).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("copying %s: %w: %s", from, err, output)
	} else {
		err = os.Rename(made, to)
	}
	return errors.Join(err, os.RemoveAll(temporary))
}

func (d *driver) DeleteVolume(_ context.Context, request *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	path, err := d.path(volumes, request.VolumeId)
	if err != nil {
		return nil, err
	}
	return &csi.DeleteVolumeResponse{}, os.RemoveAll(path)
}

// CreateSnapshot copies a volume while it may be written to, as simple storage does: what it holds is what an application finds after a
// crash at best. That the snapshot is there already is no error.
func (d *driver) CreateSnapshot(ctx context.Context, request *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	path, err := d.path(snapshots, request.Name)
	if err != nil {
		return nil, err
	}
	source, err := d.path(volumes, request.SourceVolumeId)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := d.copy(ctx, source, path); err != nil {
			return nil, err
		}
	}
	made, err := changed(path)
	if err != nil {
		return nil, err
	}
	return &csi.CreateSnapshotResponse{Snapshot: &csi.Snapshot{
		SnapshotId: request.Name, SourceVolumeId: request.SourceVolumeId, CreationTime: timestamppb.New(made), ReadyToUse: true,
	}}, nil
}

func (d *driver) DeleteSnapshot(_ context.Context, request *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	path, err := d.path(snapshots, request.SnapshotId)
	if err != nil {
		return nil, err
	}
	return &csi.DeleteSnapshotResponse{}, os.RemoveAll(path)
}
