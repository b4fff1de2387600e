package cli

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// location is the name of the BackupLocation that pairs use, in both directions.
func (p *pairing) location() string {
	if p.store.existing != "" {
		return p.store.existing
	}
	return p.name
}

// ensureObjectStore makes sure that both clusters know the object store, also for a pair in one direction: each of them reads or
// writes in it.
func (p *pairing) ensureObjectStore(ctx context.Context) error {
	if p.mode == modeSyncDR {
		return nil
	}
	if p.store.existing == "" && len(p.storeData["path"]) == 0 {
		p.printlnErr("note: no --bucket is given, so the storage driver has to make a bucket of its own for each direction")
	}
	for _, s := range []*side{p.from, p.to} {
		if p.store.existing != "" {
			if err := p.checkLocation(ctx, s); err != nil {
				return fmt.Errorf("input objectstoreLocation %s existence check failed with error in %s cluster: %w", p.store.existing, s.name, err)
			}
			continue
		}
		if err := p.ensureLocation(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// checkLocation looks for the BackupLocation that the user named, and its Secret.
func (p *pairing) checkLocation(ctx context.Context, s *side) error {
	location := &storkv1alpha1.BackupLocation{}
	if err := s.client.Get(ctx, client.ObjectKey{Namespace: p.namespace, Name: p.store.existing}, location); err != nil {
		return err
	}
	if location.Location.SecretConfig == "" {
		return nil
	}
	return s.client.Get(ctx, client.ObjectKey{Namespace: p.namespace, Name: location.Location.SecretConfig}, &corev1.Secret{})
}

func (p *pairing) ensureLocation(ctx context.Context, s *side) error {
	leading := ""
	if s == p.from {
		leading = "\n"
	}
	p.println(fmt.Sprintf("%sCreating Secret and ObjectstoreLocation in %s cluster in namespace %s...", leading, s.name, p.namespace))
	location := &storkv1alpha1.BackupLocation{Location: p.store.location(p.name)}
	location.Name, location.Namespace, location.Annotations = p.name, p.namespace, ownAnnotations()
	_, _, err := ensure(ctx, &p.journal, s, p.secret(p.name, p.storeData))
	created := false
	if err == nil {
		_, created, err = ensure(ctx, &p.journal, s, location)
	}
	switch {
	case errors.Is(err, errDifferent):
		return fmt.Errorf("objectstoreLocation %[1]s already exists in %[2]s cluster namespace %[3]s, instead use \"--use-existing-objectstorelocation %[1]s\" to use existing location",
			p.name, s.name, p.namespace)
	case err != nil:
		return err
	case created:
		p.println(fmt.Sprintf("ObjectstoreLocation %s created on %s cluster in namespace %s\n", p.name, s.name, p.namespace))
	default:
		p.println(fmt.Sprintf("ObjectstoreLocation %s is there already, as it should be, on %s cluster in namespace %s\n", p.name, s.name, p.namespace))
	}
	return nil
}
