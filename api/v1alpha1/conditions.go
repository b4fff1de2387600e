package v1alpha1

// Condition types. They follow kstatus: Ready or Succeeded sum an object up, Reconciling is True while work is under way,
// Stalled is True when only the user can move it on.
const (
	// ConditionReady sums up a ClusterPair, ResourceTransformation or MigrationSchedule.
	ConditionReady = "Ready"
	// ConditionReconciling is True while a controller works towards the spec.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when nothing more happens until the user acts.
	ConditionStalled = "Stalled"
	// ConditionSucceeded sums up a Migration: Unknown while it runs, True when every object arrived, False otherwise.
	ConditionSucceeded = "Succeeded"

	// ConditionReachable tells whether a ClusterPair's API server answered the last probe.
	ConditionReachable = "Reachable"
	// ConditionAuthorized tells whether a ClusterPair's credential may do what a migration needs.
	ConditionAuthorized = "Authorized"
	// ConditionStoragePaired tells whether a ClusterPair's storage driver is paired.
	ConditionStoragePaired = "StoragePaired"
)

// Reasons of a ClusterPair's conditions.
const (
	// ReasonReady is on a ClusterPair that was probed with success.
	ReasonReady = "Ready"
	// ReasonCredentialInvalid is on a ClusterPair whose kubeconfig is missing, malformed or refused.
	ReasonCredentialInvalid = "CredentialInvalid" //nolint:gosec // This is no credential.
	// ReasonSecretNotFound is on a ClusterPair whose kubeconfigSecretRef names nothing.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonUnreachable is on a ClusterPair whose API server did not answer.
	ReasonUnreachable = "Unreachable"
	// ReasonUnauthorized is on a ClusterPair whose credential the other API server does not accept.
	ReasonUnauthorized = "Unauthorized"
	// ReasonPermissionsMissing is on a ClusterPair whose credential lacks permissions; the message names them.
	ReasonPermissionsMissing = "PermissionsMissing"
	// ReasonSameCluster is on a ClusterPair whose kubeconfig leads to the cluster that the ClusterPair is in.
	ReasonSameCluster = "SameCluster"
	// ReasonNotProvided is on a ClusterPair without storage options.
	ReasonNotProvided = "NotProvided"
	// ReasonStorageError is on a ClusterPair whose storage driver could not pair.
	ReasonStorageError = "StorageError"
	// ReasonInUse is on a ClusterPair that cannot be deleted yet because a Migration runs over it.
	ReasonInUse = "InUse"
)

// Reasons of a Migration's conditions, also the reasons of its events.
const (
	// ReasonPending is on a Migration that waits for something that can still appear; the message names it.
	ReasonPending = "Pending"
	// ReasonWaitingForMigration is on a Migration that waits for another one of the same namespace.
	ReasonWaitingForMigration = "WaitingForMigration"
	// ReasonInProgress is on a Migration that runs.
	ReasonInProgress = "InProgress"
	// ReasonSuccessful is on a Migration whose every object arrived.
	ReasonSuccessful = "Successful"
	// ReasonPartialSuccess is on a Migration some of whose objects did not arrive; the report names them.
	ReasonPartialSuccess = "PartialSuccess"
	// ReasonFailed is on a Migration that ended without its objects at the destination.
	ReasonFailed = "Failed"
	// ReasonInvalidSpec is on a Migration that can never run as it is written.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonDeadlineExceeded is on a Migration that waited too long for what it needs.
	ReasonDeadlineExceeded = "DeadlineExceeded"
	// ReasonNoStorageDriver is on a Migration that includes volumes which no storage driver owns.
	ReasonNoStorageDriver = "NoStorageDriver"
	// ReasonApplicationsActive is on a Migration of a schedule whose applications run at the destination, and on a MigrationSchedule
	// that makes no Migrations for that reason. One that was suspended for it resumes when they no longer run there.
	ReasonApplicationsActive = "ApplicationsActive"
	// ReasonRuleFailed is on a Migration whose pre- or post-exec rule failed.
	ReasonRuleFailed = "RuleFailed"
	// ReasonCanceled is on a Migration that was deleted while it ran.
	ReasonCanceled = "Canceled"
)

// ConditionCopied tells whether the copy of a MigrationSchedule at the destination is as it should be.
const ConditionCopied = "Copied"

// Reasons of a MigrationSchedule's conditions, also the reasons of its events.
const (
	// ReasonScheduled is on a MigrationSchedule that waits for its next time.
	ReasonScheduled = "Scheduled"
	// ReasonRunning is on a MigrationSchedule whose Migration runs.
	ReasonRunning = "Running"
	// ReasonSuspended is on a MigrationSchedule that its owner suspended.
	ReasonSuspended = "Suspended"
	// ReasonInvalidPolicy is on a MigrationSchedule whose policy is missing or wrong.
	ReasonInvalidPolicy = "InvalidPolicy"
	// ReasonStaticCopy is on a MigrationSchedule that is the copy of another cluster's.
	ReasonStaticCopy = "StaticCopy"
	// ReasonCopyFailed is on a MigrationSchedule whose copy at the destination could not be written; the message says why.
	ReasonCopyFailed = "CopyFailed"
	// ReasonCopied is on a MigrationSchedule whose copy at the destination is as it should be.
	ReasonCopied = "Copied"
)

// Reasons of a ResourceTransformation's conditions.
const (
	// ReasonValidated is on a ResourceTransformation whose dry run passed.
	ReasonValidated = "Validated"
	// ReasonDryRunFailed is on a ResourceTransformation that the API server refused in a dry run for some object.
	ReasonDryRunFailed = "DryRunFailed"
)

// ConditionSourceFenced is False on a failover that did nothing at the source: the message says what must be stopped there by hand.
const ConditionSourceFenced = "SourceFenced"

// ConditionWarned is True on an Action that has something to tell its user beside its result. The message has a line for each warning,
// the reason is that of the last one.
const ConditionWarned = "Warned"

// Reasons of an Action's conditions, also the reasons of its events, beside those of a Migration.
const (
	// ReasonWaitingForAction is on an Action that waits for another one of the same namespaces or schedule.
	ReasonWaitingForAction = "WaitingForAction"
	// ReasonPodsRunning is on an Action that waits for pods of what it stopped.
	ReasonPodsRunning = "PodsRunning"
	// ReasonRetrying is on an Action one of whose steps failed and is tried again.
	ReasonRetrying = "Retrying"
	// ReasonRolledBack is on an Action that failed and has undone what it had done.
	ReasonRolledBack = "RolledBack"
	// ReasonRollbackFailed is on an Action that failed and could not undo all of it; the message says what to do by hand.
	ReasonRollbackFailed = "RollbackFailed"
	// ReasonFencingOwed is on a failover that did nothing at the source, and whose user has to keep applications from running there.
	ReasonFencingOwed = "FencingOwed"
	// ReasonWaitingForOperator is on an Action that waits for the operator of the other cluster, which may not run.
	ReasonWaitingForOperator = "WaitingForOperator"
	// ReasonNotStopped is that of a warning of an Action that tells what cannot be stopped.
	ReasonNotStopped = "NotStopped"
	// ReasonStillActive is that of a warning of an Action after which applications of its schedule still run where others have left.
	ReasonStillActive = "StillActive"
	// ReasonNotMigrated is that of a warning of an Action that what was migrated so far is not what there is.
	ReasonNotMigrated = "NotMigrated"
	// ReasonNoClusterDomains is that of a warning of an Action that asks for something about cluster domains.
	ReasonNoClusterDomains = "NoClusterDomains"
)
