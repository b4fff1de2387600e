package main

import (
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/test/objects"
)

// compare holds the report of a Migration against both sides: an object that it says arrived has to be the same, and where it
// says that all went well there may be no difference at all.
func (s *soak) compare(ctx context.Context, migration *storkv1alpha1.Migration) error {
	var differing []string
	err := eventually(ctx, func(ctx context.Context) (err error) {
		differing, err = s.differing(ctx, migration.Namespace)
		return err
	})
	if err != nil {
		return err
	}
	successful := migration.Status.Status == storkv1alpha1.MigrationStatusSuccessful
	arrived := map[string]bool{}
	for _, info := range migration.Status.Resources {
		switch info.Status {
		case storkv1alpha1.MigrationStatusSuccessful, storkv1alpha1.MigrationStatusPurged:
			arrived[info.Kind+"/"+info.Name] = true
		}
	}
	for _, name := range differing {
		if successful || arrived[name] {
			s.complain("migration %s, which ended as %s (%s): %s is not the same at both sides",
				client.ObjectKeyFromObject(migration), migration.Status.Status, message(migration), name)
		}
	}
	if !successful && message(migration) == "" {
		s.complain("migration %s ended as %s and does not say why", client.ObjectKeyFromObject(migration), migration.Status.Status)
	}
	return nil
}

// differing names the objects of a namespace, as "kind/name", that are not the same at both sides or at one only.
func (s *soak) differing(ctx context.Context, namespace string) ([]string, error) {
	here, err := contents(ctx, s.source, namespace)
	if err != nil {
		return nil, err
	}
	there, err := contents(ctx, s.destination, namespace)
	if err != nil {
		return nil, err
	}
	differing := map[string]bool{}
	for name := range here {
		differing[name] = !equality.Semantic.DeepEqual(here[name], there[name])
	}
	for name := range there {
		if _, found := here[name]; !found {
			differing[name] = true
		}
	}
	maps.DeleteFunc(differing, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(differing)), nil
}

// contents reads what objects say, without what each API server writes into them.
func contents(ctx context.Context, p place, namespace string) (map[string]any, error) {
	found := map[string]any{}
	err := objects.Each(ctx, p.dynamic, namespace, mix(), func(object *unstructured.Unstructured) {
		for _, address := range []string{"clusterIP", "clusterIPs"} {
			unstructured.RemoveNestedField(object.Object, "spec", address)
		}
		found[object.GetKind()+"/"+object.GetName()] = []any{
			object.GetLabels(), object.Object["data"], object.Object["spec"], object.Object["type"],
			object.Object["rules"], object.Object["roleRef"], object.Object["subjects"],
		}
	})
	return found, err
}
