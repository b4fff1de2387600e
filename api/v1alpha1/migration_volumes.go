package v1alpha1

// VolumePolicy is what becomes of a volume that no storage driver can move.
// +kubebuilder:validation:Enum=Fail;Skip
type VolumePolicy string

const (
	// VolumePolicyFail ends the Migration before anything is moved.
	VolumePolicyFail VolumePolicy = "Fail"
	// VolumePolicySkip leaves the volume and its claim behind, names them in status.notices, and moves the rest.
	VolumePolicySkip VolumePolicy = "Skip"
)

// AccessMode is a PersistentVolumeAccessMode.
// +kubebuilder:validation:Enum=ReadWriteOnce;ReadOnlyMany;ReadWriteMany;ReadWriteOncePod
type AccessMode string

// MigrationVolumes says how volumes are moved, where that is not what their storage or the ClusterPair says.
type MigrationVolumes struct {
	// driver names the storage driver that moves all volumes but those in overrides. Empty leaves that to option driver of the
	// ClusterPair, and without it to what each volume is made of.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="driver must be the name of a storage driver, such as portworx"
	// +optional
	Driver string `json:"driver,omitempty"`

	// withoutDriver is what becomes of a volume that no driver can move: Fail, the default, or Skip.
	// +kubebuilder:default=Fail
	// +optional
	WithoutDriver VolumePolicy `json:"withoutDriver,omitempty"`

	// storageClassMappings are names of StorageClasses at the destination by those at the source. A class that is not in them
	// becomes the one of the same name, or else of the same provisioner, or else the default one there.
	// +kubebuilder:validation:MaxProperties=100
	// +optional
	// +nullable
	StorageClassMappings map[string]string `json:"storageClassMappings,omitempty"`

	// verify true compares all data at both ends after they were copied, if the driver is able to, and stores what was found.
	// What is copied is checked on arrival without it.
	// +optional
	Verify bool `json:"verify,omitempty"`

	// overrides are for single claims.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=atomic
	// +optional
	// +nullable
	Overrides []VolumeOverride `json:"overrides,omitempty"`
}

// VolumeOverride is for one claim.
type VolumeOverride struct {
	// persistentVolumeClaim is the name of the claim at the source.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="persistentVolumeClaim must be the name of a claim at the source, such as data-database-0"
	PersistentVolumeClaim string `json:"persistentVolumeClaim"`
	// namespace of the claim at the source; empty means all that are migrated.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="namespace must be the name of a namespace, such as team-1"
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// driver names the storage driver for it.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="driver must be the name of a storage driver, such as portworx"
	// +optional
	Driver string `json:"driver,omitempty"`
	// storageClass is the name of the claim's class at the destination; empty means a claim without a class.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	// +nullable
	StorageClass *string `json:"storageClass,omitempty"`
	// accessModes are those of the claim at the destination; empty means those at the source.
	// +kubebuilder:validation:MaxItems=4
	// +listType=atomic
	// +optional
	// +nullable
	AccessModes []AccessMode `json:"accessModes,omitempty"`
}

// MigrationVolumeInfo is what became of one volume.
type MigrationVolumeInfo struct {
	// persistentVolumeClaim is the name of the claim.
	PersistentVolumeClaim string `json:"persistentVolumeClaim"`
	// namespace of the claim.
	// +optional
	Namespace string `json:"namespace"`
	// volume is the name of the PersistentVolume.
	// +optional
	Volume string `json:"volume"`
	// status of the volume.
	// +optional
	Status MigrationStatusType `json:"status"`
	// bytesTotal is the number of bytes to move, as far as it is known.
	// +optional
	BytesTotal uint64 `json:"bytesTotal"`
	// reason says what happened.
	// +optional
	Reason string `json:"reason"`
	// driver is the storage driver that moves the volume.
	// +optional
	Driver string `json:"driver,omitempty"`
	// bytesDone is how many of bytesTotal are at the destination.
	// +optional
	BytesDone int64 `json:"bytesDone,omitempty"`
	// bytesSent is how many bytes went over the network for it.
	// +optional
	BytesSent int64 `json:"bytesSent,omitempty"`
	// filesTotal is the number of files to move, zero where a driver does not count them.
	// +optional
	FilesTotal int64 `json:"filesTotal,omitempty"`
	// filesDone is how many of filesTotal are at the destination.
	// +optional
	FilesDone int64 `json:"filesDone,omitempty"`
	// bytesPerSecond is how fast it goes while it does.
	// +optional
	BytesPerSecond int64 `json:"bytesPerSecond,omitempty"`
	// digest stands for all data, where both ends were compared and found equal.
	// +optional
	Digest string `json:"digest,omitempty"`
}
