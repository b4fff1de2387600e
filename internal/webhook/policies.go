package webhook

import (
	"fmt"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

func (j *judge) schedulePolicy() *validator[*storkv1alpha1.SchedulePolicy] {
	return &validator[*storkv1alpha1.SchedulePolicy]{
		kind: "SchedulePolicy", resource: "schedulepolicies",
		check: func(policy *storkv1alpha1.SchedulePolicy) error { return checkPolicy(policy.Policy) },
	}
}

func (j *judge) namespacedSchedulePolicy() *validator[*storkv1alpha1.NamespacedSchedulePolicy] {
	return &validator[*storkv1alpha1.NamespacedSchedulePolicy]{
		kind: "NamespacedSchedulePolicy", resource: "namespacedschedulepolicies",
		check: func(policy *storkv1alpha1.NamespacedSchedulePolicy) error { return checkPolicy(policy.Policy) },
	}
}

// checkPolicy reads a policy as those do who run by it.
func checkPolicy(policy storkv1alpha1.SchedulePolicyItem) error {
	if _, err := schedule.Parse(policy, nil); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return nil
}
