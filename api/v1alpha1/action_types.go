package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ActionType is what an Action does.
// +kubebuilder:validation:Enum=nearsyncFailover;failover;failback
type ActionType string

const (
	// ActionTypeNearSyncFailover promotes near-synchronous volumes.
	ActionTypeNearSyncFailover ActionType = "nearsyncFailover"
	// ActionTypeFailover moves applications to the destination of a schedule.
	ActionTypeFailover ActionType = "failover"
	// ActionTypeFailback moves them back.
	ActionTypeFailback ActionType = "failback"
)

// ActionStageType is the stage of an Action.
// +kubebuilder:validation:Enum="";ScaleDownDestination;ScaleDownSource;ScaleUpDestination;ScaleUpSource;LastMileMigration;WaitAfterScaleDown;Final
type ActionStageType string

// Stages of an Action.
const (
	ActionStageInitial              ActionStageType = ""
	ActionStageScaleDownDestination ActionStageType = "ScaleDownDestination"
	ActionStageScaleDownSource      ActionStageType = "ScaleDownSource"
	ActionStageScaleUpDestination   ActionStageType = "ScaleUpDestination"
	ActionStageScaleUpSource        ActionStageType = "ScaleUpSource"
	ActionStageLastMileMigration    ActionStageType = "LastMileMigration"
	ActionStageWaitAfterScaleDown   ActionStageType = "WaitAfterScaleDown"
	ActionStageFinal                ActionStageType = "Final"
)

// ActionStatusType is the state of an Action, or of one namespace in it. In-Progress has a hyphen, as Stork writes it.
// +kubebuilder:validation:Enum="";Scheduled;In-Progress;Failed;Successful;RollbackSuccessful;RollbackFailed
type ActionStatusType string

// States of an Action.
const (
	ActionStatusInitial            ActionStatusType = ""
	ActionStatusScheduled          ActionStatusType = "Scheduled"
	ActionStatusInProgress         ActionStatusType = "In-Progress"
	ActionStatusFailed             ActionStatusType = "Failed"
	ActionStatusSuccessful         ActionStatusType = "Successful"
	ActionStatusRollbackSuccessful ActionStatusType = "RollbackSuccessful"
	ActionStatusRollbackFailed     ActionStatusType = "RollbackFailed"
)

// ObjectInfo names one object.
type ObjectInfo struct {
	// group of the object's kind.
	// +optional
	Group string `json:"group,omitempty"`
	// version of the object's kind.
	// +optional
	Version string `json:"version,omitempty"`
	// kind of the object.
	// +optional
	Kind string `json:"kind,omitempty"`
	// name of the object.
	// +kubebuilder:validation:MinLength=1
	// +required
	Name string `json:"name"`
	// namespace of the object.
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// ActionFilter narrows what an Action starts and stops. Objects are chosen either one by one or by what they have in common.
//
// +kubebuilder:validation:XValidation:rule="size(self.?selectors.orValue({})) == 0 || size(self.?excludeSelectors.orValue({})) == 0",message="selectors and excludeSelectors exclude each other: keep one of them"
// +kubebuilder:validation:XValidation:rule="size(self.?includeObjects.orValue([])) == 0 || size(self.?excludeObjects.orValue([])) == 0",message="includeObjects and excludeObjects exclude each other: keep one of them"
// +kubebuilder:validation:XValidation:rule="size(self.?includeObjects.orValue([])) + size(self.?excludeObjects.orValue([])) == 0 || size(self.?selectors.orValue({})) + size(self.?excludeSelectors.orValue({})) + size(self.?types.orValue([])) == 0",message="includeObjects and excludeObjects cannot go with selectors, excludeSelectors or types: choose objects by name or by what they have in common"
type ActionFilter struct {
	// selectors are labels that an object must all have.
	// +optional
	// +nullable
	Selectors map[string]string `json:"selectors,omitempty"`
	// excludeSelectors are labels of which an object has none.
	// +optional
	// +nullable
	ExcludeSelectors map[string]string `json:"excludeSelectors,omitempty"`
	// types are kinds; empty means all.
	// +kubebuilder:validation:MaxItems=100
	// +listType=atomic
	// +optional
	// +nullable
	Types []string `json:"types,omitempty"`
	// includeObjects are the only objects to start and stop.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=atomic
	// +optional
	// +nullable
	IncludeObjects []ObjectInfo `json:"includeObjects,omitempty"`
	// excludeObjects are objects not to start and stop.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=atomic
	// +optional
	// +nullable
	ExcludeObjects []ObjectInfo `json:"excludeObjects,omitempty"`
	// skipLastMileMigration true leaves out the migration between stopping and starting.
	// +optional
	// +nullable
	SkipLastMileMigration *bool `json:"skipLastMileMigration,omitempty"`
}

// FailoverParameter is what a failover needs to know.
type FailoverParameter struct {
	// failoverNamespaces are the namespaces to fail over.
	// +kubebuilder:validation:MaxItems=5000
	// +listType=atomic
	// +optional
	// +nullable
	FailoverNamespaces []string `json:"failoverNamespaces,omitempty"`
	// migrationScheduleReference is the schedule that brought the applications here.
	// +optional
	MigrationScheduleReference string `json:"migrationScheduleReference"`
	// skipSourceOperations true does nothing at the source, which must be stopped by other means.
	// +optional
	// +nullable
	SkipSourceOperations *bool `json:"skipSourceOperations,omitempty"`
	// skipSourceClusterDomainDeactivation true leaves the source's cluster domain active. It makes no difference: cluster domains are
	// never deactivated.
	// +optional
	// +nullable
	SkipSourceClusterDomainDeactivation *bool `json:"skipSourceClusterDomainDeactivation,omitempty"`

	ActionFilter `json:",inline"`
}

// FailbackParameter is what a failback needs to know.
type FailbackParameter struct {
	// failbackNamespaces are the namespaces to fail back.
	// +kubebuilder:validation:MaxItems=5000
	// +listType=atomic
	// +optional
	// +nullable
	FailbackNamespaces []string `json:"failbackNamespaces,omitempty"`
	// migrationScheduleReference is the reverse schedule.
	// +optional
	MigrationScheduleReference string `json:"migrationScheduleReference"`

	ActionFilter `json:",inline"`
}

// ActionParameter holds the parameters of one type of Action.
type ActionParameter struct {
	// failoverParameter is for actionType failover.
	// +optional
	FailoverParameter FailoverParameter `json:"failoverParameter,omitempty"`
	// failbackParameter is for actionType failback.
	// +optional
	FailbackParameter FailbackParameter `json:"failbackParameter,omitempty"`
}

// ActionSpec says what an Action does. Clients write the parameters of both types, those of the other one empty.
//
// +kubebuilder:validation:XValidation:rule="self.?actionType.orValue(\"\") != 'failover' || size(self.?actionParameter.?failoverParameter.?migrationScheduleReference.orValue(\"\")) > 0",message="actionParameter.failoverParameter.migrationScheduleReference is empty: name the MigrationSchedule of this namespace to fail over"
// +kubebuilder:validation:XValidation:rule="self.?actionType.orValue(\"\") != 'failback' || size(self.?actionParameter.?failbackParameter.?migrationScheduleReference.orValue(\"\")) > 0",message="actionParameter.failbackParameter.migrationScheduleReference is empty: name the reverse MigrationSchedule of this namespace"
// +kubebuilder:validation:XValidation:rule="self.?actionType.orValue(\"\") != 'failover' || size(self.?actionParameter.?failbackParameter.?migrationScheduleReference.orValue(\"\")) == 0",message="actionParameter.failbackParameter is for actionType failback: move it to failoverParameter, or change actionType"
// +kubebuilder:validation:XValidation:rule="self.?actionType.orValue(\"\") != 'failback' || size(self.?actionParameter.?failoverParameter.?migrationScheduleReference.orValue(\"\")) == 0",message="actionParameter.failoverParameter is for actionType failover: move it to failbackParameter, or change actionType"
type ActionSpec struct {
	// actionType is what to do.
	// +required
	ActionType ActionType `json:"actionType"`
	// actionParameter is what it needs to know.
	// +optional
	ActionParameter ActionParameter `json:"actionParameter,omitempty"`
}

// NamespaceActionSummary is what became of one namespace.
type NamespaceActionSummary struct {
	// namespace it is about.
	Namespace string `json:"namespace"`
	// status of the namespace.
	// +optional
	Status ActionStatusType `json:"status"`
	// reason of the status.
	// +optional
	Reason string `json:"reason"`
}

// ActionSummary is what became of each namespace.
type ActionSummary struct {
	// failoverSummary is for actionType failover.
	// +kubebuilder:validation:MaxItems=5000
	// +listType=atomic
	// +optional
	FailoverSummary []*NamespaceActionSummary `json:"failoverSummary,omitempty"`
	// failbackSummary is for actionType failback.
	// +kubebuilder:validation:MaxItems=5000
	// +listType=atomic
	// +optional
	FailbackSummary []*NamespaceActionSummary `json:"failbackSummary,omitempty"`
}

// ActionStatus is what has become of an Action.
type ActionStatus struct {
	// stage the Action is in.
	// +optional
	Stage ActionStageType `json:"stage"`
	// status of the Action.
	// +optional
	Status ActionStatusType `json:"status"`
	// finishTimestamp is when it became Final.
	// +optional
	FinishTimestamp *metav1.Time `json:"finishTimestamp,omitempty"`
	// reason of the status.
	// +optional
	Reason string `json:"reason"`
	// summary is what became of each namespace.
	// +optional
	Summary *ActionSummary `json:"summary,omitempty"`
	// stageTimestamp is when the stage, or what it waits for now, began.
	// +optional
	StageTimestamp *metav1.Time `json:"stageTimestamp,omitempty"`
	// conditions are Succeeded, Reconciling and Stalled, Warned where there is more to tell, and SourceFenced where the source was left
	// out.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that this status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// Action fails applications over or back, once.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=actions
// +kubebuilder:printcolumn:name="Created",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Stage",type=string,JSONPath=`.status.stage`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.status`
// +kubebuilder:printcolumn:name="More Info",type=string,JSONPath=`.status.reason`
// +kubebuilder:validation:XValidation:rule="has(self.spec) || (oldSelf.hasValue() && !has(oldSelf.value().spec))",optionalOldSelf=true,message="spec is missing: say there what to do"
// +kubebuilder:validation:XValidation:rule="(oldSelf.?status.?stage.orValue(\"\") == \"\" && oldSelf.?status.?status.orValue(\"\") != 'In-Progress') || !has(self.spec) || !has(oldSelf.spec) || self.spec.actionType == oldSelf.spec.actionType",message="spec.actionType cannot be changed any more, for the Action has begun: create another one, after deleting this one if it is to be undone"
type Action struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what to do.
	// +optional
	Spec ActionSpec `json:"spec"`
	// status is what has become of it.
	// +optional
	Status ActionStatus `json:"status,omitempty"`
}

// ActionList is a list of Actions.
//
// +kubebuilder:object:root=true
type ActionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Action `json:"items"`
}
