package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MigrationSpec says what is migrated, where to, and how.
//
// +kubebuilder:validation:XValidation:rule="size(self.?clusterPair.orValue(\"\")) + size(self.?adminClusterPair.orValue(\"\")) > 0",message="clusterPair to migrate to cannot be empty: name a ClusterPair of this namespace in clusterPair, or one of the admin namespace in adminClusterPair"
// +kubebuilder:validation:XValidation:rule="size(self.?namespaces.orValue([])) + size(self.?namespaceSelectors.orValue({})) > 0",message="there is no namespace to migrate: list names in namespaces, or labels of namespaces in namespaceSelectors"
type MigrationSpec struct {
	// clusterPair names the ClusterPair to migrate to, in the namespace of the Migration.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="clusterPair must be the name of a ClusterPair in the Migration's namespace, such as remote; one of the admin namespace goes into adminClusterPair"
	// +optional
	ClusterPair string `json:"clusterPair,omitempty"`

	// adminClusterPair names a ClusterPair of the admin namespace. Cluster-scoped objects, namespaces, volumes and
	// CustomResourceDefinitions are written with its credential; without clusterPair, everything is.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="adminClusterPair must be the name of a ClusterPair in the admin namespace, such as remote, without that namespace"
	// +optional
	AdminClusterPair string `json:"adminClusterPair,omitempty"`

	// namespaces are the names of the namespaces to migrate. Outside the admin namespace only the Migration's own is allowed.
	// +kubebuilder:validation:MaxItems=5000
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="namespaces must hold names of namespaces, such as team-1: no patterns, no labels"
	// +listType=atomic
	// +optional
	// +nullable
	Namespaces []string `json:"namespaces,omitempty"`

	// namespaceSelectors are labels of namespaces to migrate; a namespace that has one of them is added to those in namespaces.
	// +kubebuilder:validation:MaxProperties=100
	// +kubebuilder:validation:XValidation:rule="self.all(key, key.matches('^([A-Za-z0-9][-A-Za-z0-9.]*/)?[A-Za-z0-9][-A-Za-z0-9_.]*$'))",message="namespaceSelectors must be labels by their keys, such as app or example.com/team: no operators, and no matchLabels around them"
	// +optional
	// +nullable
	NamespaceSelectors map[string]string `json:"namespaceSelectors,omitempty"`

	// includeResources false migrates only volumes, PersistentVolumes and PersistentVolumeClaims. It is true by default.
	// +kubebuilder:default=true
	// +optional
	IncludeResources *bool `json:"includeResources,omitempty"`

	// includeVolumes false moves no data, only objects. It is true by default.
	// +kubebuilder:default=true
	// +optional
	IncludeVolumes *bool `json:"includeVolumes,omitempty"`

	// startApplications false, the default, applies workloads scaled down or suspended.
	// +kubebuilder:default=false
	// +optional
	StartApplications *bool `json:"startApplications,omitempty"`

	// purgeDeletedResources true deletes objects at the destination that an earlier migration brought and that are gone from
	// the source.
	// +kubebuilder:default=false
	// +optional
	PurgeDeletedResources *bool `json:"purgeDeletedResources,omitempty"`

	// skipServiceUpdate true keeps the cluster and load balancer addresses of Services.
	// +kubebuilder:default=false
	// +optional
	SkipServiceUpdate *bool `json:"skipServiceUpdate,omitempty"`

	// includeNetworkPolicyWithCIDR true migrates NetworkPolicies that name addresses, which are seldom those of the destination.
	// +kubebuilder:default=false
	// +optional
	IncludeNetworkPolicyWithCIDR *bool `json:"includeNetworkPolicyWithCIDR,omitempty"`

	// skipDeletedNamespaces false fails the Migration when one of the namespaces does not exist. It is true by default.
	// +kubebuilder:default=true
	// +optional
	SkipDeletedNamespaces *bool `json:"skipDeletedNamespaces,omitempty"`

	// ignoreOwnerReferencesCheck true migrates objects although their owner is migrated too.
	// +kubebuilder:default=false
	// +optional
	IgnoreOwnerReferencesCheck *bool `json:"ignoreOwnerReferencesCheck,omitempty"`

	// selectors are labels that an object must all have to be migrated. A PersistentVolume is judged by its claim's labels.
	// +kubebuilder:validation:MaxProperties=100
	// +kubebuilder:validation:XValidation:rule="self.all(key, key.matches('^([A-Za-z0-9][-A-Za-z0-9.]*/)?[A-Za-z0-9][-A-Za-z0-9_.]*$'))",message="selectors must be labels by their keys, such as app or example.com/team: no operators, and no matchLabels around them"
	// +optional
	// +nullable
	Selectors map[string]string `json:"selectors,omitempty"`

	// excludeSelectors are labels of which an object that is migrated has none.
	// +kubebuilder:validation:MaxProperties=100
	// +kubebuilder:validation:XValidation:rule="self.all(key, key.matches('^([A-Za-z0-9][-A-Za-z0-9.]*/)?[A-Za-z0-9][-A-Za-z0-9_.]*$'))",message="excludeSelectors must be labels by their keys, such as app or example.com/team: no operators, and no matchLabels around them"
	// +optional
	// +nullable
	ExcludeSelectors map[string]string `json:"excludeSelectors,omitempty"`

	// includeOptionalResourceTypes are kinds to migrate that are left out by default, such as Job. A kind, its plural, and
	// kind.group are understood, in any case.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=atomic
	// +optional
	// +nullable
	IncludeOptionalResourceTypes []string `json:"includeOptionalResourceTypes,omitempty"`

	// excludeResourceTypes are kinds not to migrate. A kind, its plural, and kind.group are understood, in any case.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=atomic
	// +optional
	// +nullable
	ExcludeResourceTypes []string `json:"excludeResourceTypes,omitempty"`

	// transformSpecs names at most one ResourceTransformation, which is looked up in each migrated namespace.
	// +kubebuilder:validation:XValidation:rule="size(self) <= 1",message="providing multiple transformation specs is not supported: put all of them into one ResourceTransformation and name that in transformSpecs"
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="transformSpecs must hold the name of a ResourceTransformation, such as adapt, without a namespace: it is looked up in each migrated one"
	// +listType=atomic
	// +optional
	// +nullable
	TransformSpecs []string `json:"transformSpecs,omitempty"`

	// preExecRule names a Rule in the Migration's namespace that runs before volumes are migrated.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="preExecRule must be the name of a Rule in the Migration's namespace, such as flush-database"
	// +optional
	PreExecRule string `json:"preExecRule,omitempty"`

	// postExecRule names a Rule in the Migration's namespace that runs once the migration of volumes was triggered.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="postExecRule must be the name of a Rule in the Migration's namespace, such as flush-database"
	// +optional
	PostExecRule string `json:"postExecRule,omitempty"`

	// volumes says how volumes are moved.
	// +optional
	// +nullable
	Volumes *MigrationVolumes `json:"volumes,omitempty"`
}

// MigrationStageType is the stage of a Migration. A Migration goes through them in the order of declaration.
// +kubebuilder:validation:Enum="";PreExecRule;PostExecRule;Volumes;Applications;Final
type MigrationStageType string

const (
	// MigrationStageInitial is the stage of a Migration that was not looked at yet.
	MigrationStageInitial MigrationStageType = ""
	// MigrationStagePreExecRule runs the pre-exec rule.
	MigrationStagePreExecRule MigrationStageType = "PreExecRule"
	// MigrationStagePostExecRule runs the post-exec rule.
	MigrationStagePostExecRule MigrationStageType = "PostExecRule"
	// MigrationStageVolumes moves volumes.
	MigrationStageVolumes MigrationStageType = "Volumes"
	// MigrationStageApplications brings objects.
	MigrationStageApplications MigrationStageType = "Applications"
	// MigrationStageFinal is the end. A Migration in it is never worked on again.
	MigrationStageFinal MigrationStageType = "Final"
)

// MigrationStatusType is the state of a Migration, or of one of its objects or volumes.
// +kubebuilder:validation:Enum="";Pending;InProgress;Failed;PartialSuccess;Successful;Purged
type MigrationStatusType string

const (
	// MigrationStatusInitial is the state of a Migration that was not looked at yet.
	MigrationStatusInitial MigrationStatusType = ""
	// MigrationStatusPending means waiting.
	MigrationStatusPending MigrationStatusType = "Pending"
	// MigrationStatusInProgress means under way.
	MigrationStatusInProgress MigrationStatusType = "InProgress"
	// MigrationStatusFailed means that it did not arrive.
	MigrationStatusFailed MigrationStatusType = "Failed"
	// MigrationStatusPartialSuccess means that some objects did not arrive.
	MigrationStatusPartialSuccess MigrationStatusType = "PartialSuccess"
	// MigrationStatusSuccessful means that it arrived.
	MigrationStatusSuccessful MigrationStatusType = "Successful"
	// MigrationStatusPurged is the state of an object that was deleted at the destination because it is gone from the source.
	MigrationStatusPurged MigrationStatusType = "Purged"
)

// MigrationResourceInfo is what became of one object.
type MigrationResourceInfo struct {
	// name of the object.
	Name string `json:"name"`
	// namespace of the object at the source; empty for a cluster-scoped one.
	// +optional
	Namespace string `json:"namespace"`
	// group of the object's kind; the core group is written as "core".
	// +optional
	Group string `json:"group"`
	// version of the object's kind.
	// +optional
	Version string `json:"version"`
	// kind of the object.
	// +optional
	Kind string `json:"kind"`
	// status of the object.
	// +optional
	Status MigrationStatusType `json:"status"`
	// reason says what happened, and for a failure what can be done about it.
	// +optional
	Reason string `json:"reason"`
	// transformedBy is the ResourceTransformation that changed the object.
	// +optional
	TransformedBy string `json:"transformedBy,omitempty"`
	// action is what was done at the destination.
	// +kubebuilder:validation:Enum="";Created;Updated;Unchanged;Recreated;Purged;Skipped
	// +optional
	Action string `json:"action,omitempty"`
	// changes names the transformers that changed the object on the way.
	// +listType=atomic
	// +optional
	Changes []string `json:"changes,omitempty"`
	// destinationNamespace is set when it differs from namespace.
	// +optional
	DestinationNamespace string `json:"destinationNamespace,omitempty"`
}

// MigrationSummary counts what was migrated.
type MigrationSummary struct {
	// totalNumberOfVolumes is the number of volumes to migrate.
	// +optional
	TotalNumberOfVolumes uint64 `json:"totalNumberOfVolumes"`
	// numOfMigratedVolumes is the number of volumes that arrived.
	// +optional
	NumberOfMigratedVolumes uint64 `json:"numOfMigratedVolumes"`
	// totalNumberOfResources is the number of objects to migrate, purged ones included.
	// +optional
	TotalNumberOfResources uint64 `json:"totalNumberOfResources"`
	// numOfMigratedResources is the number of objects that arrived or were there already.
	// +optional
	NumberOfMigratedResources uint64 `json:"numOfMigratedResources"`
	// totalBytesMigrated is the number of bytes of volumes that were moved.
	// +optional
	TotalBytesMigrated uint64 `json:"totalBytesMigrated"`
	// elapsedTimeForVolumeMigration is a Go duration, or NA without volumes.
	// +optional
	ElapsedTimeForVolumeMigration string `json:"elapsedTimeForVolumeMigration"`
	// elapsedTimeForResourceMigration is a Go duration, or NA without objects.
	// +optional
	ElapsedTimeForResourceMigration string `json:"elapsedTimeForResourceMigration"`

	// resourcesCreated is the number of objects that were created at the destination.
	// +optional
	ResourcesCreated int64 `json:"resourcesCreated,omitempty"`
	// resourcesUpdated is the number of objects that were changed at the destination.
	// +optional
	ResourcesUpdated int64 `json:"resourcesUpdated,omitempty"`
	// resourcesUnchanged is the number of objects that were at the destination as they should be.
	// +optional
	ResourcesUnchanged int64 `json:"resourcesUnchanged,omitempty"`
	// resourcesFailed is the number of objects that did not arrive.
	// +optional
	ResourcesFailed int64 `json:"resourcesFailed,omitempty"`
	// resourcesPurged is the number of objects that were deleted at the destination.
	// +optional
	ResourcesPurged int64 `json:"resourcesPurged,omitempty"`
	// resourcesSkipped is the number of objects that were left out for a reason worth telling.
	// +optional
	ResourcesSkipped int64 `json:"resourcesSkipped,omitempty"`
}

// MigrationProgress is the summary in the form in which tables show it.
type MigrationProgress struct {
	// volumes is "arrived/total", or N/A.
	// +optional
	Volumes string `json:"volumes,omitempty"`
	// resources is "arrived/total", or N/A.
	// +optional
	Resources string `json:"resources,omitempty"`
	// elapsed tells how long each part took.
	// +optional
	Elapsed string `json:"elapsed,omitempty"`
}

// MigrationReport says where the results of all objects are when there are too many for status.resources.
type MigrationReport struct {
	// configMaps are names of ConfigMaps in the Migration's namespace which together hold all results, in order.
	// +listType=atomic
	// +optional
	ConfigMaps []string `json:"configMaps,omitempty"`
	// total is the number of results in them.
	// +optional
	Total int64 `json:"total,omitempty"`
}

// MigrationStatus is what has become of a Migration.
type MigrationStatus struct {
	// stage the Migration is in.
	// +optional
	Stage MigrationStageType `json:"stage"`
	// status of the Migration.
	// +optional
	Status MigrationStatusType `json:"status"`
	// resources are the results of objects, failures first. Where not all fit, report says where all of them are.
	// +kubebuilder:validation:MaxItems=10000
	// +listType=atomic
	// +optional
	Resources []*MigrationResourceInfo `json:"resources,omitempty"`
	// volumes are the results of volumes.
	// +kubebuilder:validation:MaxItems=10000
	// +listType=atomic
	// +optional
	Volumes []*MigrationVolumeInfo `json:"volumes,omitempty"`
	// report says where the results of all objects are.
	// +optional
	Report *MigrationReport `json:"report,omitempty"`
	// notices tell what was left out or done differently on purpose, for example a failing API group or a version that the
	// destination does not serve.
	// +kubebuilder:validation:MaxItems=100
	// +listType=atomic
	// +optional
	Notices []string `json:"notices,omitempty"`
	// pendingSince is when the Migration began to wait for something that does not exist or is not ready; unset while it does not.
	// +optional
	PendingSince *metav1.Time `json:"pendingSince,omitempty"`
	// startTimestamp is when work began.
	// +optional
	StartTimestamp *metav1.Time `json:"startTimestamp,omitempty"`
	// finishTimestamp is when the Migration became Final.
	// +optional
	FinishTimestamp *metav1.Time `json:"finishTimestamp,omitempty"`
	// volumeMigrationFinishTimestamp is when the volumes were done.
	// +optional
	VolumeMigrationFinishTimestamp *metav1.Time `json:"volumeMigrationFinishTimestamp,omitempty"`
	// resourceMigrationFinishTimestamp is when the objects were done.
	// +optional
	ResourceMigrationFinishTimestamp *metav1.Time `json:"resourceMigrationFinishTimestamp,omitempty"`
	// summary counts what was migrated.
	// +optional
	Summary *MigrationSummary `json:"summary,omitempty"`
	// progress is the summary in the form in which tables show it.
	// +optional
	Progress *MigrationProgress `json:"progress,omitempty"`
	// conditions are Succeeded, Reconciling and Stalled.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that this status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// Migration brings the objects, and the volumes, of namespaces to another cluster, once.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=migrations
// +kubebuilder:printcolumn:name="ClusterPair",type=string,JSONPath=`.spec.clusterPair`
// +kubebuilder:printcolumn:name="Stage",type=string,JSONPath=`.status.stage`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.status`
// +kubebuilder:printcolumn:name="Volumes",type=string,JSONPath=`.status.progress.volumes`
// +kubebuilder:printcolumn:name="Resources",type=string,JSONPath=`.status.progress.resources`
// +kubebuilder:printcolumn:name="Created",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Elapsed",type=string,JSONPath=`.status.progress.elapsed`
// +kubebuilder:printcolumn:name="Total Bytes Transferred",type=integer,JSONPath=`.status.summary.totalBytesMigrated`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Succeeded")].message`
// +kubebuilder:selectablefield:JSONPath=`.spec.clusterPair`
// +kubebuilder:validation:XValidation:rule="has(self.spec) || (oldSelf.hasValue() && !has(oldSelf.value().spec))",optionalOldSelf=true,message="spec is missing: say there what to migrate, and where to"
type Migration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what is migrated, where to, and how.
	// +optional
	Spec MigrationSpec `json:"spec"`
	// status is what has become of it.
	// +optional
	Status MigrationStatus `json:"status,omitempty"`
}

// MigrationList is a list of Migrations.
//
// +kubebuilder:object:root=true
type MigrationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Migration `json:"items"`
}
