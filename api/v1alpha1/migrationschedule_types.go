package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MigrationTemplateSpec is what the Migrations of a MigrationSchedule are made from.
type MigrationTemplateSpec struct {
	// spec is copied into each Migration.
	// +required
	Spec MigrationSpec `json:"spec"`
}

// MigrationScheduleSpec says what is migrated and when. Without a policy it can only be suspended, as a reference for failover.
//
// +kubebuilder:validation:XValidation:rule="size(self.?schedulePolicyName.orValue(\"\")) > 0 || self.?suspend.orValue(false)",message="there is no policy to run by: name a NamespacedSchedulePolicy of this namespace, or a SchedulePolicy, in schedulePolicyName"
type MigrationScheduleSpec struct {
	// template is what Migrations are made from.
	// +required
	Template MigrationTemplateSpec `json:"template"`

	// schedulePolicyName names a NamespacedSchedulePolicy of this namespace or, where there is none, a SchedulePolicy.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SchedulePolicyName string `json:"schedulePolicyName,omitempty"`

	// suspend true starts no further Migrations.
	// +kubebuilder:default=false
	// +optional
	Suspend *bool `json:"suspend,omitempty"`

	// autoSuspend true suspends the schedule when its applications were activated at the destination.
	// +kubebuilder:default=false
	// +optional
	AutoSuspend bool `json:"autoSuspend"`
}

// SchedulePolicyType is the section of a policy that triggered a run.
type SchedulePolicyType string

const (
	// SchedulePolicyTypeInterval runs every so many minutes.
	SchedulePolicyTypeInterval SchedulePolicyType = "Interval"
	// SchedulePolicyTypeDaily runs once a day.
	SchedulePolicyTypeDaily SchedulePolicyType = "Daily"
	// SchedulePolicyTypeWeekly runs once a week.
	SchedulePolicyTypeWeekly SchedulePolicyType = "Weekly"
	// SchedulePolicyTypeMonthly runs once a month.
	SchedulePolicyTypeMonthly SchedulePolicyType = "Monthly"
)

// ScheduledMigrationStatus is one Migration of a schedule.
type ScheduledMigrationStatus struct {
	// name of the Migration.
	Name string `json:"name"`
	// creationTimestamp is when it was triggered.
	// +optional
	CreationTimestamp *metav1.Time `json:"creationTimestamp,omitempty"`
	// finishTimestamp is when it was seen to be finished.
	// +optional
	FinishTimestamp *metav1.Time `json:"finishTimestamp,omitempty"`
	// status of the Migration.
	// +optional
	Status MigrationStatusType `json:"status"`
}

// MigrationScheduleStatus is what a schedule has done.
type MigrationScheduleStatus struct {
	// items are the Migrations by the kind of policy that triggered them: Interval, Daily, Weekly and Monthly.
	// +optional
	Items map[SchedulePolicyType][]*ScheduledMigrationStatus `json:"items,omitempty"`

	// applicationActivated is true on the copy at the destination while the applications run there.
	// +optional
	ApplicationActivated bool `json:"applicationActivated"`

	// lastSuccessTime is when the last successful Migration finished.
	// +optional
	LastSuccessTime *metav1.Time `json:"lastSuccessTime,omitempty"`

	// lastSuccessDuration is how long it took, as a Go duration.
	// +optional
	LastSuccessDuration string `json:"lastSuccessDuration,omitempty"`

	// nextRunTime is when the next Migration starts, if nothing keeps it from it.
	// +optional
	NextRunTime *metav1.Time `json:"nextRunTime,omitempty"`

	// observedPolicy is the UID and generation of the policy that nextRunTime follows from. It is empty while the schedule is
	// suspended.
	// +optional
	ObservedPolicy string `json:"observedPolicy,omitempty"`

	// observedPolicyTime is since when the schedule has followed that policy. Times of day before it were not missed.
	// +optional
	ObservedPolicyTime *metav1.Time `json:"observedPolicyTime,omitempty"`

	// copiedHash is an opaque hash of what was last written into the copy at the destination.
	// +optional
	CopiedHash string `json:"copiedHash,omitempty"`

	// copiedTo is the ClusterPair, as namespace/name, that leads to that copy.
	// +optional
	CopiedTo string `json:"copiedTo,omitempty"`

	// conditions sum the schedule up: Ready, and Copied for its copy at the destination.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// MigrationSchedule makes Migrations by a policy.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=migrationschedules
// +kubebuilder:printcolumn:name="PolicyName",type=string,JSONPath=`.spec.schedulePolicyName`
// +kubebuilder:printcolumn:name="ClusterPair",type=string,JSONPath=`.spec.template.spec.clusterPair`
// +kubebuilder:printcolumn:name="Suspend",type=boolean,JSONPath=`.spec.suspend`
// +kubebuilder:printcolumn:name="Next-Run-Time",type=string,priority=1,JSONPath=`.status.nextRunTime`
// +kubebuilder:printcolumn:name="Last-Success-Time",type=date,JSONPath=`.status.lastSuccessTime`
// +kubebuilder:printcolumn:name="Last-Success-Duration",type=string,JSONPath=`.status.lastSuccessDuration`
// +kubebuilder:validation:XValidation:rule="has(self.spec) || (oldSelf.hasValue() && !has(oldSelf.value().spec))",optionalOldSelf=true,message="spec is missing: say there what to migrate, and when"
type MigrationSchedule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what is migrated and when.
	// +optional
	Spec MigrationScheduleSpec `json:"spec"`
	// status is what was done.
	// +optional
	Status MigrationScheduleStatus `json:"status,omitempty"`
}

// MigrationScheduleList is a list of MigrationSchedules.
//
// +kubebuilder:object:root=true
type MigrationScheduleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MigrationSchedule `json:"items"`
}
