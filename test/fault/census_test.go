package fault_test

import (
	"context"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// census returns all that the destination has in the scenario's namespace, and the cluster-scoped objects that are named after it, by
// "Kind name". Events are left out.
func (w *world) census() map[string]*unstructured.Unstructured {
	w.Helper()
	found := map[string]*unstructured.Unstructured{}
	for kind := range w.kindsThere() {
		mapping, err := there.RESTMapper().RESTMapping(kind.GroupKind(), kind.Version)
		if isNoMatch(err) {
			continue
		}
		w.Expect(err).NotTo(HaveOccurred())
		namespaced := mapping.Scope.Name() == apimeta.RESTScopeNameNamespace
		var options []client.ListOption
		if namespaced {
			options = append(options, client.InNamespace(w.namespace))
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		if err := there.List(context.Background(), list, options...); !apierrors.IsNotFound(err) && !apierrors.IsServiceUnavailable(err) {
			w.Expect(err).NotTo(HaveOccurred(), "listing %s", kind)
		}
		for i := range list.Items {
			if o := &list.Items[i]; namespaced || w.isNamedAfter(o.GetName()) {
				found[key(o)] = o
			}
		}
	}
	return found
}

// kindsThere are all kinds of the destination whose objects can be made, but for those of other scenarios, and all that are planned: a
// new kind is not discovered at once.
func (w *world) kindsThere() sets.Set[schema.GroupVersionKind] {
	w.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(destination.Config())
	w.Expect(err).NotTo(HaveOccurred())
	resources, err := client.ServerPreferredResources()
	if !discovery.IsGroupDiscoveryFailedError(err) { // Some scenario's API is dead.
		w.Expect(err).NotTo(HaveOccurred())
	}
	kinds := sets.New[schema.GroupVersionKind]()
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"create", "list"}}, resources) {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		w.Expect(err).NotTo(HaveOccurred())
		if strings.HasSuffix(version.Group, "example.com") && !w.isNamedAfter(version.Group) {
			continue
		}
		for _, resource := range list.APIResources {
			if resource.Kind != "Event" {
				kinds.Insert(version.WithKind(resource.Kind))
			}
		}
	}
	for _, o := range w.planned {
		kinds.Insert(o.GroupVersionKind())
	}
	return kinds
}

// isNamedAfter tells whether the name has that of the scenario's namespace in it. No namespace's name is a part of another one's.
func (w *world) isNamedAfter(name string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(w.namespace) + `\b`).MatchString(name)
}

// judgeCensus finds what the destination has too many and too few: nothing but what arrived, what was there before, and what the
// cluster makes by itself; and all that was there before, as it was if it did not arrive, but for what had to be purged.
func (w *world) judgeCensus(found map[string]*unstructured.Unstructured, report map[string]*storkv1alpha1.MigrationResourceInfo, s *scenario) {
	w.Helper()
	arrived := func(name string) bool {
		return report[name] != nil && report[name].Status == storkv1alpha1.MigrationStatusSuccessful
	}
	for name, o := range found {
		if w.before[name] == nil && !arrived(name) && !ofTheCluster(o) {
			w.Errorf("%s is at the destination, made by %v, though it did not arrive", name, managers(o))
		}
	}
	for name, before := range w.before {
		switch now := found[name]; {
		case w.gone.Has(name):
			w.Expect(now).To(BeNil(), "%s is gone from the source and shall be purged", name)
		case ofTheCluster(before) || before.GetDeletionTimestamp() != nil:
		case now == nil:
			w.Errorf("%s was at the destination and is gone", name)
		default:
			w.Expect(now.GetUID()).To(Equal(before.GetUID()), "%s was there and is another one", name)
			if !arrived(name) && !s.overrules(name) {
				w.Expect(normalised(now).Object).To(BeComparableTo(normalised(before).Object), "%s did not arrive, and is not what it was", name)
			}
		}
	}
}

// ofTheCluster tells whether nobody but the cluster's own controllers wrote an object, for example the endpoints of a Service.
func ofTheCluster(o *unstructured.Unstructured) bool {
	return !slices.ContainsFunc(managers(o), func(manager string) bool {
		return manager != "kube-controller-manager" && manager != "kube-apiserver"
	})
}

func managers(o *unstructured.Unstructured) []string {
	var all []string
	for _, entry := range o.GetManagedFields() {
		all = append(all, entry.Manager)
	}
	return slices.Compact(all)
}

// expectGone are the objects that the migration has to purge: what an earlier one brought and the source does not have any more.
func (w *world) expectGone() sets.Set[string] {
	gone := sets.New[string]()
	for name, o := range w.before {
		if w.standby && w.brought.Has(name) && w.planned[name] == nil && o.GetNamespace() != metav1.NamespaceNone && o.GetDeletionTimestamp() == nil {
			gone.Insert(name)
		}
	}
	return gone
}
