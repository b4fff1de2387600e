package volume

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Driver is a storage system, or a way to copy between any two. What it can do with volumes is told by the other interfaces that it
// implements: Pairer, Mover, Retargeter and ClaimRetargeter, each of them optional.
//
// All methods may be called at the same time from several goroutines, never change what they are handed, and never put the
// contents of options or Secrets into errors.
type Driver interface {
	// Name is a DNS label that never changes: it is written into the status of Migrations and names the driver in options.
	Name() string

	// Owns tells whether the driver can be responsible for a volume. It looks at its argument only, any part of which may be nil.
	Owns(Binding) bool
}

// Binding is a claim with what is known of its volume.
type Binding struct {
	// Claim may be nil for a volume that nothing claims.
	Claim *corev1.PersistentVolumeClaim
	// Volume is nil while the claim is not bound.
	Volume *corev1.PersistentVolume
	// Class is nil where the claim names none, or one that is gone.
	Class *storagev1.StorageClass
}

// Pairer is a Driver that has to be introduced to the storage of another cluster before it can move data there.
type Pairer interface {
	Driver

	// Pairs tells whether the options of a ClusterPair are addressed to this driver. It looks at its argument only.
	Pairs(options map[string]string) bool

	// Pair begins or continues to pair with the storage that the options of the ClusterPair name. It is called until it
	// returns a Pairing that is Done, again after every change of the spec, and at any time after a restart: it must be
	// idempotent and return at once where nothing is left to do. It is called again after an error, with growing delays.
	Pair(context.Context, *storkv1alpha1.ClusterPair) (Pairing, error)

	// Unpair undoes Pair. What is paired no more, or never was, is no error. It is called again after an error.
	Unpair(context.Context, *storkv1alpha1.ClusterPair) error
}

// Pairing is how far a Pairer has come.
type Pairing struct {
	// RemoteID is the driver's name of the other storage, the same for every ClusterPair to it. Several pairs share one
	// pairing when it is equal, so that only the last of them is unpaired. Empty while it is not known.
	RemoteID string
	// Done is false while the driver waits, for example for the other side.
	Done bool
}

// Mover is a Driver that copies the data of volumes to another cluster.
type Mover interface {
	Driver

	// Start begins or continues to copy the volumes of a run and returns the state of each, in any order. It does not wait
	// for the copy. It must be idempotent for one Run.ID: a call after a restart finds what the one before it began. A volume
	// that can never be copied becomes Failed with a reason; an error means that the state is unknown and that Start is to
	// be called again.
	Start(context.Context, Run) ([]Status, error)

	// Status returns the state of each volume of a run, in any order. A volume that was not started is Pending. An error
	// means that the state is unknown, not that the copy failed.
	Status(context.Context, Run) ([]Status, error)

	// Cancel ends a run and returns when nothing of it writes any more. A run that ended or never began is no error.
	Cancel(context.Context, Run) error
}

// Run is the copy of some volumes, all owned by one Driver, to the cluster of one pair.
type Run struct {
	// ID is the same in all calls for one run: the UID of the Migration.
	ID types.UID
	// Migration is the name of the Migration, for people.
	Migration types.NamespacedName
	// Pair leads to the destination.
	Pair *storkv1alpha1.ClusterPair
	// Destination reaches the API server of the destination.
	Destination *rest.Config
	// StartsApplications tells whether workloads run at the destination as soon as their objects are there.
	StartsApplications bool
	// Verify asks a driver that is able to for a full comparison of both sides after the copy.
	Verify bool
	// Volumes to copy; every one has a claim. Of a claim that is gone since Start only the names are known, of itself and of its
	// volume.
	Volumes []Move
}

// Move is one volume of a Run.
type Move struct {
	Binding
	// DestinationNamespace is the namespace of the claim at the destination.
	DestinationNamespace string
	// Target is what the user wants the claim at the destination to be; its zero value leaves all to the driver.
	Target Target
}

// Target is what a claim at the destination shall be where that is not what it is at the source.
type Target struct {
	// StorageClass is the name of its class, empty for a claim without one; nil lets package placement choose.
	StorageClass *string
	// AccessModes are its own; nil takes those of the source.
	AccessModes []corev1.PersistentVolumeAccessMode
}

// Status is how far one volume of a Run has come.
type Status struct {
	// Claim is the name of the claim at the source.
	Claim types.NamespacedName
	// State is Pending, InProgress, Failed or Successful.
	State storkv1alpha1.MigrationStatusType
	// Bytes is the size of what is copied, zero while it is not known.
	Bytes uint64
	// Progress is how much of it has arrived.
	Progress Progress
	// Reason says what happened, and for a failure what can be done about it.
	Reason string
}

// Progress is how far the copy of one volume has come. What a driver cannot tell is zero.
type Progress struct {
	// BytesDone have arrived, or were there already. It never falls while a run lasts, whatever is tried again.
	BytesDone uint64
	// BytesSent went over the network.
	BytesSent uint64
	// FilesTotal are to be copied, FilesDone have arrived or were there already.
	FilesTotal, FilesDone uint64
	// BytesPerSecond is how fast it goes now.
	BytesPerSecond uint64
	// Digest stands for the whole content, as a comparison of both sides found it; empty where none was asked for.
	Digest string
}

// Retargeter is a Driver whose volumes have another handle at the destination than at the source.
type Retargeter interface {
	Driver

	// Retarget returns volume as it has to be at the destination, pointing to what the run made there, or nil where the
	// destination has made a volume of its own. The run has ended with success for it. The place is the same in every run: where
	// the data of a PersistentVolume are cannot be changed.
	Retarget(ctx context.Context, run Run, volume *corev1.PersistentVolume) (*corev1.PersistentVolume, error)
}

// ClaimRetargeter is a Driver that makes claims at the destination itself, which differ from those at the source.
type ClaimRetargeter interface {
	Driver

	// RetargetClaim returns claim as it has to be at the destination: with the spec that it has there. The run has ended with
	// success for it.
	RetargetClaim(ctx context.Context, run Run, claim *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error)
}
