package portworx

import (
	"testing"

	"k8s.io/utils/lru"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

func TestStateOf(t *testing.T) {
	for name, tc := range map[string]struct {
		task       *openstorage.CloudMigrateInfo
		want       storkv1alpha1.MigrationStatusType
		wantReason string
	}{
		"queued": {
			&openstorage.CloudMigrateInfo{CurrentStage: openstorage.CloudMigrate_Backup, Status: openstorage.CloudMigrate_Queued},
			inProgress, "Migration Backup is Queued",
		},
		"nothing said": {&openstorage.CloudMigrateInfo{}, inProgress, "Migration InvalidStage is InvalidStatus"},
		"a status that is newer than this operator": {
			&openstorage.CloudMigrateInfo{CurrentStage: 9, Status: 17}, inProgress, "Migration 9 is 17",
		},
		"complete in a stage that is not the last": {
			&openstorage.CloudMigrateInfo{CurrentStage: openstorage.CloudMigrate_VolumeUpdate, Status: openstorage.CloudMigrate_Complete},
			inProgress, "Migration VolumeUpdate is Complete",
		},
		"the last stage, in progress": {
			&openstorage.CloudMigrateInfo{CurrentStage: openstorage.CloudMigrate_Done, Status: openstorage.CloudMigrate_InProgress},
			inProgress, "Migration Done is in progress",
		},
		"complete in the last stage": {
			&openstorage.CloudMigrateInfo{CurrentStage: openstorage.CloudMigrate_Done, Status: openstorage.CloudMigrate_Complete},
			successful, "Migration successful for volume",
		},
		"in progress, with an estimate": {
			&openstorage.CloudMigrateInfo{
				CurrentStage: openstorage.CloudMigrate_Restore, Status: openstorage.CloudMigrate_InProgress,
				BytesDone: 1 << 20, BytesTotal: 4 << 20, EtaSeconds: 90,
			},
			inProgress, "Migration Restore is in progress: 1048576 of 4194304 bytes, 1m30s left",
		},
		"failed": {
			&openstorage.CloudMigrateInfo{
				CurrentStage: openstorage.CloudMigrate_Restore, Status: openstorage.CloudMigrate_Failed, ErrorReason: "no such snapshot",
			},
			failed, "Migration Restore failed for volume: no such snapshot",
		},
		"failed in the last stage": {
			&openstorage.CloudMigrateInfo{CurrentStage: openstorage.CloudMigrate_Done, Status: openstorage.CloudMigrate_Failed, ErrorReason: "late"},
			failed, "Migration Done failed for volume: late",
		},
		"canceled": {
			&openstorage.CloudMigrateInfo{CurrentStage: openstorage.CloudMigrate_Backup, Status: openstorage.CloudMigrate_Canceled},
			failed, "Migration Backup canceled for volume",
		},
		"a full disk": {
			&openstorage.CloudMigrateInfo{
				CurrentStage: openstorage.CloudMigrate_Backup, Status: openstorage.CloudMigrate_Failed, ErrorReason: "write: no space left on device",
			},
			failed, "Migration Backup failed for volume: write: no space left on device; enlarge the volume ObjectstoreVolume of the other Portworx, " +
				"or name a larger object store in option backuplocation of the ClusterPair",
		},
	} {
		t.Run(name, func(t *testing.T) {
			state, reason := stateOf(tc.task)
			if state != tc.want || reason != tc.wantReason {
				t.Errorf("%s (%s), want %s (%s)", state, reason, tc.want, tc.wantReason)
			}
			if got, want := ended(tc.task), tc.want != inProgress; got != want {
				t.Errorf("ended = %v, want %v", got, want)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	run, move := volume.Run{ID: "run"}, moveOf("data-0", "pvc-0", nil)
	newMemory := func() *memory { return &memory{runs: lru.New(1)} }
	t.Run("keeps the largest numbers of bytes", func(t *testing.T) {
		m := newMemory()
		task := &openstorage.CloudMigrateInfo{CurrentStage: openstorage.CloudMigrate_Backup, Status: openstorage.CloudMigrate_InProgress}
		for _, told := range []struct{ total, done uint64 }{{10, 8}, {10, 3}, {0, 0}} {
			task.BytesTotal, task.BytesDone = told.total, told.done
			if state := m.observe(run, move, task); state.Bytes != 10 || state.Progress.BytesDone != 8 {
				t.Errorf("told of %+v: %d bytes of %d", told, state.Progress.BytesDone, state.Bytes)
			}
		}
	})
	t.Run("forgives a copy that is missing now and then", func(t *testing.T) {
		m := newMemory()
		m.started(run, move)
		for range 3 {
			for range maxUnlisted {
				if state := m.observe(run, move, nil); state.State != pending {
					t.Fatalf("%s (%s)", state.State, state.Reason)
				}
			}
			m.observe(run, move, &openstorage.CloudMigrateInfo{Status: openstorage.CloudMigrate_InProgress})
		}
	})
}
