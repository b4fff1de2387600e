package portworx

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
	"github.com/godwit-io/godwit/internal/volume/portworx/openstorage"
)

// maxUnlisted is how often in a row Portworx may leave out a copy that was started, as it does while it restarts, before that is lost:
// about a minute.
const maxUnlisted = 12

// storageFull are the words of object stores for having no room.
var storageFull = []string{"StorageFull", "no space left", "QuotaExceeded"}

// memory is what Portworx does not remember of the copies that this process started. All that is lost with it is how large copies were
// that have ended.
type memory struct {
	mu   sync.Mutex
	runs *lru.Cache // Of map[taskID]*copied, by the ID of the run.
}

// copied is what is remembered of one volume.
type copied struct {
	started bool
	// refused is why Portworx did not start the copy.
	refused string
	// unlisted is how often in a row Portworx did not list the copy.
	unlisted int
	// total and done are the largest numbers of bytes that Portworx told.
	total, done uint64
}

// of returns what is remembered of a volume. The caller holds the lock.
func (m *memory) of(run volume.Run, move volume.Move) *copied {
	volumes, known := m.runs.Get(run.ID)
	if !known {
		volumes = map[string]*copied{}
		m.runs.Add(run.ID, volumes)
	}
	byTask := volumes.(map[string]*copied)
	id := taskID(run, move)
	if byTask[id] == nil {
		byTask[id] = &copied{}
	}
	return byTask[id]
}

func (m *memory) started(run volume.Run, move volume.Move) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*m.of(run, move) = copied{started: true}
}

func (m *memory) failed(run volume.Run, move volume.Move, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*m.of(run, move) = copied{refused: reason}
}

// observe returns the state of a volume, given what Portworx lists for it now, which may be nil.
func (m *memory) observe(run volume.Run, move volume.Move, task *openstorage.CloudMigrateInfo) volume.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.of(run, move)
	state := volume.Status{Claim: types.NamespacedName{Namespace: move.Claim.Namespace, Name: move.Claim.Name}}
	if task == nil {
		known.unlisted++
		state.State, state.Reason = known.withoutTask()
	} else {
		known.unlisted, known.started = 0, true
		known.total = max(known.total, task.GetBytesTotal())
		known.done = max(known.done, task.GetBytesDone())
		state.State, state.Reason = stateOf(task)
	}
	if state.State == storkv1alpha1.MigrationStatusSuccessful {
		known.done = max(known.done, known.total)
	}
	state.Bytes, state.Progress.BytesDone = known.total, known.done
	return state
}

// withoutTask returns the state of a volume that Portworx lists no copy of.
func (c *copied) withoutTask() (storkv1alpha1.MigrationStatusType, string) {
	switch {
	case c.refused != "":
		return storkv1alpha1.MigrationStatusFailed, c.refused
	case c.started && c.unlisted > maxUnlisted:
		return storkv1alpha1.MigrationStatusFailed,
			"Unable to find migration status for volume: Portworx knows nothing of the copy any more: see whether its clusters are still paired"
	case c.started:
		return storkv1alpha1.MigrationStatusPending, "Portworx does not list the copy yet"
	default:
		return storkv1alpha1.MigrationStatusPending, ""
	}
}

// stateOf translates the state of a copy, with Stork's reasons where it has some.
func stateOf(task *openstorage.CloudMigrateInfo) (storkv1alpha1.MigrationStatusType, string) {
	stage := task.GetCurrentStage()
	switch status := task.GetStatus(); {
	case status == openstorage.CloudMigrate_Failed:
		reason := fmt.Sprintf("Migration %s failed for volume: %s", stage, task.GetErrorReason())
		return storkv1alpha1.MigrationStatusFailed, strings.TrimSpace(reason) + remedyFor(reason)
	case status == openstorage.CloudMigrate_Canceled:
		return storkv1alpha1.MigrationStatusFailed, fmt.Sprintf("Migration %s canceled for volume", stage)
	case stage == openstorage.CloudMigrate_Done && status == openstorage.CloudMigrate_Complete:
		return storkv1alpha1.MigrationStatusSuccessful, "Migration successful for volume"
	case status == openstorage.CloudMigrate_InProgress:
		return storkv1alpha1.MigrationStatusInProgress, progressOf(task)
	default: // It waits, or one stage is done and the next has not begun.
		return storkv1alpha1.MigrationStatusInProgress, fmt.Sprintf("Migration %s is %s", stage, status)
	}
}

// progressOf says how far the current stage is.
func progressOf(task *openstorage.CloudMigrateInfo) string {
	text := fmt.Sprintf("Migration %s is in progress", task.GetCurrentStage())
	if total := task.GetBytesTotal(); total > 0 {
		text += fmt.Sprintf(": %d of %d bytes", task.GetBytesDone(), total)
	}
	if eta := task.GetEtaSeconds(); eta > 0 {
		text += fmt.Sprintf(", %s left", time.Duration(eta)*time.Second)
	}
	return text
}

// remedyFor says what can be done about a failure, if that is known.
func remedyFor(reason string) string {
	for _, words := range storageFull {
		if strings.Contains(reason, words) {
			return "; enlarge the volume ObjectstoreVolume of the other Portworx, or name a larger object store in option backuplocation of the ClusterPair"
		}
	}
	return ""
}

// ended tells whether Portworx does nothing for a copy any more.
func ended(task *openstorage.CloudMigrateInfo) bool {
	state, _ := stateOf(task)
	return state == storkv1alpha1.MigrationStatusFailed || state == storkv1alpha1.MigrationStatusSuccessful
}
