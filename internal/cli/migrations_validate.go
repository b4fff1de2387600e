package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// The results of a check.
const (
	checkOK            = "Ok"
	checkNotReady      = "NotReady"
	checkNotConfigured = "NotConfigured"
	checkNotFound      = "NotFound"
)

// Where the operator publishes which namespace may migrate all others, as Stork does.
const (
	controllerConfigNamespace = "kube-system"
	controllerConfigName      = "stork-controller-config"
	controllerConfigAdminKey  = "admin-ns"
	defaultAdminNamespace     = "kube-system"
)

// validateFile checks the Migration in --file.
func (o *createMigrations) validateFile(ctx context.Context) error {
	m := &storkv1alpha1.Migration{}
	if err := o.readManifest(o.file, m, "Migration"); err != nil {
		return err
	}
	c, err := o.client()
	if err != nil {
		return err
	}
	return o.validateMigration(ctx, c, m)
}

// validateMigration checks whether a Migration would be accepted and finds what it names, and creates nothing.
func (g *globals) validateMigration(ctx context.Context, c client.Client, m *storkv1alpha1.Migration) error {
	checks := []struct {
		text  string
		check func(context.Context, client.Client, *storkv1alpha1.Migration) (string, error)
	}{
		{"[Optional] Checking Migration Namespaces....", checkNamespaces},
		{"[Required] Checking ClusterPair Status....", checkClusterPair},
		{"[Optional] Checking PreExec Rule....", func(ctx context.Context, c client.Client, m *storkv1alpha1.Migration) (string, error) {
			return checkRule(ctx, c, m.Namespace, m.Spec.PreExecRule)
		}},
		{"[Optional] Checking PostExec Rule....", func(ctx context.Context, c client.Client, m *storkv1alpha1.Migration) (string, error) {
			return checkRule(ctx, c, m.Namespace, m.Spec.PostExecRule)
		}},
	}
	ready := true
	for _, step := range checks {
		result, err := step.check(ctx, c, m)
		if err != nil {
			return err
		}
		g.println(step.text + result)
		ready = ready && (result == checkOK || result == checkNotConfigured)
	}
	// The server knows rules that are not checked above. That there is one of this name already says nothing against it.
	if err := c.Create(ctx, m, client.DryRunAll); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	if !ready {
		return errors.New("the migration cannot run as things are")
	}
	g.println("All Ready!!")
	return nil
}

func checkNamespaces(ctx context.Context, c client.Client, m *storkv1alpha1.Migration) (string, error) {
	var missing []string
	for _, name := range m.Spec.Namespaces {
		err := c.Get(ctx, client.ObjectKey{Name: name}, &corev1.Namespace{})
		switch {
		case apierrors.IsNotFound(err):
			missing = append(missing, "Missing namespace "+name)
		case err != nil:
			return "", err
		}
	}
	if len(missing) > 0 {
		return strings.Join(missing, ", "), nil
	}
	return checkOK, nil
}

// pairKey is the pair that the operator would use: that of the admin namespace goes before the other.
func pairKey(ctx context.Context, c client.Client, namespace string, spec *storkv1alpha1.MigrationSpec) (client.ObjectKey, error) {
	if spec.AdminClusterPair == "" {
		return client.ObjectKey{Namespace: namespace, Name: spec.ClusterPair}, nil
	}
	admin, err := adminNamespace(ctx, c)
	return client.ObjectKey{Namespace: admin, Name: spec.AdminClusterPair}, err
}

func checkClusterPair(ctx context.Context, c client.Client, m *storkv1alpha1.Migration) (string, error) {
	key, err := pairKey(ctx, c, m.Namespace, &m.Spec)
	if err != nil {
		return "", err
	}
	if key.Name == "" {
		return "ClusterPair is empty", nil
	}
	pair := &storkv1alpha1.ClusterPair{}
	err = c.Get(ctx, key, pair)
	switch {
	case apierrors.IsNotFound(err):
		return checkNotFound, nil
	case err != nil:
		return "", err
	case pair.Status.SchedulerStatus != storkv1alpha1.ClusterPairStatusReady || !storageUsable(pair.Status.StorageStatus):
		return checkNotReady, nil
	}
	return checkOK, nil
}

// storageUsable tells whether a pair's storage is as its options want it: a pair without options has none to be ready.
func storageUsable(status storkv1alpha1.ClusterPairStatusType) bool {
	return status == storkv1alpha1.ClusterPairStatusReady || status == storkv1alpha1.ClusterPairStatusNotProvided
}

func checkRule(ctx context.Context, c client.Client, namespace, name string) (string, error) {
	if name == "" {
		return checkNotConfigured, nil
	}
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &storkv1alpha1.Rule{})
	if apierrors.IsNotFound(err) {
		return checkNotFound, nil
	}
	return checkOK, err
}

// adminNamespace returns the namespace whose Migrations may move all others.
func adminNamespace(ctx context.Context, c client.Reader) (string, error) {
	config := &corev1.ConfigMap{}
	err := c.Get(ctx, client.ObjectKey{Namespace: controllerConfigNamespace, Name: controllerConfigName}, config)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("finding the admin namespace: %w", err)
	}
	if name := config.Data[controllerConfigAdminKey]; name != "" {
		return name, nil
	}
	return defaultAdminNamespace, nil
}
