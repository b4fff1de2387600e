package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/inventory"
)

// source is the cluster that is migrated from.
type source struct {
	client    client.Client
	dynamic   dynamic.Interface
	discovery discovery.DiscoveryInterface
	// namespaces are those to migrate that exist, once that is known.
	namespaces []string
}

// newSource returns the cluster that the flags choose.
func (g *globals) newSource() (*source, error) {
	config, err := g.restConfig()
	if err != nil {
		return nil, err
	}
	s := &source{}
	if s.client, err = newClient(config); err != nil {
		return nil, err
	}
	if s.discovery, err = discovery.NewDiscoveryClientForConfig(config); err != nil {
		return nil, err
	}
	quiet := rest.CopyConfig(config)
	quiet.WarningHandler = rest.NoWarnings{} // It reads every kind there is; that some are deprecated is not the user's doing.
	s.dynamic, err = dynamic.NewForConfig(quiet)
	return s, err
}

// findNamespaces finds which namespaces a Migration in this namespace would move, and refuses those of others as the operator does.
func (g *globals) findNamespaces(ctx context.Context, from *source, namespace string, spec *storkv1alpha1.MigrationSpec) error {
	found, absent, err := inventory.Namespaces(ctx, from.dynamic, spec.Namespaces, spec.NamespaceSelectors)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return errors.New("no valid namespace found based on the provided --namespaces and --namespace-selectors")
	}
	isOther := func(name string) bool { return name != namespace }
	if slices.ContainsFunc(found, isOther) || slices.ContainsFunc(absent, isOther) {
		admin, err := adminNamespace(ctx, from.client)
		if err != nil {
			return err
		}
		if namespace != admin {
			return errors.New("migration namespaces should only contain the current namespace")
		}
	}
	if len(absent) > 0 {
		g.printlnErr("warning: of the namespaces to migrate, these do not exist: " + strings.Join(absent, ", "))
	}
	from.namespaces = found
	return nil
}
