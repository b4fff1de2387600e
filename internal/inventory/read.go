package inventory

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// definitionPageSize is smaller than that of other kinds, because a CustomResourceDefinition may have hundreds of kilobytes.
const definitionPageSize = 50

// readFirst reads what decides on what else to read: the namespaces, and the definitions of custom resources.
func (r *run) readFirst(ctx context.Context) error {
	migratedOrNil := func(namespace *unstructured.Unstructured) (*Object, bool) {
		if _, migrated := r.namespaces[namespace.GetName()]; !migrated || deleting(namespace) {
			return nil, true // Only counted.
		}
		return &Object{Unstructured: namespace, Kind: r.allNamespaces.Kind, UID: namespace.GetUID()}, true
	}
	all, err := list(ctx, r.client(r.allNamespaces, ""), r.options(r.allNamespaces), migratedOrNil)
	if err := r.tolerate(r.allNamespaces, "", err); err != nil {
		return err
	}
	r.clusterNamespaces = len(all)
	for _, namespace := range all {
		if namespace != nil {
			r.allNamespaces.objects = append(r.allNamespaces.objects, namespace)
		}
	}
	if r.customDefinitions == nil {
		return nil
	}
	return r.readDefinitions(ctx)
}

func (r *run) readDefinitions(ctx context.Context) error {
	options := r.options(r.customDefinitions)
	options.Limit = min(options.Limit, definitionPageSize)
	all, err := list(ctx, r.client(r.customDefinitions, ""), options, newDefinition)
	for _, d := range all {
		r.definitions[d.resource] = d
	}
	return r.tolerate(r.customDefinitions, "", err)
}

// task is one list to read, of all namespaces if namespace is empty.
type task struct {
	*read
	namespace string
	found     []*Object
	err       error
}

// readAll reads all other kinds in parallel.
func (r *run) readAll(ctx context.Context) error {
	tasks := r.tasks()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.parallel())
	for _, t := range tasks {
		group.Go(func() error {
			toObject := func(object *unstructured.Unstructured) (*Object, bool) { return r.object(t.read, object) }
			t.found, t.err = list(ctx, r.client(t.read, t.namespace), r.options(t.read), toObject)
			if t.err != nil && !concernsKindOnly(t.err) {
				return failure(t.read, t.namespace, t.err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, t := range tasks {
		t.objects = append(t.objects, t.found...)
		if err := r.tolerate(t.read, t.namespace, t.err); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) tasks() []*task {
	var tasks []*task
	for _, k := range r.reads {
		if !k.Namespaced || r.readsWholeCluster() {
			tasks = append(tasks, &task{read: k})
			continue
		}
		for namespace := range r.namespaces {
			tasks = append(tasks, &task{read: k, namespace: namespace})
		}
	}
	return tasks
}

// readsWholeCluster tells whether one list of each kind in all namespaces is cheaper than one in each migrated namespace. Even an
// empty list costs as much as ten or twenty objects in a longer one, and a namespace has a few objects of a kind on average. So
// the one list pays when a quarter of the namespaces are migrated, and never for a few: the rest of the cluster may be large.
func (r *run) readsWholeCluster() bool {
	return len(r.namespaces) > 3 && len(r.namespaces)*4 >= r.clusterNamespaces && r.clusterNamespaces > 0
}

// object returns false for what is in a namespace that is not migrated.
func (r *run) object(k *read, object *unstructured.Unstructured) (*Object, bool) {
	destination, migrated := r.namespaces[object.GetNamespace()]
	if k.Namespaced && !migrated {
		return nil, false
	}
	return &Object{Unstructured: object, Kind: k.Kind, DestinationNamespace: destination, UID: object.GetUID()}, true
}

func (r *run) client(k *read, namespace string) dynamic.ResourceInterface {
	return r.Client.Resource(k.Resource).Namespace(namespace)
}

func (r *run) options(k *read) metav1.ListOptions {
	options := metav1.ListOptions{Limit: r.PageSize}
	if options.Limit == 0 {
		options.Limit = defaultPageSize
	}
	if !k.byReference && !k.unfiltered && !k.first {
		options.LabelSelector = r.selector.String()
	}
	return options
}

func (r *run) parallel() int {
	if r.Parallel == 0 {
		return defaultParallel
	}
	return r.Parallel
}

// concernsKindOnly tells whether a failure to read a kind says nothing about other kinds. The webhook that converts the versions of
// a custom resource may be gone for good, with its operator.
func concernsKindOnly(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) ||
		err != nil && strings.Contains(err.Error(), "conversion webhook for")
}

// tolerate makes a failure that concerns one kind a notice, and leaves the kind out of what may be purged.
func (r *run) tolerate(k *read, namespace string, err error) error {
	switch {
	case err == nil:
		return nil
	case !concernsKindOnly(err):
		return failure(k, namespace, err)
	}
	k.incomplete = true
	r.notice("%s was left out: %v", place(k, namespace), err)
	return nil
}

func failure(k *read, namespace string, err error) error {
	return fmt.Errorf("listing %s at the source: %w", place(k, namespace), err)
}

func place(k *read, namespace string) string {
	name := k.Kind.Kind.GroupKind().String()
	if namespace == "" {
		return name
	}
	return name + " in namespace " + namespace
}
