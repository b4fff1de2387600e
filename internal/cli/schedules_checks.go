package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/inventory"
)

// Options of a ClusterPair: storage is paired where there is a token, and shared by both clusters where the mode says so.
const (
	optionToken = "token"
	optionMode  = "mode"
)

// complete checks what a schedule names, in Stork's order, and fills in what depends on it.
func (o *createSchedule) complete(ctx context.Context, from *source, s *storkv1alpha1.MigrationSchedule) error {
	for _, step := range []func(context.Context, *source, *storkv1alpha1.MigrationSchedule) error{
		o.decideVolumes, o.checkScheduleNamespaces, checkTransformation, o.nameExcludedTypes,
	} {
		if err := step(ctx, from, s); err != nil {
			return err
		}
	}
	return nil
}

// decideVolumes leaves volumes out where the pair has no storage, and refuses to where it has its own.
func (o *createSchedule) decideVolumes(ctx context.Context, from *source, s *storkv1alpha1.MigrationSchedule) error {
	pair, err := findPairs(ctx, from.client, s.Namespace, &s.Spec.Template.Spec)
	if err != nil {
		return err
	}
	_, stored := pair.Spec.Options[optionToken]
	shared := strings.EqualFold(pair.Spec.Options[optionMode], modeSyncDR)
	if o.excludeVolumes && stored && !shared {
		return errors.New("--exclude-volumes can only be set to true if it is a sync-dr use case or when storage options are not provided in the cluster pair")
	}
	if !stored {
		s.Spec.Template.Spec.IncludeVolumes = new(false)
	}
	return nil
}

// findPairs returns the pair that volumes are migrated with: that of the admin namespace goes before the other. All that are named
// must be there.
func findPairs(ctx context.Context, c client.Client, namespace string, spec *storkv1alpha1.MigrationSpec) (*storkv1alpha1.ClusterPair, error) {
	var admin, own *storkv1alpha1.ClusterPair
	if spec.AdminClusterPair != "" {
		adminNamespace, err := adminNamespace(ctx, c)
		if err != nil {
			return nil, err
		}
		admin = &storkv1alpha1.ClusterPair{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: adminNamespace, Name: spec.AdminClusterPair}, admin); err != nil {
			return nil, missing(err, "unable to find the admin cluster pair in the admin namespace")
		}
	}
	if spec.ClusterPair != "" {
		own = &storkv1alpha1.ClusterPair{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: spec.ClusterPair}, own); err != nil {
			return nil, missing(err, "unable to find the cluster pair in the given namespace")
		}
	}
	return cmp.Or(admin, own), nil
}

// missing returns Stork's text for what is not found, and adds to it what else went wrong.
func missing(err error, text string) error {
	if apierrors.IsNotFound(err) {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %w", text, err)
}

func (o *createSchedule) checkScheduleNamespaces(ctx context.Context, from *source, s *storkv1alpha1.MigrationSchedule) error {
	return o.findNamespaces(ctx, from, s.Namespace, &s.Spec.Template.Spec)
}

// checkTransformation looks for it in each of the namespaces, where Migrations do.
func checkTransformation(ctx context.Context, from *source, s *storkv1alpha1.MigrationSchedule) error {
	for _, name := range s.Spec.Template.Spec.TransformSpecs {
		for _, namespace := range from.namespaces {
			key := client.ObjectKey{Namespace: namespace, Name: name}
			transformation := &storkv1alpha1.ResourceTransformation{}
			if err := from.client.Get(ctx, key, transformation); err != nil {
				return fmt.Errorf("unable to retrieve transformation %s, err: %w", key, err)
			}
			if state := transformation.Status.Status; state != storkv1alpha1.ResourceTransformationStatusReady {
				return fmt.Errorf("transformation %s is not in ready state, state: %s", key, state)
			}
		}
	}
	return nil
}

// nameExcludedTypes writes kinds in place of the names that the user knows them by, which another cluster may not know.
func (o *createSchedule) nameExcludedTypes(ctx context.Context, from *source, s *storkv1alpha1.MigrationSchedule) error {
	if len(o.excludeResourceTypes) == 0 {
		return nil
	}
	served, err := inventory.Discover(ctx, from.discovery)
	if err != nil {
		return err
	}
	var names []string
	for _, name := range o.excludeResourceTypes {
		kinds := served.Kinds(name)
		if len(kinds) == 0 {
			return fmt.Errorf("error getting k8s resource type for input resourcetype: %s", name)
		}
		names = append(names, kinds...)
	}
	s.Spec.Template.Spec.ExcludeResourceTypes = names
	return nil
}
