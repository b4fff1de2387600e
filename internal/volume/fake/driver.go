package fake

import (
	"context"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/volume"
)

// Provisioner is what a StorageClass or a PersistentVolume's CSI source names so that a Driver owns the volume.
const Provisioner = "fake.godwit.io"

// VolumeBytes is the size that every volume is copied with.
const VolumeBytes = 1 << 20

var (
	_ volume.Pairer     = &Driver{}
	_ volume.Mover      = &Driver{}
	_ volume.Retargeter = &Driver{}
)

// Driver is able to do all that a driver may. The zero value is ready for use and called "fake".
type Driver struct {
	// DriverName replaces "fake".
	DriverName string
	// PendingPairs is how many calls of Pair return a Pairing that is not Done yet.
	PendingPairs int

	mu     sync.Mutex
	calls  []string
	errors map[string]error
	paired map[string]bool
	runs   map[types.UID]map[types.NamespacedName]volume.Status
}

// Name returns the driver's name.
func (d *Driver) Name() string {
	if d.DriverName != "" {
		return d.DriverName
	}
	return "fake"
}

// Owns tells whether the volume or its class names Provisioner.
func (d *Driver) Owns(binding volume.Binding) bool {
	if binding.Volume != nil {
		return binding.Volume.Spec.CSI != nil && binding.Volume.Spec.CSI.Driver == Provisioner
	}
	return binding.Class != nil && binding.Class.Provisioner == Provisioner
}

// Fail makes all further calls of a method fail with err; nil makes them succeed again.
func (d *Driver) Fail(method string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.errors == nil {
		d.errors = map[string]error{}
	}
	d.errors[method] = err
}

// Calls returns the names of the methods that were called with a context, in order.
func (d *Driver) Calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

// begin records a call and returns the error that it shall fail with.
func (d *Driver) begin(ctx context.Context, method string) error {
	d.calls = append(d.calls, method)
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.errors[method]
}

// Pairs tells whether there is a token and, where the options name a driver, whether it is this one.
func (d *Driver) Pairs(options map[string]string) bool {
	_, found := options["token"]
	name := options["driver"]
	return found && (name == "" || name == d.Name())
}

// Pair pairs with the storage named by the option ip.
func (d *Driver) Pair(ctx context.Context, pair *storkv1alpha1.ClusterPair) (volume.Pairing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(ctx, "Pair"); err != nil {
		return volume.Pairing{}, err
	}
	if d.PendingPairs > 0 {
		d.PendingPairs--
		return volume.Pairing{}, nil
	}
	if d.paired == nil {
		d.paired = map[string]bool{}
	}
	id := remoteID(pair)
	d.paired[id] = true
	return volume.Pairing{RemoteID: id, Done: true}, nil
}

// Unpair forgets the storage named by the option ip.
func (d *Driver) Unpair(ctx context.Context, pair *storkv1alpha1.ClusterPair) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(ctx, "Unpair"); err != nil {
		return err
	}
	delete(d.paired, remoteID(pair))
	return nil
}

// Paired tells whether the storage of that RemoteID is paired.
func (d *Driver) Paired(remoteID string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.paired[remoteID]
}

func remoteID(pair *storkv1alpha1.ClusterPair) string {
	return "storage-at-" + pair.Spec.Options["ip"]
}

// Start puts the volumes of the run in progress.
func (d *Driver) Start(ctx context.Context, run volume.Run) ([]volume.Status, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(ctx, "Start"); err != nil {
		return nil, err
	}
	if d.runs == nil {
		d.runs = map[types.UID]map[types.NamespacedName]volume.Status{}
	}
	if d.runs[run.ID] == nil {
		d.runs[run.ID] = map[types.NamespacedName]volume.Status{}
	}
	for _, move := range run.Volumes {
		claim := claimOf(move)
		if _, started := d.runs[run.ID][claim]; !started {
			d.runs[run.ID][claim] = volume.Status{Claim: claim, State: storkv1alpha1.MigrationStatusInProgress}
		}
	}
	return d.status(run), nil
}

// Status returns what Start, Finish and Cancel made of the volumes.
func (d *Driver) Status(ctx context.Context, run volume.Run) ([]volume.Status, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(ctx, "Status"); err != nil {
		return nil, err
	}
	return d.status(run), nil
}

func (d *Driver) status(run volume.Run) []volume.Status {
	states := make([]volume.Status, 0, len(run.Volumes))
	for _, move := range run.Volumes {
		claim := claimOf(move)
		state, started := d.runs[run.ID][claim]
		if !started {
			state = volume.Status{Claim: claim, State: storkv1alpha1.MigrationStatusPending}
		}
		states = append(states, state)
	}
	return states
}

// Cancel makes the volumes that are in progress Failed.
func (d *Driver) Cancel(ctx context.Context, run volume.Run) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(ctx, "Cancel"); err != nil {
		return err
	}
	d.finish(run.ID, storkv1alpha1.MigrationStatusFailed, 0, "canceled")
	return nil
}

// FinishOne ends the copy of one volume where it is in progress, in any run: with success where reason is empty.
func (d *Driver) FinishOne(claim types.NamespacedName, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.runs {
		if d.runs[id][claim].State != storkv1alpha1.MigrationStatusInProgress {
			continue
		}
		d.runs[id][claim] = volume.Status{Claim: claim, State: storkv1alpha1.MigrationStatusSuccessful, Bytes: VolumeBytes}
		if reason != "" {
			d.runs[id][claim] = volume.Status{Claim: claim, State: storkv1alpha1.MigrationStatusFailed, Reason: reason}
		}
	}
}

// Moving tells how many volumes are in progress, in all runs.
func (d *Driver) Moving() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	moving := 0
	for _, run := range d.runs {
		for _, status := range run {
			if status.State == storkv1alpha1.MigrationStatusInProgress {
				moving++
			}
		}
	}
	return moving
}

// Finish ends the copy of all volumes in progress, of all runs: with success where reason is empty.
func (d *Driver) Finish(reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.runs {
		if reason == "" {
			d.finish(id, storkv1alpha1.MigrationStatusSuccessful, VolumeBytes, "")
		} else {
			d.finish(id, storkv1alpha1.MigrationStatusFailed, 0, reason)
		}
	}
}

func (d *Driver) finish(id types.UID, state storkv1alpha1.MigrationStatusType, bytes uint64, reason string) {
	for claim, status := range d.runs[id] {
		if status.State == storkv1alpha1.MigrationStatusInProgress {
			d.runs[id][claim] = volume.Status{Claim: claim, State: state, Bytes: bytes, Reason: reason}
		}
	}
}

// Retarget points the volume to a handle that is made of its name.
func (d *Driver) Retarget(ctx context.Context, _ volume.Run, pv *corev1.PersistentVolume) (*corev1.PersistentVolume, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(ctx, "Retarget"); err != nil {
		return nil, err
	}
	target := pv.DeepCopy()
	if target.Spec.CSI != nil {
		target.Spec.CSI.VolumeHandle = "copy-of-" + pv.Name
	}
	return target, nil
}

func claimOf(move volume.Move) types.NamespacedName {
	return types.NamespacedName{Namespace: move.Claim.Namespace, Name: move.Claim.Name}
}
