package v1alpha1

// Keys that Godwit reads and writes on objects. All but those that say so are Stork's (its public annotations, labels and
// finalizer), so that objects written by either operator mean the same to both.
const (
	keyPrefix = GroupName + "/"

	// FinalizerCleanup is on every ClusterPair, Migration, MigrationSchedule, ResourceTransformation and Action.
	FinalizerCleanup = keyPrefix + "finalizer-cleanup"

	// AnnotationMigrated is "true" on every object that a Migration applied. Purge considers no object without it.
	AnnotationMigrated = keyPrefix + "migrated"
	// LabelMigrated is "true" on workloads that a Migration applied scaled down.
	LabelMigrated = AnnotationMigrated
	// AnnotationMigrationName is the name of the Migration that wrote the object last.
	AnnotationMigrationName = keyPrefix + "migrationName"
	// AnnotationMigrationNamespace is the namespace of the Migration that wrote the object last.
	AnnotationMigrationNamespace = keyPrefix + "migrationNamespace"
	// AnnotationMigrationTime is the time of the last write, in TimeLayout and UTC.
	AnnotationMigrationTime = keyPrefix + "migrationTime"
	// AnnotationResourceHash is the decimal hash of what was applied. Its value is opaque to other programs.
	AnnotationResourceHash = keyPrefix + "resource-hash"

	// AnnotationMigrationReplicas holds the replicas of a workload that was scaled down, to be restored on activation.
	AnnotationMigrationReplicas = keyPrefix + "migrationReplicas"
	// AnnotationReclaimPolicy holds a PersistentVolume's own reclaim policy while the applied one is Retain.
	AnnotationReclaimPolicy = keyPrefix + "reclaimPolicy"
	// AnnotationStorageClassName holds the StorageClass that a PersistentVolume had at the source.
	AnnotationStorageClassName = keyPrefix + "current-storage-class-name"
	// AnnotationTransformed is "true" on an object that a ResourceTransformation changed.
	AnnotationTransformed = keyPrefix + "resourcetransformation-name"

	// AnnotationSkipResource, when it parses as true, leaves an object out of every migration.
	AnnotationSkipResource = keyPrefix + "skip-resource"
	// AnnotationSkipResourceDeprecated is the older spelling of AnnotationSkipResource, which wins where both are present.
	AnnotationSkipResourceDeprecated = keyPrefix + "skipresource"
	// AnnotationSkipOwnerRefCheck, when it parses as true, migrates an object although its owner is migrated too.
	AnnotationSkipOwnerRefCheck = keyPrefix + "skip-owner-ref-check"
	// AnnotationSkipModifyResource, whatever its value, leaves a Service's addresses as they are.
	AnnotationSkipModifyResource = keyPrefix + "skip-modify-resource"
	// AnnotationIncludeResource, whatever its value, migrates an Endpoints object that would be left out.
	AnnotationIncludeResource = keyPrefix + "include-resource"

	// AnnotationMigrationScheduleName is on a Migration that a MigrationSchedule created.
	AnnotationMigrationScheduleName = keyPrefix + "migration-schedule-name"
	// AnnotationStaticCopy marks the copy of a MigrationSchedule at the destination. A static copy never triggers.
	AnnotationStaticCopy = keyPrefix + "static-copy"
	// AnnotationCopiedKeys is Godwit's own: which labels and annotations of a static copy came with it, as JSON. Its value is opaque to
	// other programs.
	AnnotationCopiedKeys = keyPrefix + "copied-keys"
	// AnnotationApplicationActivated is Godwit's own: what a client meant to write into status.applicationActivated of a
	// MigrationSchedule by an update of the whole object, from which the API server drops the status. Admission puts it there, and
	// the controller moves it into the status.
	AnnotationApplicationActivated = keyPrefix + "application-activated"
	// AnnotationCreatedByStork is "true" on objects that may be deleted along with what they were made for.
	AnnotationCreatedByStork = keyPrefix + "created-by-stork"

	// AnnotationActivation tells which Action started or stopped an object, or told a static copy that its applications are active:
	// "started-by-<uid>" or "stopped-by-<uid>". It lets the Action undo just that. It is Godwit's own.
	AnnotationActivation = keyPrefix + "activation"
	// AnnotationSuspendedBy is the UID of the Action that suspended a MigrationSchedule which was not suspended before. It is
	// Godwit's own.
	AnnotationSuspendedBy = keyPrefix + "suspended-by-action"
	// AnnotationLastMileSchedule is on the Migration that an Action made of a MigrationSchedule.
	AnnotationLastMileSchedule = keyPrefix + "lastmile-migration-schedule-name"

	// LabelStashCR is "true" on a ConfigMap that holds a custom resource until activation.
	LabelStashCR = "stash-cr"
	// LabelResourceKind is the kind of the custom resource in a stash ConfigMap.
	LabelResourceKind = "resource-kind"
	// StashKeyObject, StashKeyOwnedPVCs and StashKeyName are the data keys of a stash ConfigMap.
	StashKeyObject    = "cr-runtime-object"
	StashKeyOwnedPVCs = "ownedPVCs"
	StashKeyName      = "name"

	// ReportKey is the key of the binaryData of a ConfigMap that status.report names: a gzipped JSON list of MigrationResourceInfo.
	ReportKey = "report.json.gz"

	// TimeLayout is how Stork writes a time into annotations and names of child objects.
	TimeLayout = "2006-01-02-150405"
)

// SuspendMemoAnnotation is the annotation that remembers "<value at the source>,<suspended value>" of a custom resource's
// suspend path, for example "stork.libopenstorage.org/spec.replicas".
func SuspendMemoAnnotation(path string) string { return keyPrefix + path }
