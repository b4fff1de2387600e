package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
)

// manner is how the objects of a kind are stopped, as far as the output tells.
type manner int

const (
	byReplicas manner = iota
	byRegistration
	bySuspend
	byOther
)

// activatedKind is a kind whose objects can be stopped and started.
type activatedKind struct {
	kind     schema.GroupVersionKind
	resource schema.GroupVersionResource
	manner   manner
}

// builtInKinds are the kinds that are stopped without being registered, in the order in which the output has them: those of
// replicas before custom resources, all others after them.
func builtInKinds() (first, last []activatedKind) {
	of := func(manner manner, group string, kinds ...string) (all []activatedKind) {
		for _, kind := range kinds {
			all = append(all, activatedKind{kind: schema.GroupVersionKind{Group: group, Kind: kind}, manner: manner})
		}
		return all
	}
	first = slices.Concat(
		of(byReplicas, "apps", "StatefulSet", "Deployment", "ReplicaSet"),
		of(byReplicas, "apps.openshift.io", "DeploymentConfig"),
		of(byReplicas, "", "ReplicationController"),
		of(byReplicas, "ibp.com", "IBPPeer", "IBPCA", "IBPOrderer", "IBPConsole"),
	)
	last = slices.Concat(
		of(bySuspend, "batch", "CronJob", "Job"),
		of(byOther, "apps", "DaemonSet"),
		of(byOther, "autoscaling", "HorizontalPodAutoscaler"),
	)
	return first, last
}

// findRegistrations reads how custom resources are stopped. The registrations of users go before those that are built in.
func (a *activation) findRegistrations(ctx context.Context) error {
	list := &storkv1alpha1.ApplicationRegistrationList{}
	if err := a.client.List(ctx, list); err != nil && !apimeta.IsNoMatchError(err) {
		return err
	}
	first, last := builtInKinds()
	builtIn := map[schema.GroupKind]bool{}
	for _, kind := range slices.Concat(first, last) {
		builtIn[kind.kind.GroupKind()] = true
	}
	var resources []storkv1alpha1.ApplicationResource
	for _, registration := range list.Items {
		resources = append(resources, registration.Resources...)
	}
	for _, registration := range workload.Builtin() {
		resources = append(resources, registration.Resources...)
	}
	a.registrations = workload.NewRegistrations(resources)
	a.kinds = slices.Concat(first, registeredKinds(resources, builtIn), last)
	return nil
}

// registeredKinds are the registered kinds that can be stopped, except those that are known anyway, each once and sorted.
func registeredKinds(resources []storkv1alpha1.ApplicationResource, known map[schema.GroupKind]bool) []activatedKind {
	found := map[schema.GroupKind]activatedKind{}
	for _, r := range resources {
		kind := schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
		stoppable := r.SuspendOptions.Path != "" || len(r.NestedSuspendOptions) > 0
		if _, twice := found[kind.GroupKind()]; !twice && stoppable && !known[kind.GroupKind()] {
			found[kind.GroupKind()] = activatedKind{kind: kind, manner: byRegistration}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(x, y activatedKind) int {
		return strings.Compare(x.kind.GroupKind().String(), y.kind.GroupKind().String())
	})
}

// findKinds keeps the kinds that the cluster serves, in the registered version if that is served, else in the preferred one.
func (a *activation) findKinds(ctx context.Context) error {
	groups, resources, err := a.discovery.ServerGroupsAndResourcesWithContext(ctx)
	if failing, ok := errors.AsType[*discovery.ErrGroupDiscoveryFailed](err); ok {
		for _, gv := range slices.SortedFunc(maps.Keys(failing.Groups), func(x, y schema.GroupVersion) int { return strings.Compare(x.String(), y.String()) }) {
			a.printlnErr(fmt.Sprintf("Warn: Skipping objects of %s, its API server does not answer: %v", gv, failing.Groups[gv]))
		}
	} else if err != nil {
		return err
	}
	a.kinds = choose(a.kinds, servedKinds(groups, resources))
	return nil
}

// choose returns the kinds that are served, each in the version that is wanted or, without that, in the first one.
func choose(wanted []activatedKind, served map[schema.GroupKind][]activatedKind) []activatedKind {
	var kinds []activatedKind
	for _, k := range wanted {
		versions := served[k.kind.GroupKind()]
		if len(versions) == 0 {
			continue
		}
		chosen := versions[max(0, slices.IndexFunc(versions, func(v activatedKind) bool { return v.kind == k.kind }))]
		chosen.manner = k.manner
		kinds = append(kinds, chosen)
	}
	return kinds
}

// servedKinds returns for each namespaced kind the versions in which it can be listed, the preferred one first.
func servedKinds(groups []*metav1.APIGroup, lists []*metav1.APIResourceList) map[schema.GroupKind][]activatedKind {
	preferred := map[string]bool{}
	for _, group := range groups {
		preferred[group.PreferredVersion.GroupVersion] = true
	}
	served := map[schema.GroupKind][]activatedKind{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range list.APIResources {
			if !r.Namespaced || strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") {
				continue
			}
			kind := activatedKind{kind: gv.WithKind(r.Kind), resource: gv.WithResource(r.Name)}
			at := len(served[kind.kind.GroupKind()])
			if preferred[list.GroupVersion] {
				at = 0
			}
			served[kind.kind.GroupKind()] = slices.Insert(served[kind.kind.GroupKind()], at, kind)
		}
	}
	return served
}
