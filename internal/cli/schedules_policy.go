package cli

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/schedule"
)

// The policy of a schedule that names none.
const (
	defaultPolicyName      = "default-migration-policy"
	defaultIntervalMinutes = 30
)

// choosePolicy writes the name of the policy into a schedule. It returns a policy that has to be created before the schedule, or
// nil.
func (o *createSchedule) choosePolicy(ctx context.Context, c client.Client, s *storkv1alpha1.MigrationSchedule) (client.Object, error) {
	switch {
	case o.givesPolicy && o.givesInterval:
		return nil, errors.New("must provide only one of schedule-policy-name or interval values")
	case o.givesInterval:
		return o.intervalPolicy(s)
	}
	s.Spec.SchedulePolicyName = o.policyName
	policy, err := findPolicy(ctx, c, s.Namespace, o.policyName)
	if apierrors.IsNotFound(err) && o.policyName == defaultPolicyName {
		missing := &storkv1alpha1.SchedulePolicy{Policy: everySoManyMinutes(defaultIntervalMinutes)}
		missing.Name = defaultPolicyName
		return missing, nil
	}
	if err != nil {
		return nil, fmt.Errorf("unable to get schedulepolicy %s: %w", o.policyName, err)
	}
	if _, err := schedule.Parse(*policy, nil); err != nil {
		return nil, fmt.Errorf("unable to use schedulepolicy %s: %w", o.policyName, err)
	}
	return nil, nil
}

// intervalPolicy returns the policy of --interval.
func (o *createSchedule) intervalPolicy(s *storkv1alpha1.MigrationSchedule) (client.Object, error) {
	policy := &storkv1alpha1.NamespacedSchedulePolicy{Policy: everySoManyMinutes(o.intervalMinutes)}
	policy.Name, policy.Namespace = s.Name, s.Namespace
	policy.Policy.Interval.Retain = 10 // As Stork's command writes it.
	s.Spec.SchedulePolicyName = policy.Name
	if _, err := schedule.Parse(policy.Policy, nil); err != nil {
		return nil, policyNotCreated(err)
	}
	return policy, nil
}

func policyNotCreated(err error) error {
	return fmt.Errorf("could not create a schedule policy with specified interval: %w", err)
}

func everySoManyMinutes(minutes int) storkv1alpha1.SchedulePolicyItem {
	return storkv1alpha1.SchedulePolicyItem{Interval: &storkv1alpha1.IntervalPolicy{IntervalMinutes: minutes}}
}

// findPolicy returns the policy that a schedule in the namespace runs by: one of the namespace goes before one of the cluster.
func findPolicy(ctx context.Context, c client.Client, namespace, name string) (*storkv1alpha1.SchedulePolicyItem, error) {
	own := &storkv1alpha1.NamespacedSchedulePolicy{}
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, own)
	if !apierrors.IsNotFound(err) {
		return &own.Policy, err
	}
	policy := &storkv1alpha1.SchedulePolicy{}
	return &policy.Policy, c.Get(ctx, client.ObjectKey{Name: name}, policy)
}

// createWithPolicy creates a schedule after its policy, unless that is nil. A schedule that is refused leaves no policy of --interval
// behind.
func (o *createSchedule) createWithPolicy(ctx context.Context, c client.Client, s *storkv1alpha1.MigrationSchedule, policy client.Object) error {
	if policy == nil {
		return c.Create(ctx, s)
	}
	if err := c.Create(ctx, s.DeepCopy(), client.DryRunAll); err != nil {
		return err
	}
	if !o.givesInterval {
		if err := c.Create(ctx, policy); client.IgnoreAlreadyExists(err) != nil {
			return fmt.Errorf("creating the SchedulePolicy %s: %w", policy.GetName(), err)
		}
		return c.Create(ctx, s)
	}
	if err := c.Create(ctx, policy); err != nil {
		return policyNotCreated(err)
	}
	if err := c.Create(ctx, s); err != nil {
		return errors.Join(err, c.Delete(context.WithoutCancel(ctx), policy))
	}
	return adopt(ctx, c, s, policy)
}

// adopt makes a policy go with its schedule.
func adopt(ctx context.Context, c client.Client, s *storkv1alpha1.MigrationSchedule, policy client.Object) error {
	before := policy.DeepCopyObject().(client.Object)
	if err := controllerutil.SetOwnerReference(s, policy, c.Scheme()); err != nil {
		return err
	}
	if err := c.Patch(ctx, policy, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("MigrationSchedule %s was created, but its NamespacedSchedulePolicy will not be deleted with it: %w", s.Name, err)
	}
	return nil
}
