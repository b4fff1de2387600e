package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/inventory"
)

// printPreview prints the objects that a Migration from a namespace would take along or, as a document, what would be created.
func (g *globals) printPreview(ctx context.Context, from *source, spec *storkv1alpha1.MigrationSpec, create ...client.Object) error {
	if g.output == outputTable {
		return g.printInventory(ctx, from, spec)
	}
	for _, object := range create {
		if err := complete(from.client, object); err != nil {
			return err
		}
	}
	return g.document().PrintObj(listOf(create), g.Out)
}

// previewManifest prints what an object in a file would migrate: a Migration or a MigrationSchedule, whose spec is given.
func (g *globals) previewManifest(ctx context.Context, file string, object client.Object, kind string, spec *storkv1alpha1.MigrationSpec) error {
	if err := g.readManifest(file, object, kind); err != nil {
		return err
	}
	from, err := g.newSource()
	if err != nil {
		return err
	}
	if err := g.findNamespaces(ctx, from, object.GetNamespace(), spec); err != nil {
		return err
	}
	return g.printInventory(ctx, from, spec)
}

// printInventory prints which objects belong to a migration of the source's namespaces, and what was left out for a reason worth
// telling.
func (g *globals) printInventory(ctx context.Context, from *source, spec *storkv1alpha1.MigrationSpec) error {
	served, err := inventory.Discover(ctx, from.discovery)
	if err != nil {
		return err
	}
	collector := &inventory.Collector{Client: from.dynamic, Source: served}
	set, err := collector.Collect(ctx, inventoryRequest(from.namespaces, spec))
	if err != nil {
		return err
	}
	rows := make([][]any, 0, len(set.Objects))
	for _, object := range set.Objects {
		rows = append(rows, []any{kindCell(object.Kind.Kind), object.GetNamespace(), object.GetName()})
	}
	slices.SortFunc(rows, func(a, b []any) int {
		return cmp.Or(strings.Compare(a[1].(string), b[1].(string)), strings.Compare(a[0].(string), b[0].(string)), strings.Compare(a[2].(string), b[2].(string)))
	})
	if len(rows) == 0 {
		g.println("No resources found.")
	} else if err := newTable(g.Out, "KIND", "NAMESPACE", "NAME").print(rows); err != nil {
		return err
	}
	notices := set.Notices
	for _, skipped := range set.Skipped {
		notices = append(notices, fmt.Sprintf("%s %s was left out: %s", skipped.Kind.Kind, skipped.NamespacedName, skipped.Reason))
	}
	if len(notices) > 0 {
		g.println("\n" + strings.Join(notices, "\n"))
	}
	return nil
}

// kindCell names a kind with its group, where it has one.
func kindCell(kind schema.GroupVersionKind) string {
	return strings.TrimSuffix(kind.Kind+"."+kind.Group, ".")
}

// inventoryRequest says what belongs to a migration in the words of package inventory, which knows no Migrations.
func inventoryRequest(namespaces []string, spec *storkv1alpha1.MigrationSpec) inventory.Request {
	isTrue := func(field *bool) bool { return field != nil && *field }
	request := inventory.Request{
		Selectors:                    spec.Selectors,
		ExcludeSelectors:             spec.ExcludeSelectors,
		IncludeOptionalTypes:         spec.IncludeOptionalResourceTypes,
		ExcludeTypes:                 spec.ExcludeResourceTypes,
		VolumesOnly:                  !included(spec.IncludeResources),
		IncludeNetworkPolicyWithCIDR: isTrue(spec.IncludeNetworkPolicyWithCIDR),
		IgnoreOwnerReferences:        isTrue(spec.IgnoreOwnerReferencesCheck),
	}
	for _, name := range namespaces {
		request.Namespaces = append(request.Namespaces, inventory.Namespace{Source: name, Destination: name})
	}
	return request
}
