package inventory

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/sets"
)

// run is one call of Collect.
type run struct {
	*Collector
	request Request
	// namespaces are the destination's names of the migrated namespaces by those of the source.
	namespaces map[string]string
	selector   labels.Selector
	// optional and excluded are the kinds that the request names.
	optional, excluded sets.Set[schema.GroupResource]
	// destination is what the destination serves.
	destination map[schema.GroupResource]Resource

	// allNamespaces and customDefinitions are read first. The latter is nil when only volumes are migrated.
	allNamespaces, customDefinitions *read
	definitions                      definitions
	// clusterNamespaces is how many namespaces the source has; zero if that could not be read.
	clusterNamespaces int
	// reads are the kinds to read after these.
	reads []*read

	notices sets.Set[string]
}

// read is a kind to be read, and then what was found of it.
type read struct {
	Kind
	handling
	// collected is false for a kind that is only read because others are judged by it.
	collected bool
	// notice is about its version.
	notice string
	// incomplete says that not all of it could be read.
	incomplete bool
	objects    []*Object
}

func newRun(c *Collector, request Request) (*run, error) {
	r := &run{Collector: c, request: request, definitions: definitions{}, destination: map[schema.GroupResource]Resource{},
		notices: sets.New(c.Source.Notices...)}
	var err error
	if r.namespaces, err = mapNamespaces(request.Namespaces); err != nil {
		return nil, err
	}
	if r.selector, err = labelSelector(request.Selectors, request.ExcludeSelectors); err != nil {
		return nil, err
	}
	for _, resource := range c.Destination.Resources {
		r.destination[resource.GroupResource] = resource
	}
	r.excluded = r.resourcesNamed(request.ExcludeTypes, "excluded")
	r.optional = r.resourcesNamed(request.IncludeOptionalTypes, "optional")
	if r.allNamespaces = r.readFor(namespaceKind); r.allNamespaces == nil {
		return nil, errors.New("it is not known what the source serves, not even namespaces: discover it first")
	}
	if !request.VolumesOnly {
		r.customDefinitions = r.readFor(definitionKind)
	}
	return r, nil
}

func mapNamespaces(namespaces []Namespace) (map[string]string, error) {
	destinations := map[string]string{}
	for _, namespace := range namespaces {
		// An empty name would read all namespaces.
		if namespace.Source == "" || namespace.Destination == "" {
			return nil, errors.New("a namespace to migrate has no name at the source or at the destination")
		}
		known, present := destinations[namespace.Source]
		if present && known != namespace.Destination {
			return nil, fmt.Errorf("namespace %s cannot become both %s and %s: give it one destination",
				namespace.Source, known, namespace.Destination)
		}
		destinations[namespace.Source] = namespace.Destination
	}
	return destinations, nil
}

// labelSelector selects what has all labels of one map and none of the other.
func labelSelector(all, none map[string]string) (labels.Selector, error) {
	selector := labels.NewSelector()
	add := func(key string, operator selection.Operator, value, what string) error {
		requirement, err := labels.NewRequirement(key, operator, []string{value})
		if err != nil {
			return fmt.Errorf("%s %s=%s is no label: %w", what, key, value, err)
		}
		selector = selector.Add(*requirement)
		return nil
	}
	var failures []error
	for _, key := range slices.Sorted(maps.Keys(all)) {
		failures = append(failures, add(key, selection.Equals, all[key], "selector"))
	}
	for _, key := range slices.Sorted(maps.Keys(none)) {
		failures = append(failures, add(key, selection.NotEquals, none[key], "exclude selector"))
	}
	return selector, errors.Join(failures...)
}

// resourcesNamed returns the resources that users' names of kinds mean. A name that means none is worth a notice and no more: the
// same request may be sent to several clusters.
func (r *run) resourcesNamed(names []string, what string) sets.Set[schema.GroupResource] {
	named := sets.New[schema.GroupResource]()
	for _, name := range names {
		parsed, found := parseTypeName(name), false
		for _, resource := range r.Source.Resources {
			if parsed.matches(resource) {
				named.Insert(resource.GroupResource)
				found = true
			}
		}
		if !found {
			r.notice("%s type %q is no kind that the source serves", what, name)
		}
	}
	return named
}

func (r *run) notice(format string, arguments ...any) {
	r.notices.Insert(fmt.Sprintf(format, arguments...))
}

// plan finds the kinds to read. It needs the definitions: a kind is a custom resource only if there is one.
func (r *run) plan() {
	collected := sets.New[schema.GroupKind]()
	var reads []*read
	for _, resource := range r.Source.Resources {
		if neverMigrated(resource.GroupKind()) || !slices.Contains(resource.Verbs, "create") {
			if r.optional.Has(resource.GroupResource) {
				r.notice("optional type %s is never migrated", resource.GroupKind())
			}
			continue
		}
		if !r.wanted(resource) {
			continue
		}
		k := r.newRead(resource)
		if k.collected {
			collected.Insert(resource.GroupKind())
		}
		reads = append(reads, k)
	}
	r.reads = slices.DeleteFunc(reads, func(k *read) bool { return !k.collected && !collected.Has(k.factsFor) })
}

// wanted tells whether a kind is migrated unless it is excluded.
func (r *run) wanted(resource Resource) bool {
	h, known := knownKinds[resource.GroupKind()]
	requested := r.optional.Has(resource.GroupResource)
	switch {
	case h.first:
		return false // Was read already.
	case r.request.VolumesOnly:
		return h.volumes
	case h.onlyWith != schema.GroupKind{}:
		return r.serves(h.onlyWith)
	case known:
		return requested || !h.optional
	}
	_, custom := r.definitions[resource.GroupResource]
	return requested || custom && resource.Namespaced
}

func (r *run) serves(kind schema.GroupKind) bool {
	return slices.ContainsFunc(r.Source.Resources, func(resource Resource) bool { return resource.GroupKind() == kind })
}

// readFor returns nil if the source does not serve the kind.
func (r *run) readFor(kind schema.GroupKind) *read {
	for _, resource := range r.Source.Resources {
		if resource.GroupKind() == kind {
			return r.newRead(resource)
		}
	}
	return nil
}

func (r *run) newRead(resource Resource) *read {
	version, notice := r.negotiated(resource)
	return &read{
		Kind: Kind{
			Resource:   resource.WithVersion(version),
			Kind:       resource.GroupKind().WithVersion(version),
			Namespaced: resource.Namespaced,
		},
		handling:  knownKinds[resource.GroupKind()],
		collected: !r.excluded.Has(resource.GroupResource),
		notice:    notice,
	}
}

func (r *run) negotiated(resource Resource) (version, notice string) {
	if len(r.destination) == 0 {
		return resource.Versions[0], ""
	}
	_, custom := r.definitions[resource.GroupResource]
	definitionComes := custom && r.customDefinitions.collected
	if destination, served := r.destination[resource.GroupResource]; served {
		return negotiate(resource, &destination, definitionComes)
	}
	return negotiate(resource, nil, definitionComes)
}
