package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Resource is one kind of object that an API server serves and lists.
type Resource struct {
	// GroupResource is the plural name and the group.
	schema.GroupResource
	// Kind is what its objects carry.
	Kind string
	// Singular and ShortNames are further names that users know it by.
	Singular   string
	ShortNames []string
	// Categories it is in, for example "all".
	Categories []string
	// Namespaced tells whether its objects are in namespaces.
	Namespaced bool
	// Verbs that the preferred version allows.
	Verbs []string
	// Versions that it is served in, the server's preferred one first.
	Versions []string
}

// GroupKind is the kind with its group.
func (r Resource) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: r.Group, Kind: r.Kind}
}

// Served is what an API server serves. The zero value means that nothing is known of it.
type Served struct {
	// Resources are all that can be listed.
	Resources []Resource
	// Notices name the API groups that were left out because their server does not answer.
	Notices []string
}

// Discover asks an API server what it serves, in two requests where it knows aggregated discovery. API groups whose own server
// does not answer are left out and named in the notices; the error tells that nothing could be learned.
func Discover(ctx context.Context, client discovery.DiscoveryInterface) (Served, error) {
	server := discovery.ToServerResourcesInterfaceWithContext(client)
	served, err := patiently(ctx, func(ctx context.Context) (Served, error) {
		groups, lists, err := server.ServerGroupsAndResourcesWithContext(ctx)
		failed, partial := errors.AsType[*discovery.ErrGroupDiscoveryFailed](err)
		if err != nil && (!partial || len(lists) == 0) {
			return Served{}, err
		}
		served := Served{Resources: resources(groups, lists)}
		if partial {
			served.Notices = silentGroups(failed)
		}
		return served, nil
	})
	if err != nil {
		return Served{}, fmt.Errorf("asking the API server what it serves: %w", err)
	}
	return served, nil
}

func silentGroups(failed *discovery.ErrGroupDiscoveryFailed) []string {
	notices := make([]string, 0, len(failed.Groups))
	for version, cause := range failed.Groups {
		notices = append(notices, fmt.Sprintf("API group %s was left out: its server does not answer: %v", version, cause))
	}
	slices.Sort(notices)
	return notices
}

// resources joins the lists of all versions of all groups.
func resources(groups []*metav1.APIGroup, lists []*metav1.APIResourceList) []Resource {
	byVersion := map[string]*metav1.APIResourceList{}
	for _, list := range lists {
		byVersion[list.GroupVersion] = list
	}
	var all []Resource
	index := map[schema.GroupResource]int{}
	for _, group := range groups {
		for _, version := range preferredFirst(group) {
			list := byVersion[version.GroupVersion]
			if list == nil {
				continue
			}
			for _, r := range list.APIResources {
				if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") {
					continue
				}
				name := schema.GroupResource{Group: group.Name, Resource: r.Name}
				at, known := index[name]
				if !known {
					at = len(all)
					index[name] = at
					all = append(all, Resource{GroupResource: name, Kind: r.Kind, Singular: r.SingularName, ShortNames: r.ShortNames,
						Categories: r.Categories, Namespaced: r.Namespaced, Verbs: r.Verbs})
				}
				if !slices.Contains(all[at].Versions, version.Version) {
					all[at].Versions = append(all[at].Versions, version.Version)
				}
			}
		}
	}
	return all
}

func preferredFirst(group *metav1.APIGroup) []metav1.GroupVersionForDiscovery {
	others := slices.DeleteFunc(slices.Clone(group.Versions), func(v metav1.GroupVersionForDiscovery) bool {
		return v == group.PreferredVersion
	})
	return append([]metav1.GroupVersionForDiscovery{group.PreferredVersion}, others...)
}
