package migration

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/apply"
	"github.com/godwit-io/godwit/internal/inventory"
	"github.com/godwit-io/godwit/internal/remote"
	"github.com/godwit-io/godwit/internal/transform"
	"github.com/godwit-io/godwit/internal/workload"
)

// flow is the way of the objects of one Migration, source to destination: collect, transform, apply. Its methods are called in
// this order; what one returns, the next one takes.
type flow struct {
	*run
	source Source
	// pair and admin are the destination with the credentials of both pairs; they are the same where there is one pair.
	pair, admin *remote.Cluster
}

// bring takes all objects along their way and returns what became of each.
func (f *flow) bring(ctx context.Context, progress func(apply.Progress)) (*outcome, error) {
	set, err := f.collect(ctx, f.request())
	if err != nil {
		return nil, err
	}
	if err := f.leaveCredentials(ctx, set); err != nil {
		return nil, err
	}
	log.FromContext(ctx).Info("Collected objects at the source", "objects", len(set.Objects), "skipped", len(set.Skipped))
	lost, err := f.retarget(ctx, set)
	if err != nil {
		return nil, err
	}
	items, refused, err := f.transform(ctx, set)
	if err != nil {
		return nil, err
	}
	lost = append(lost, refused...)
	items, orphaned := withoutLostVolumes(items, lost)
	engine := apply.New(apply.Clients{Namespaced: f.pair.Dynamic, Cluster: f.admin.Dynamic},
		apply.Options{Workers: f.Options.Writers, Clock: f.Clock})
	report, err := engine.Run(ctx, f.plan(set, items), progress)
	if err != nil {
		return nil, fmt.Errorf("applying objects at the destination: %w", err)
	}
	return &outcome{
		results: slices.Concat(lost, orphaned, report.Results),
		skipped: set.Skipped,
		notices: append(set.Notices, report.Notices...),
	}, nil
}

// What a custom resource becomes that waits for its activation.
var (
	stashKind     = corev1.SchemeGroupVersion.WithKind("ConfigMap")
	stashResource = corev1.SchemeGroupVersion.WithResource("configmaps")
)

// collect reads what belongs to the request.
func (f *flow) collect(ctx context.Context, request inventory.Request) (*inventory.Set, error) {
	served, destination, err := f.discover(ctx)
	if err != nil {
		return nil, err
	}
	collector := &inventory.Collector{Client: f.source.Dynamic, Source: served, Destination: destination}
	set, err := collector.Collect(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("collecting objects at the source: %w", err)
	}
	return set, nil
}

// discover asks both API servers what they serve.
func (f *flow) discover(ctx context.Context) (source, destination inventory.Served, err error) {
	var group errgroup.Group
	group.Go(func() (err error) {
		if source, err = inventory.Discover(ctx, f.source.Discovery); err != nil {
			err = fmt.Errorf("discovering the source's API: %w", err)
		}
		return err
	})
	group.Go(func() (err error) {
		if destination, err = inventory.Discover(ctx, f.pair.Discovery); err != nil {
			err = fmt.Errorf("discovering the destination's API: %w", err)
		}
		return err
	})
	return source, destination, group.Wait()
}

func (f *flow) request() inventory.Request {
	spec := f.job.migration.Spec
	return inventory.Request{
		Namespaces:                   f.job.namespaces,
		Selectors:                    spec.Selectors,
		ExcludeSelectors:             spec.ExcludeSelectors,
		IncludeOptionalTypes:         spec.IncludeOptionalResourceTypes,
		ExcludeTypes:                 spec.ExcludeResourceTypes,
		VolumesOnly:                  !enabled(spec.IncludeResources, true),
		IncludeNetworkPolicyWithCIDR: enabled(spec.IncludeNetworkPolicyWithCIDR, false),
		IgnoreOwnerReferences:        enabled(spec.IgnoreOwnerReferencesCheck, false),
	}
}

// transform changes each object. One that cannot be changed as asked does not arrive: its result is returned at once.
func (f *flow) transform(ctx context.Context, set *inventory.Set) ([]*apply.Item, []apply.Result, error) {
	options, err := f.transformOptions(ctx, set)
	if err != nil {
		return nil, nil, err
	}
	pipeline := transform.NewPipeline(options)
	items := make([]*apply.Item, 0, len(set.Objects))
	var refused []apply.Result
	for _, object := range set.Objects {
		item := &apply.Item{
			Resource:   object.Kind.Resource,
			Namespaced: object.Kind.Namespaced,
			Source:     types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()},
			SourceKind: object.Kind.Kind,
			SourceUID:  object.UID,
			Owners:     object.GetOwnerReferences(),
		}
		result, err := pipeline.Run(object.Unstructured)
		if err != nil {
			refused = append(refused, apply.Result{
				Kind: item.SourceKind, Source: item.Source, DestinationNamespace: object.DestinationNamespace, Err: err,
			})
			continue
		}
		item.Object, item.Changes, item.TransformedBy = result.Object, result.Changes, result.TransformedBy
		if result.Object.GroupVersionKind() == stashKind {
			item.Resource = stashResource // It was a custom resource, or a ConfigMap already.
		}
		items = append(items, item)
	}
	set.Objects = nil // The items have taken the objects over; memory is theirs to release.
	return items, refused, nil
}

func builtin() []storkv1alpha1.ApplicationRegistration {
	var registrations []storkv1alpha1.ApplicationRegistration
	for _, registration := range workload.Builtin() {
		registrations = append(registrations, *registration)
	}
	return registrations
}

func (f *flow) transformOptions(ctx context.Context, set *inventory.Set) (transform.Options, error) {
	registrations := &storkv1alpha1.ApplicationRegistrationList{}
	if err := f.Live.List(ctx, registrations); err != nil {
		return transform.Options{}, fmt.Errorf("reading ApplicationRegistrations: %w", err)
	}
	spec := f.job.migration.Spec
	options := transform.Options{
		StartApplications:      enabled(spec.StartApplications, false),
		KeepServiceAddresses:   enabled(spec.SkipServiceUpdate, false),
		Namespaces:             map[string]string{},
		Transformations:        f.job.transformations,
		TransformClusterScoped: f.job.migration.Namespace == f.Options.AdminNamespace,
		OwnedClaims:            set.OwnedClaims(),
	}
	// What the user registered goes before what is built in, which is there even where nobody has installed it.
	for _, registration := range append(registrations.Items, builtin()...) {
		options.Registrations = append(options.Registrations, registration.Resources...)
	}
	for _, namespace := range f.job.namespaces {
		options.Namespaces[namespace.Source] = namespace.Destination
	}
	if rancher := f.job.pair.Spec.PlatformOptions.Rancher; rancher != nil {
		options.ProjectMappings = rancher.ProjectMappings
	}
	return options, nil
}

// plan says what the apply engine is to do.
func (f *flow) plan(set *inventory.Set, items []*apply.Item) apply.Plan {
	migration := f.job.migration
	return apply.Plan{
		Items: items,
		Provenance: apply.Provenance{
			MigrationName:      migration.Name,
			MigrationNamespace: migration.Namespace,
			Time:               f.Clock.Now(),
		},
		Purge: f.purge(set),
	}
}

func (f *flow) purge(set *inventory.Set) apply.Purge {
	spec := f.job.migration.Spec
	purge := apply.Purge{
		Enabled:       enabled(spec.PurgeDeletedResources, false),
		Namespaces:    map[string]string{},
		LabelSelector: labels.SelectorFromSet(spec.Selectors).String(),
		Keep:          f.existsAtSource,
	}
	for _, kind := range set.Kinds {
		purge.Kinds = append(purge.Kinds, apply.Kind{Resource: kind.Resource, Kind: kind.Kind, Namespaced: kind.Namespaced})
	}
	for _, namespace := range f.job.namespaces {
		purge.Namespaces[namespace.Destination] = namespace.Source
	}
	return purge
}

// existsAtSource keeps an object from being purged because it was merely not selected this time.
func (f *flow) existsAtSource(ctx context.Context, kind apply.Kind, name types.NamespacedName) (bool, error) {
	err := patiently(ctx, func() error {
		_, err := f.source.Dynamic.Resource(kind.Resource).Namespace(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
		return err
	})
	// An API that is no longer served answers not found as well, but not by a Status of its own.
	if apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) {
		return false, nil
	}
	return true, err
}

func enabled(field *bool, unset bool) bool {
	if field == nil {
		return unset
	}
	return *field
}
