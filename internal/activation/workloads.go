package activation

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
)

const (
	// listPage is how many objects one request lists.
	listPage = 500
	// maxLists is for how many namespaces each is listed by itself; of more, the whole cluster is.
	maxLists = 10
)

// podResource is what podsPath names objects of.
func podResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

func claimResource() schema.GroupVersionResource {
	return corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")
}

// Brought tells whether a migration brought an object, or an Action stopped it: it is for activation to start.
func Brought(object *unstructured.Unstructured) bool {
	annotations := object.GetAnnotations()
	if _, scaled := annotations[storkv1alpha1.AnnotationMigrationReplicas]; scaled {
		return true
	}
	if strings.HasPrefix(annotations[Mark], StoppedBy("")) {
		return true
	}
	brought, _ := strconv.ParseBool(annotations[storkv1alpha1.AnnotationMigrated])
	return brought
}

// workloadTasks lists the objects that can be stopped or started, and returns what to do with each that is chosen.
func (e *Engine) workloadTasks(ctx context.Context, request Request) (tasks []*task, report Report) {
	lists := make([][]unstructured.Unstructured, len(e.kinds))
	errs := make([]error, len(e.kinds))
	var group errgroup.Group
	group.SetLimit(workers)
	for i, kind := range e.kinds {
		group.Go(func() error {
			lists[i], errs[i] = e.list(ctx, kind.Resource, request.Namespaces, "")
			return nil
		})
	}
	_ = group.Wait()
	report.Origins = map[string]bool{}
	for i, kind := range e.kinds {
		if errs[i] != nil {
			report.Unlisted = append(report.Unlisted, ListError{Resource: kind.Resource.GroupResource(), Err: errs[i]})
		}
		for _, object := range lists[i] {
			if origin := object.GetAnnotations()[storkv1alpha1.AnnotationMigrationNamespace]; origin != "" {
				report.Origins[origin] = true
			}
			if t := e.workloadTask(request, kind, &object); t != nil {
				t.rank = i
				tasks = append(tasks, t)
			}
		}
	}
	return tasks, report
}

// list returns the objects of a kind in namespaces, or in all where none are given.
func (e *Engine) list(
	ctx context.Context, resource schema.GroupVersionResource, namespaces []string, labels string,
) (objects []unstructured.Unstructured, _ error) {
	if len(namespaces) == 0 || len(namespaces) > maxLists {
		all, err := e.listIn(ctx, resource, "", labels)
		for _, object := range all {
			if len(namespaces) == 0 || slices.Contains(namespaces, object.GetNamespace()) {
				objects = append(objects, object)
			}
		}
		return objects, err
	}
	for _, namespace := range namespaces {
		some, err := e.listIn(ctx, resource, namespace, labels)
		objects = append(objects, some...)
		if err != nil {
			return objects, err
		}
	}
	return objects, nil
}

func (e *Engine) listIn(ctx context.Context, resource schema.GroupVersionResource, namespace, labels string) ([]unstructured.Unstructured, error) {
	var objects []unstructured.Unstructured
	options := metav1.ListOptions{Limit: listPage, LabelSelector: labels}
	for {
		page, err := e.cluster.Dynamic.Resource(resource).Namespace(namespace).List(ctx, options)
		// A kind may go while this runs.
		if err != nil {
			return objects, ignoreNotFound(err)
		}
		objects = append(objects, page.Items...)
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return objects, nil
		}
	}
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// workloadTask returns what to do with an object; nil if it is not chosen, or if its owner scales it.
func (e *Engine) workloadTask(request Request, kind Kind, object *unstructured.Unstructured) *task {
	t := &task{Outcome: Outcome{
		Kind: kind.GroupVersionKind, Namespace: object.GetNamespace(), Name: object.GetName(), Manner: kind.Manner, Object: object,
	}}
	switch {
	case kind.Kind == "ReplicaSet" && len(object.GetOwnerReferences()) > 0:
		// Its annotations are copies of the Deployment's.
		return nil
	case request.Choose(kind, object):
		t.Step = StepSwitch
		t.run = func(ctx context.Context, o *Outcome) { e.switchWorkload(ctx, request, kind, o) }
	case kind.Manner == ByRegistration:
		t.Step = StepSkip
	default:
		return nil
	}
	return t
}

// preview tells in the outcome what switching would come to, and leaves its object as it is.
func (e *Engine) preview(o *Outcome, request Request) {
	after := o.Object.DeepCopy()
	changed, err := e.change(after, request)
	if o.Err = err; err == nil && !changed {
		o.Step = StepNone
	}
	o.Idle = changed && !request.Activate && equality.Semantic.DeepEqual(o.Object.Object["spec"], after.Object["spec"])
}

// switchWorkload starts or stops one object.
func (e *Engine) switchWorkload(ctx context.Context, request Request, kind Kind, o *Outcome) {
	resource := e.cluster.Dynamic.Resource(kind.Resource).Namespace(o.Namespace)
	changed, fresh := false, true
	o.Err = retry.RetryOnConflict(retry.DefaultRetry, func() (err error) {
		if !fresh {
			read, err := resource.Get(ctx, o.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			o.Object = read
		}
		fresh = false
		changed, err = e.switchOnce(ctx, request, resource, o)
		return err
	})
	if o.Err != nil {
		return
	}
	if !changed {
		o.Step = StepNone
	}
	if !request.Activate {
		o.PodErrs = e.deletePods(ctx, kind, o.Object)
	}
}

// switchOnce writes what is to be changed over the object that was read.
func (e *Engine) switchOnce(ctx context.Context, request Request, resource writer, o *Outcome) (changed bool, err error) {
	wanted := o.Object.DeepCopy()
	if changed, err = e.change(wanted, request); err != nil {
		return false, err
	}
	marked := mark(wanted, request, changed)
	if !changed && !marked {
		return false, nil
	}
	written, err := patch(ctx, resource, o.Object, wanted)
	if err == nil {
		o.Object = written
	}
	return changed, err
}

// writer is the part of a client for objects of a kind that writes them.
type writer interface {
	Patch(ctx context.Context, name string, kind types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string) (*unstructured.Unstructured, error)
}

// patch writes the difference between two states of an object, unless somebody else wrote to it in between.
func patch(ctx context.Context, resource writer, before, after *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	data, err := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}).Data(after)
	if err != nil {
		return nil, err
	}
	return resource.Patch(ctx, after.GetName(), types.MergePatchType, data, metav1.PatchOptions{})
}

func (e *Engine) change(object *unstructured.Unstructured, request Request) (changed bool, err error) {
	if request.Activate {
		return workload.Resume(object, e.registrations)
	}
	return workload.Suspend(object, e.registrations)
}

// mark notes who changed an object. Without a change, only the mark of what is undone goes.
func mark(object *unstructured.Unstructured, request Request, changed bool) (marked bool) {
	annotations := object.GetAnnotations()
	before, had := annotations[Mark]
	wanted := ""
	if request.By != "" {
		if wanted = StoppedBy(request.By); request.Activate {
			wanted = StartedBy(request.By)
		}
	}
	undone := had && strings.HasPrefix(before, StoppedBy("")) == request.Activate
	switch {
	case changed && wanted != "":
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[Mark] = wanted
	case had && (changed || undone):
		delete(annotations, Mark)
	default:
		return false
	}
	object.SetAnnotations(annotations)
	return annotations[Mark] != before
}

// deletePods deletes, at once, the pods that a stopped custom resource names, for operators that leave them running.
func (e *Engine) deletePods(ctx context.Context, kind Kind, object *unstructured.Unstructured) map[string]error {
	pods, err := e.namedPods(kind.GroupVersionKind, object)
	if err != nil {
		return map[string]error{"": err}
	}
	failures := map[string]error{}
	for _, pod := range pods {
		now := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}
		if err := ignoreNotFound(e.cluster.Dynamic.Resource(podResource()).Namespace(object.GetNamespace()).Delete(ctx, pod, now)); err != nil {
			failures[pod] = err
		}
	}
	return failures
}

// namedPods are the pods that a custom resource names where its registration has a podsPath.
func (e *Engine) namedPods(kind schema.GroupVersionKind, object *unstructured.Unstructured) ([]string, error) {
	registered, _ := e.registrations.Lookup(kind)
	if registered.PodsPath == "" {
		return nil, nil
	}
	pods, _, err := unstructured.NestedStringSlice(object.Object, strings.Split(registered.PodsPath, ".")...)
	if err != nil {
		return nil, err
	}
	return pods, nil
}
