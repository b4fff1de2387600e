package activation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
)

// Manner is how the objects of a kind are stopped.
type Manner int

const (
	// ByReplicas means that they are scaled to zero.
	ByReplicas Manner = iota
	// ByRegistration means that an ApplicationRegistration tells.
	ByRegistration
	// BySuspend means that spec.suspend is set.
	BySuspend
	// ByOther means that it is a matter of the kind alone.
	ByOther
)

// Kind is one whose objects can be stopped and started.
type Kind struct {
	schema.GroupVersionKind
	Resource schema.GroupVersionResource
	Manner   Manner
}

// builtInKinds are the kinds that are stopped without being registered, in the order in which the output has them: those of
// replicas before custom resources, all others after them.
func builtInKinds() (first, last []Kind) {
	of := func(manner Manner, group string, kinds ...string) (all []Kind) {
		for _, kind := range kinds {
			all = append(all, Kind{GroupVersionKind: schema.GroupVersionKind{Group: group, Kind: kind}, Manner: manner})
		}
		return all
	}
	first = slices.Concat(
		of(ByReplicas, "apps", "StatefulSet", "Deployment", "ReplicaSet"),
		of(ByReplicas, "apps.openshift.io", "DeploymentConfig"),
		of(ByReplicas, "", "ReplicationController"),
		of(ByReplicas, "ibp.com", "IBPPeer", "IBPCA", "IBPOrderer", "IBPConsole"),
	)
	last = slices.Concat(
		of(BySuspend, "batch", "CronJob", "Job"),
		of(ByOther, "apps", "DaemonSet"),
		of(ByOther, "autoscaling", "HorizontalPodAutoscaler"),
	)
	return first, last
}

// findRegistrations reads how custom resources are stopped, and returns all kinds that can be, and the groups of those and of what is
// stashed. The registrations of users go before those that are built in.
func (e *Engine) findRegistrations(ctx context.Context) (wanted []Kind, groups sets.Set[string], _ error) {
	resources, err := e.registered(ctx)
	if err != nil {
		return nil, nil, err
	}
	first, last := builtInKinds()
	builtIn := map[schema.GroupKind]bool{}
	for _, kind := range slices.Concat(first, last) {
		builtIn[kind.GroupKind()] = true
	}
	for _, registration := range workload.Builtin() {
		resources = append(resources, registration.Resources...)
	}
	e.registrations = workload.NewRegistrations(resources)
	groups = sets.New[string]()
	for kind := range builtIn {
		groups.Insert(kind.Group)
	}
	for _, r := range resources {
		groups.Insert(r.Group)
	}
	return slices.Concat(first, registeredKinds(resources, builtIn), last), groups, nil
}

// registered reads the ApplicationRegistrations; a cluster without the kind has none.
func (e *Engine) registered(ctx context.Context) (resources []storkv1alpha1.ApplicationResource, _ error) {
	list, err := e.cluster.Dynamic.Resource(storkv1alpha1.GroupVersion.WithResource("applicationregistrations")).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	for _, item := range list.Items {
		registration := &storkv1alpha1.ApplicationRegistration{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, registration); err != nil {
			return nil, fmt.Errorf("reading ApplicationRegistration %s: %w", item.GetName(), err)
		}
		resources = append(resources, registration.Resources...)
	}
	return resources, nil
}

// registeredKinds are the registered kinds that can be stopped, except those that are known anyway, each once and sorted.
func registeredKinds(resources []storkv1alpha1.ApplicationResource, known map[schema.GroupKind]bool) []Kind {
	found := map[schema.GroupKind]Kind{}
	for _, r := range resources {
		kind := schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
		stoppable := r.SuspendOptions.Path != "" || len(r.NestedSuspendOptions) > 0
		if _, twice := found[kind.GroupKind()]; !twice && stoppable && !known[kind.GroupKind()] {
			found[kind.GroupKind()] = Kind{GroupVersionKind: kind, Manner: ByRegistration}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(x, y Kind) int {
		return strings.Compare(x.GroupKind().String(), y.GroupKind().String())
	})
}

// findKinds keeps the kinds that the cluster serves, in the registered version if that is served, else in the preferred one. A failing
// API of metrics, for example, is nothing to applications: only that of one of the groups is told.
func (e *Engine) findKinds(ctx context.Context, wanted []Kind, concerned sets.Set[string]) (notices []string, _ error) {
	groups, resources, err := discovery.ToServerResourcesInterfaceWithContext(e.cluster.Discovery).ServerGroupsAndResourcesWithContext(ctx)
	if failing, ok := errors.AsType[*discovery.ErrGroupDiscoveryFailed](err); ok {
		for _, gv := range slices.SortedFunc(maps.Keys(failing.Groups), func(x, y schema.GroupVersion) int { return strings.Compare(x.String(), y.String()) }) {
			if concerned.Has(gv.Group) {
				notices = append(notices, fmt.Sprintf("objects of %s, its API server does not answer: %v", gv, failing.Groups[gv]))
			}
		}
	} else if err != nil {
		return nil, err
	}
	e.served = servedKinds(groups, resources)
	e.kinds = choose(wanted, e.served)
	return notices, nil
}

// choose returns the kinds that are served, each in the version that is wanted or, without that, in the first one.
func choose(wanted []Kind, served map[schema.GroupKind][]Kind) []Kind {
	var kinds []Kind
	for _, k := range wanted {
		versions := served[k.GroupKind()]
		if len(versions) == 0 {
			continue
		}
		chosen := versions[max(0, slices.IndexFunc(versions, func(v Kind) bool { return v.GroupVersionKind == k.GroupVersionKind }))]
		chosen.Manner = k.Manner
		kinds = append(kinds, chosen)
	}
	return kinds
}

// servedKinds returns for each namespaced kind the versions in which it can be listed, the preferred one first.
func servedKinds(groups []*metav1.APIGroup, lists []*metav1.APIResourceList) map[schema.GroupKind][]Kind {
	preferred := map[string]bool{}
	for _, group := range groups {
		preferred[group.PreferredVersion.GroupVersion] = true
	}
	served := map[schema.GroupKind][]Kind{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range list.APIResources {
			if !r.Namespaced || strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") {
				continue
			}
			kind := Kind{GroupVersionKind: gv.WithKind(r.Kind), Resource: gv.WithResource(r.Name)}
			at := len(served[kind.GroupKind()])
			if preferred[list.GroupVersion] {
				at = 0
			}
			served[kind.GroupKind()] = slices.Insert(served[kind.GroupKind()], at, kind)
		}
	}
	return served
}
