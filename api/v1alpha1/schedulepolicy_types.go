package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KitchenTime is a time of day such as 3:04PM or 3:04pm: what Go's time.Kitchen reads.
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^$|^(0?[0-9]|1[0-2]):[0-5][0-9](AM|PM|am|pm)$')",message="time must be hour, minute, and AM or PM without a blank, such as 3:04PM or 3:04pm"
type KitchenTime string

// Weekday is a day of the week, long or short, in any case.
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('(?i)^(sun(day)?|mon(day)?|tue(sday)?|wed(nesday)?|thu(r|rs|rsday)?|fri(day)?|sat(urday)?)$')",message="day must be one day of the week, such as Sunday or sun"
type Weekday string

// SchedulePolicyItem says when something runs. Sections that are not set do not trigger.
//
// +kubebuilder:validation:XValidation:rule="has(self.interval) || has(self.daily) || has(self.weekly) || has(self.monthly)",message="policy is empty and would never trigger: set interval, daily, weekly or monthly"
type SchedulePolicyItem struct {
	// interval triggers every so many minutes.
	// +optional
	// +nullable
	Interval *IntervalPolicy `json:"interval,omitempty"`
	// daily triggers once a day.
	// +optional
	// +nullable
	Daily *DailyPolicy `json:"daily,omitempty"`
	// weekly triggers once a week.
	// +optional
	// +nullable
	Weekly *WeeklyPolicy `json:"weekly,omitempty"`
	// monthly triggers once a month.
	// +optional
	// +nullable
	Monthly *MonthlyPolicy `json:"monthly,omitempty"`

	// timeZone that times of day are in, such as Europe/Berlin. Empty means the operator's default, which is UTC.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^$|^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')",message="timeZone must be a name of the IANA time zone database, such as UTC or Europe/Berlin"
	// +optional
	TimeZone string `json:"timeZone,omitempty"`
}

// IntervalPolicy triggers every so many minutes.
type IntervalPolicy struct {
	// intervalMinutes is the number of minutes between two runs.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=525600
	// +required
	IntervalMinutes int `json:"intervalMinutes"`
	// retain is the number of results to keep; 0 means 10.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// options are for the storage driver.
	// +optional
	// +nullable
	Options map[string]string `json:"options,omitempty"`
}

// DailyPolicy triggers once a day.
type DailyPolicy struct {
	// time of the day.
	// +kubebuilder:validation:MinLength=1
	// +required
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
	// +nullable
	Options map[string]string `json:"options,omitempty"`
}

// WeeklyPolicy triggers once a week.
type WeeklyPolicy struct {
	// day of the week.
	// +required
	Day Weekday `json:"day"`
	// time of the day.
	// +kubebuilder:validation:MinLength=1
	// +required
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
	// +nullable
	Options map[string]string `json:"options,omitempty"`
}

// MonthlyPolicy triggers once a month. selectiveMonthlyPolicy goes before relativeMonthlyPolicy, which goes before date.
//
// +kubebuilder:validation:XValidation:rule="self.?date.orValue(0) > 0 || has(self.relativeMonthlyPolicy) || has(self.selectiveMonthlyPolicy)",message="monthly has no day: set date to 1..31, or use relativeMonthlyPolicy or selectiveMonthlyPolicy"
// +kubebuilder:validation:XValidation:rule="self.?date.orValue(0) == 0 || size(self.?time.orValue(\"\")) > 0",message="monthly has a date but no time: set time, such as 3:04PM"
type MonthlyPolicy struct {
	// date is the day of the month; 0 means none. Where a month lacks it, the run is as many days into the next month.
	// +kubebuilder:validation:Minimum=0
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
	// +nullable
	RelativeMonthlyPolicy *RelativeMonthlyPolicy `json:"relativeMonthlyPolicy,omitempty"`
	// selectiveMonthlyPolicy triggers in some months only.
	// +optional
	// +nullable
	SelectiveMonthlyPolicy *SelectiveMonthlyPolicy `json:"selectiveMonthlyPolicy,omitempty"`
	// options are for the storage driver.
	// +optional
	// +nullable
	Options map[string]string `json:"options,omitempty"`
}

// RelativeMonthlyPolicy triggers on, say, the second Tuesday of a month.
type RelativeMonthlyPolicy struct {
	// day of the week.
	// +required
	Day Weekday `json:"day"`
	// weeklyIndex is the how-manieth such day of the month; 5 means the last.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5
	// +required
	WeeklyIndex int `json:"weeklyIndex"`
	// time of the day.
	// +kubebuilder:validation:MinLength=1
	// +required
	Time KitchenTime `json:"time"`
	// retain is the number of results to keep; 0 means 12.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// options are for the storage driver.
	// +optional
	// +nullable
	Options map[string]string `json:"options,omitempty"`
}

// SelectiveMonthlyPolicy triggers in some months only.
type SelectiveMonthlyPolicy struct {
	// months are names separated by commas, in full or the first three letters, in any case, for example "jan,apr"; empty means
	// all.
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('(?i)^((^|,) *(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sep(tember)?|oct(ober)?|nov(ember)?|dec(ember)?) *)*$')",message="months must be names of months separated by commas, such as jan,apr,jul,oct"
	// +optional
	Months string `json:"months,omitempty"`
	// date is the day of the month.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=31
	// +required
	Date int `json:"date"`
	// time of the day.
	// +kubebuilder:validation:MinLength=1
	// +required
	Time KitchenTime `json:"time"`
	// retain is the number of results to keep; 0 means 12.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Retain int `json:"retain,omitempty"`
	// options are for the storage driver.
	// +optional
	// +nullable
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
// +kubebuilder:printcolumn:name="Weekly-Time",type=string,priority=1,JSONPath=`.policy.weekly.time`
// +kubebuilder:printcolumn:name="Monthly-Time",type=string,priority=1,JSONPath=`.policy.monthly.time`
// +kubebuilder:validation:XValidation:rule="has(self.policy) || (oldSelf.hasValue() && !has(oldSelf.value().policy))",optionalOldSelf=true,message="policy is missing: say there when to run"
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
// +kubebuilder:printcolumn:name="Weekly-Time",type=string,priority=1,JSONPath=`.policy.weekly.time`
// +kubebuilder:printcolumn:name="Monthly-Time",type=string,priority=1,JSONPath=`.policy.monthly.time`
// +kubebuilder:validation:XValidation:rule="has(self.policy) || (oldSelf.hasValue() && !has(oldSelf.value().policy))",optionalOldSelf=true,message="policy is missing: say there when to run"
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
