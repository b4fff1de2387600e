package standin

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

// StorageFull is why a copy fails when the object store has no room for it.
const StorageFull = "Backup failed: XMinioStorageFull: Storage backend has reached its minimum free disk threshold. " +
	"Please delete a few objects to proceed.\n\tstatus code: 500, request id: 15ADBC3B90C3A97F, host id: "

// task is the copy of one volume.
type task struct {
	info *openstorage.CloudMigrateInfo
	// step is the index of the next one in steps.
	step int
	// canceled stops it when it would go on.
	canceled bool
	// content is what the volume holds when the copy begins to read it.
	content string
}

func (t *task) ended() bool {
	switch t.info.GetStatus() {
	case openstorage.CloudMigrate_Failed, openstorage.CloudMigrate_Canceled:
		return true
	default:
		return t.step == len(steps)
	}
}

// steps are what a copy goes through after it was queued.
var steps = []struct {
	stage  openstorage.CloudMigrate_Stage
	status openstorage.CloudMigrate_Status
	do     func(*Cluster, *task) error
}{
	{openstorage.CloudMigrate_Backup, openstorage.CloudMigrate_Initialized, nil},
	{openstorage.CloudMigrate_Backup, openstorage.CloudMigrate_InProgress, (*Cluster).read},
	{openstorage.CloudMigrate_Backup, openstorage.CloudMigrate_Complete, (*Cluster).store},
	{openstorage.CloudMigrate_Restore, openstorage.CloudMigrate_InProgress, nil},
	{openstorage.CloudMigrate_Restore, openstorage.CloudMigrate_Complete, nil},
	{openstorage.CloudMigrate_VolumeUpdate, openstorage.CloudMigrate_InProgress, nil},
	{openstorage.CloudMigrate_Done, openstorage.CloudMigrate_Complete, (*Cluster).finish},
}

// Advance takes every copy that has not ended one step on.
func (c *Cluster) Advance() {
	defer c.lock()()
	for _, task := range c.tasks {
		if task.ended() {
			continue
		}
		if task.canceled {
			task.info.Status = openstorage.CloudMigrate_Canceled
			continue
		}
		step := steps[task.step]
		task.step++
		task.info.CurrentStage, task.info.Status, task.info.EtaSeconds = step.stage, step.status, int64(len(steps)-task.step)
		if step.do == nil {
			continue
		}
		if err := step.do(c, task); err != nil {
			task.info.Status, task.info.ErrorReason = openstorage.CloudMigrate_Failed, err.Error()
		}
	}
}

// read takes the volume as it is now, and is half way.
func (c *Cluster) read(task *task) error {
	task.content = c.volumes[task.info.GetLocalVolumeName()]
	task.info.BytesTotal = uint64(len(task.content))
	task.info.BytesDone = task.info.BytesTotal / 2
	return nil
}

func (c *Cluster) store(task *task) error {
	if reason, fails := c.failures[task.info.GetLocalVolumeName()]; fails {
		return fmt.Errorf("%s", reason)
	}
	remote, err := c.network.byID(task.info.GetClusterId())
	if err != nil {
		return err
	}
	if len(task.content) > remote.objectStore {
		return fmt.Errorf("%s", StorageFull)
	}
	remote.objectStore -= len(task.content)
	task.info.BytesDone = task.info.BytesTotal
	return nil
}

func (c *Cluster) finish(task *task) error {
	remote, err := c.network.byID(task.info.GetClusterId())
	if err != nil {
		return err
	}
	remote.volumes[task.info.GetLocalVolumeName()] = task.content
	remote.objectStore += len(task.content)
	task.info.BytesTotal, task.info.BytesDone = 0, 0
	return nil
}

type migrateServer struct {
	openstorage.UnimplementedOpenStorageMigrateServer

	cluster *Cluster
}

func (s *migrateServer) Start(
	_ context.Context, request *openstorage.SdkCloudMigrateStartRequest,
) (*openstorage.SdkCloudMigrateStartResponse, error) {
	c, id, volume := s.cluster, request.GetClusterId(), request.GetVolume().GetVolumeId()
	defer c.lock()()
	refuse := func(code codes.Code, format string, args ...any) error {
		return status.Errorf(code, "Cannot start migration for %s : %s", id, fmt.Sprintf(format, args...))
	}
	_, found := c.volumes[volume]
	_, paired := c.pairs[id]
	switch {
	case request.GetVolume() == nil:
		return nil, status.Error(codes.InvalidArgument, "Unknown operation request")
	case c.task(request.GetTaskId()) != nil:
		return nil, refuse(codes.AlreadyExists, "CloudMigrate with ID: %s already exists", request.GetTaskId())
	case !paired:
		return nil, refuse(codes.Internal, "Cluster pair for id %s not found", id)
	case !found:
		return nil, refuse(codes.Internal, "Volume with ID: %s not found", volume)
	}
	c.tasks = append(c.tasks, &task{info: &openstorage.CloudMigrateInfo{
		TaskId: request.GetTaskId(), ClusterId: id, LocalVolumeName: volume,
		CurrentStage: openstorage.CloudMigrate_Backup, Status: openstorage.CloudMigrate_Queued,
	}})
	return &openstorage.SdkCloudMigrateStartResponse{
		Result: &openstorage.CloudMigrateStartResponse{TaskId: request.GetTaskId()},
	}, nil
}

// task returns the copy of an ID, nil if there is none.
func (c *Cluster) task(id string) *task {
	index := slices.IndexFunc(c.tasks, func(task *task) bool { return task.info.GetTaskId() == id })
	if index < 0 {
		return nil
	}
	return c.tasks[index]
}

func (s *migrateServer) Cancel(
	_ context.Context, request *openstorage.SdkCloudMigrateCancelRequest,
) (*openstorage.SdkCloudMigrateCancelResponse, error) {
	c, id := s.cluster, request.GetRequest().GetTaskId()
	defer c.lock()()
	task := c.task(id)
	switch {
	case id == "":
		return nil, status.Error(codes.InvalidArgument, "Must supply valid Task ID")
	case task == nil:
		return nil, status.Errorf(codes.Internal, "Cannot stop migration for %[1]s : CloudMigrate with ID: %[1]s not found", id)
	case task.ended():
	case c.cancelsLate:
		task.canceled = true
	default:
		task.info.Status = openstorage.CloudMigrate_Canceled
	}
	return &openstorage.SdkCloudMigrateCancelResponse{}, nil
}

func (s *migrateServer) Status(
	_ context.Context, request *openstorage.SdkCloudMigrateStatusRequest,
) (*openstorage.SdkCloudMigrateStatusResponse, error) {
	c, wanted := s.cluster, request.GetRequest()
	defer c.lock()()
	found := map[string]*openstorage.CloudMigrateInfoList{}
	for _, task := range c.tasks {
		if wanted.GetTaskId() != "" && wanted.GetTaskId() != task.info.GetTaskId() ||
			wanted.GetClusterId() != "" && wanted.GetClusterId() != task.info.GetClusterId() {
			continue
		}
		list := found[task.info.GetClusterId()]
		if list == nil {
			list = &openstorage.CloudMigrateInfoList{}
			found[task.info.GetClusterId()] = list
		}
		list.List = append(list.List, proto.CloneOf(task.info))
	}
	return &openstorage.SdkCloudMigrateStatusResponse{Result: &openstorage.CloudMigrateStatusResponse{Info: found}}, nil
}
