package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KitchenTime is a time of day such as 3:04PM or 3:04pm.
// +kubebuilder:validation:Pattern=`^(0?[1-9]|1[0-2]):[0-5][0-9](AM|PM|am|pm)$`
// +kubebuilder:validation:MaxLength=7
type KitchenTime string

// Weekday is a day of the week, long or short.
// +kubebuilder:validation:Enum=Sunday;Sun;sunday;sun;Monday;Mon;monday;mon;Tuesday;Tue;tuesday;tue;Wednesday;Wed;wednesday;wed;Thursday;Thu;Thur;Thurs;thursday;thu;thur;thurs;Friday;Fri;friday;fri;Saturday;Sat;saturday;sat
type Weekday string

// SchedulePolicyItem says when something runs. Sections that are not set do not trigger.
type SchedulePolicyItem struct {
	// interval triggers every so many minutes.
	// +optional
	Interval *IntervalPolicy `json:"interval,omitempty"`
	// daily triggers once a day.
	// +optional
	Daily *DailyPolicy `json:"daily,omitempty"`
	// weekly triggers once a week.
	// +optional
	Weekly *WeeklyPolicy `json:"weekly,omitempty"`
	// monthly triggers once a month.
	// +optional
	Monthly *MonthlyPolicy `json:"monthly,omitempty"`
}

// IntervalPolicy triggers every so many minutes.
type IntervalPolicy struct {
	// intervalMinutes is the number of minutes between two runs.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=525600
	IntervalMinutes int `json:"intervalMinutes"`
	// retain is the number of results to keep; 0 means 10.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// options are for the storage driver.
	// +optional
	Options map[string]string `json:"options,omitempty"`
}

// DailyPolicy triggers once a day.
type DailyPolicy struct {
	// time of the day.
	Time KitchenTime `json:"time"`
	// retain is the number of results to keep; 0 means 30.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// forceFullSnapshotDay is a weekday on which snapshots are full. Migrations do not use it.
	// +optional
	ForceFullSnapshotDay string `json:"forceFullSnapshotDay,omitempty"`
	// options are for the storage driver.
	// +optional
	Options map[string]string `json:"options,omitempty"`
}

// WeeklyPolicy triggers once a week.
type WeeklyPolicy struct {
	// day of the week.
	Day Weekday `json:"day"`
	// time of the day.
	Time KitchenTime `json:"time"`
	// retain is the number of results to keep; 0 means 7.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// biweekly true skips every other week.
	// +optional
	Biweekly bool `json:"biweekly,omitempty"`
	// options are for the storage driver.
	// +optional
	Options map[string]string `json:"options,omitempty"`
}

// MonthlyPolicy triggers once a month. selectiveMonthlyPolicy goes before relativeMonthlyPolicy, which goes before date.
//
// +kubebuilder:validation:XValidation:rule="has(self.date) || has(self.relativeMonthlyPolicy) || has(self.selectiveMonthlyPolicy)",message="set date, relativeMonthlyPolicy or selectiveMonthlyPolicy"
// +kubebuilder:validation:XValidation:rule="!has(self.date) || has(self.time)",message="time is needed along with date"
type MonthlyPolicy struct {
	// date is the day of the month. Where a month lacks it, the run is as many days into the next month.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=31
	// +optional
	Date int `json:"date,omitempty"`
	// time of the day.
	// +optional
	Time KitchenTime `json:"time,omitempty"`
	// retain is the number of results to keep; 0 means 12.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// relativeMonthlyPolicy triggers on a weekday counted from the start of the month.
	// +optional
	RelativeMonthlyPolicy *RelativeMonthlyPolicy `json:"relativeMonthlyPolicy,omitempty"`
	// selectiveMonthlyPolicy triggers in some months only.
	// +optional
	SelectiveMonthlyPolicy *SelectiveMonthlyPolicy `json:"selectiveMonthlyPolicy,omitempty"`
	// options are for the storage driver.
	// +optional
	Options map[string]string `json:"options,omitempty"`
}

// RelativeMonthlyPolicy triggers on, say, the second Tuesday of a month.
type RelativeMonthlyPolicy struct {
	// day of the week.
	Day Weekday `json:"day"`
	// weeklyIndex is the how-manieth such day of the month; 5 means the last.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5
	WeeklyIndex int `json:"weeklyIndex"`
	// time of the day.
	Time KitchenTime `json:"time"`
	// retain is the number of results to keep; 0 means 12.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// options are for the storage driver.
	// +optional
	Options map[string]string `json:"options,omitempty"`
}

// SelectiveMonthlyPolicy triggers in some months only.
type SelectiveMonthlyPolicy struct {
	// months are three-letter names separated by commas, for example "jan,apr"; empty means all.
	// +kubebuilder:validation:MaxLength=100
	// +optional
	Months string `json:"months,omitempty"`
	// date is the day of the month.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=31
	Date int `json:"date"`
	// time of the day.
	Time KitchenTime `json:"time"`
	// retain is the number of results to keep; 0 means 12.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// options are for the storage driver.
	// +optional
	Options map[string]string `json:"options,omitempty"`
}

// SchedulePolicy says when things run, for the whole cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=schedulepolicies,scope=Cluster
// +kubebuilder:printcolumn:name="Interval-Minutes",type=integer,JSONPath=`.policy.interval.intervalMinutes`
// +kubebuilder:printcolumn:name="Daily",type=string,JSONPath=`.policy.daily.time`
// +kubebuilder:printcolumn:name="Weekly",type=string,JSONPath=`.policy.weekly.day`
// +kubebuilder:printcolumn:name="Monthly",type=integer,JSONPath=`.policy.monthly.date`
type SchedulePolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// policy says when.
	// +optional
	Policy SchedulePolicyItem `json:"policy"`
}

// SchedulePolicyList is a list of SchedulePolicies.
//
// +kubebuilder:object:root=true
type SchedulePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SchedulePolicy `json:"items"`
}

// NamespacedSchedulePolicy says when things run, for one namespace. It goes before a SchedulePolicy of the same name.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=namespacedschedulepolicies
// +kubebuilder:printcolumn:name="Interval-Minutes",type=integer,JSONPath=`.policy.interval.intervalMinutes`
// +kubebuilder:printcolumn:name="Daily",type=string,JSONPath=`.policy.daily.time`
// +kubebuilder:printcolumn:name="Weekly",type=string,JSONPath=`.policy.weekly.day`
// +kubebuilder:printcolumn:name="Monthly",type=integer,JSONPath=`.policy.monthly.date`
type NamespacedSchedulePolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// policy says when.
	// +optional
	Policy SchedulePolicyItem `json:"policy"`
}

// NamespacedSchedulePolicyList is a list of NamespacedSchedulePolicies.
//
// +kubebuilder:object:root=true
type NamespacedSchedulePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NamespacedSchedulePolicy `json:"items"`
}
