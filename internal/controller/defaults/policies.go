package defaults

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// policies are those that Stork installs, by its names and with its values.
func policies() []*storkv1alpha1.SchedulePolicy {
	const midnight = "12:00am"
	var made []*storkv1alpha1.SchedulePolicy
	for _, policy := range []struct {
		name string
		item storkv1alpha1.SchedulePolicyItem
	}{
		{"default-migration-policy", storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 30}}},
		{"default-interval-policy", storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: 15, Retain: 10}}},
		{"default-daily-policy", storkv1alpha1.SchedulePolicyItem{Daily: &storkv1alpha1.DailyPolicy{Time: midnight, Retain: 7}}},
		{"default-weekly-policy", storkv1alpha1.SchedulePolicyItem{Weekly: &storkv1alpha1.WeeklyPolicy{Day: "Sunday", Time: midnight, Retain: 4}}},
		{"default-monthly-policy", storkv1alpha1.SchedulePolicyItem{Monthly: &storkv1alpha1.MonthlyPolicy{Date: 15, Time: midnight, Retain: 12}}},
	} {
		made = append(made, &storkv1alpha1.SchedulePolicy{ObjectMeta: metav1.ObjectMeta{Name: policy.name}, Policy: policy.item})
	}
	return made
}
