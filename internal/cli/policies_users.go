package cli

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// deleteUnused deletes a policy that no schedule names.
func (k policyKind) deleteUnused(ctx context.Context, c client.Client, key client.ObjectKey) error {
	policy := k.empty(key)
	if err := c.Get(ctx, key, policy); err != nil {
		return err
	}
	users, err := policyUsers(ctx, c, key)
	if err != nil {
		return fmt.Errorf("finding what runs by the schedule policy %s: %w", key.Name, err)
	}
	if len(users) > 0 {
		return fmt.Errorf("cannot delete the schedule policy %s.\nThe resource is linked to -> %s", key.Name, strings.Join(users, "\n"))
	}
	return c.Delete(ctx, policy, client.Preconditions{UID: new(policy.GetUID())})
}

// policyUsers returns a line for each kind of schedules that run by a policy, in Stork's words. Those of Stork that Godwit does
// not serve may still be there.
func policyUsers(ctx context.Context, c client.Client, policy client.ObjectKey) ([]string, error) {
	var lines []string
	for _, users := range []struct{ kind, title string }{
		{"MigrationSchedule", "Migration Schedules"},
		{"ApplicationBackupSchedule", "Application Backup Schedules"},
		{"VolumeSnapshotSchedule", "Volume Snapshot Schedules"},
	} {
		names, err := usersOfKind(ctx, c, users.kind, policy)
		if err != nil {
			return nil, err
		}
		if len(names) > 0 {
			lines = append(lines, users.title+" : "+strings.Join(names, " , "))
		}
	}
	return lines, nil
}

func usersOfKind(ctx context.Context, c client.Client, kind string, policy client.ObjectKey) ([]string, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(storkv1alpha1.GroupVersion.WithKind(kind + "List"))
	if err := c.List(ctx, list, client.InNamespace(policy.Namespace)); apimeta.IsNoMatchError(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var names []string
	for _, user := range list.Items {
		if name, _, _ := unstructured.NestedString(user.Object, "spec", "schedulePolicyName"); name != policy.Name {
			continue
		}
		own, err := hasOwnPolicy(ctx, c, client.ObjectKey{Namespace: user.GetNamespace(), Name: policy.Name})
		if err != nil {
			return nil, err
		}
		if policy.Namespace != "" || !own {
			names = append(names, user.GetNamespace()+"/"+user.GetName())
		}
	}
	return names, nil
}

// hasOwnPolicy tells whether a namespace has a policy that goes before one of the cluster.
func hasOwnPolicy(ctx context.Context, c client.Client, key client.ObjectKey) (bool, error) {
	err := c.Get(ctx, key, &storkv1alpha1.NamespacedSchedulePolicy{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
