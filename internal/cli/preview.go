package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

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

// printPreview prints the objects that a Migration of the schedule would take along or, as a document, what would be created.
func (o *createSchedule) printPreview(ctx context.Context, from *source, s *storkv1alpha1.MigrationSchedule, policy client.Object) error {
	if o.output == outputTable {
		return o.printInventory(ctx, from, &s.Spec.Template.Spec)
	}
	objects := []client.Object{s}
	if policy != nil {
		objects = []client.Object{policy, s}
	}
	for _, object := range objects {
		if err := complete(from.client, object); err != nil {
			return err
		}
	}
	return o.document().PrintObj(listOf(objects), o.Out)
}

// previewManifest prints what the MigrationSchedule in --preview-file would migrate.
func (o *createSchedule) previewManifest(ctx context.Context) error {
	content, err := os.ReadFile(o.previewFile)
	if err != nil {
		return err
	}
	s := &storkv1alpha1.MigrationSchedule{}
	if err := parseManifest(content, s, "MigrationSchedule"); err != nil {
		return fmt.Errorf("reading %s: %w", o.previewFile, err)
	}
	s.Namespace = cmp.Or(s.Namespace, o.namespace)
	from, err := o.newSource()
	if err != nil {
		return err
	}
	if err := o.checkScheduleNamespaces(ctx, from, s); err != nil {
		return err
	}
	return o.printInventory(ctx, from, &s.Spec.Template.Spec)
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

// parseManifest reads an object of the API group in YAML or JSON. A field that its kind does not have is an error.
func parseManifest(content []byte, object client.Object, kind string) error {
	if err := yaml.UnmarshalStrict(content, object); err != nil {
		return err
	}
	if actual := object.GetObjectKind().GroupVersionKind(); actual != storkv1alpha1.GroupVersion.WithKind(kind) {
		return fmt.Errorf("it holds kind %q of apiVersion %q, not a %s of %s", actual.Kind, actual.GroupVersion(), kind, storkv1alpha1.GroupVersion)
	}
	return nil
}
