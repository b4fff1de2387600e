// Package defaults puts into the operator's cluster what Stork's users expect to find there: the built-in
// ApplicationRegistrations, the SchedulePolicies that schedules name, and the ConfigMap that tells storkctl which namespace is the
// admin namespace.
//
// It creates and never changes what exists: an administrator's edits stay. It must know nothing of what reads these objects.
package defaults

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/godwit-io/godwit/internal/workload"
)

// Name, namespace and key of the ConfigMap that storkctl reads; fixed, whatever the operator's own namespace.
const (
	configMapName      = "stork-controller-config"
	configMapNamespace = metav1.NamespaceSystem
	keyAdminNamespace  = "admin-ns"
	keyDeployNamespace = "stork-deploy-ns"
)

// Installer creates the defaults once, when the operator becomes the leader.
type Installer struct {
	// Client writes them.
	Client client.Client
	// AdminNamespace is published for storkctl.
	AdminNamespace string
	// DeployNamespace is the operator's own; empty if unknown.
	DeployNamespace string
}

// +kubebuilder:rbac:groups=stork.libopenstorage.org,resources=applicationregistrations;schedulepolicies,verbs=create
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=create;patch

// retryDelay is how long the Installer waits after a failure, for example of an admission webhook that is starting too.
var retryDelay = wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.1, Steps: 9, Cap: 5 * time.Minute}

// Start implements manager.Runnable. It returns when all is there; until then the operator does its work without.
func (i *Installer) Start(ctx context.Context) error {
	err := retryDelay.DelayFunc().Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		if err := i.install(ctx); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "Installing the defaults failed, trying again")
			return false, nil
		}
		return true, nil
	})
	if wait.Interrupted(err) {
		return nil // The operator ends.
	}
	return err
}

func (i *Installer) install(ctx context.Context) error {
	for _, registration := range workload.Builtin() {
		if err := i.Client.Create(ctx, registration); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("installing the built-in ApplicationRegistration %s: %w", registration.Name, err)
		}
	}
	for _, policy := range policies() {
		if err := i.Client.Create(ctx, policy); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("installing the SchedulePolicy %s: %w", policy.Name, err)
		}
	}
	if err := i.publish(ctx); err != nil {
		return fmt.Errorf("publishing the admin namespace in ConfigMap %s/%s: %w", configMapNamespace, configMapName, err)
	}
	return nil
}

// publish keeps keys that others have put into the ConfigMap.
func (i *Installer) publish(ctx context.Context) error {
	data := map[string]string{keyAdminNamespace: i.AdminNamespace}
	if i.DeployNamespace != "" {
		data[keyDeployNamespace] = i.DeployNamespace
	}
	configMap := corev1ac.ConfigMap(configMapName, configMapNamespace).WithData(data)
	return i.Client.Apply(ctx, configMap, client.FieldOwner("godwit"), client.ForceOwnership)
}
