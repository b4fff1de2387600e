package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
	"github.com/godwit-io/godwit/internal/workload"
)

// listPage is how many objects one request lists.
const listPage = 500

// podResource is what podsPath names objects of.
func podResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

// workloadTasks lists the objects that can be stopped or started, and returns what to do with each that a migration brought, the
// namespaces of these migrations, and what could not be listed.
func (a *activation) workloadTasks(ctx context.Context) (tasks []task, origins map[string]bool, failures []string) {
	lists := make([][]unstructured.Unstructured, len(a.kinds))
	errs := make([]error, len(a.kinds))
	var group errgroup.Group
	group.SetLimit(activationWorkers)
	for i, kind := range a.kinds {
		group.Go(func() error {
			lists[i], errs[i] = a.list(ctx, kind.resource)
			return nil
		})
	}
	_ = group.Wait()
	origins = map[string]bool{}
	for i, kind := range a.kinds {
		if errs[i] != nil {
			failures = append(failures, fmt.Sprintf("Error listing %s: %v", kind.resource.GroupResource(), errs[i]))
		}
		for _, object := range lists[i] {
			if origin := object.GetAnnotations()[storkv1alpha1.AnnotationMigrationNamespace]; origin != "" {
				origins[origin] = true
			}
			if t, ok := a.workloadTask(kind, i, &object); ok {
				tasks = append(tasks, t)
			}
		}
	}
	return tasks, origins, failures
}

func (a *activation) list(ctx context.Context, resource schema.GroupVersionResource) ([]unstructured.Unstructured, error) {
	var objects []unstructured.Unstructured
	options := metav1.ListOptions{Limit: listPage}
	for {
		page, err := a.dynamic.Resource(resource).Namespace(a.scope()).List(ctx, options)
		// A kind may go while the command runs.
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

// workloadTask returns what to do with an object; nothing if no migration brought it, or if its owner scales it.
func (a *activation) workloadTask(kind activatedKind, rank int, object *unstructured.Unstructured) (task, bool) {
	t := task{namespace: object.GetNamespace(), rank: rank, name: object.GetName()}
	switch {
	case kind.kind.Kind == "ReplicaSet" && len(object.GetOwnerReferences()) > 0:
		// Its annotations are copies of the Deployment's.
		return task{}, false
	case migrated(object):
		t.run = func(ctx context.Context) outcome { return a.switchWorkload(ctx, kind, object) }
	case kind.manner == byRegistration:
		warning := fmt.Sprintf("Warn: Skipping CR update %s-%s/%s, annotations not found", strings.ToLower(kind.kind.Kind), t.namespace, t.name)
		t.run = func(context.Context) outcome { return outcome{warnings: []string{warning}} }
	default:
		return task{}, false
	}
	return t, true
}

// migrated tells whether a migration brought an object.
func migrated(object *unstructured.Unstructured) bool {
	annotations := object.GetAnnotations()
	if _, scaled := annotations[storkv1alpha1.AnnotationMigrationReplicas]; scaled {
		return true
	}
	brought, _ := strconv.ParseBool(annotations[storkv1alpha1.AnnotationMigrated])
	return brought
}

// switchWorkload starts or stops one object, and tells of it if that changed something.
func (a *activation) switchWorkload(ctx context.Context, kind activatedKind, object *unstructured.Unstructured) outcome {
	resource := a.dynamic.Resource(kind.resource).Namespace(object.GetNamespace())
	changed, fresh := false, true
	err := retry.RetryOnConflict(retry.DefaultRetry, func() (err error) {
		if !fresh {
			read, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			object = read
		}
		fresh = false
		if changed, err = a.change(object); err != nil || !changed {
			return err
		}
		_, err = resource.Update(ctx, object, metav1.UpdateOptions{})
		return err
	})
	var o outcome
	switch {
	case err != nil:
		o.failures = append(o.failures, failureLine(kind, object, err))
		return o
	case changed:
		o.lines = append(o.lines, successLine(kind, object))
	}
	if !a.activate {
		o.failures = append(o.failures, a.deletePods(ctx, kind, object)...)
	}
	return o
}

// described is how the output names an object.
func described(kind activatedKind, object *unstructured.Unstructured) string {
	return strings.ToLower(kind.kind.Kind) + " " + object.GetNamespace() + "/" + object.GetName()
}

func (a *activation) change(object *unstructured.Unstructured) (changed bool, err error) {
	if a.activate {
		return workload.Resume(object, a.registrations)
	}
	return workload.Suspend(object, a.registrations)
}

// successLine says what was changed, in Stork's words where it has any.
func successLine(kind activatedKind, object *unstructured.Unstructured) string {
	what := described(kind, object)
	switch kind.manner {
	case byReplicas:
		replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
		return fmt.Sprintf("Updated replicas for %s to %d", what, replicas)
	case bySuspend:
		suspend, _, _ := unstructured.NestedBool(object.Object, "spec", "suspend")
		return fmt.Sprintf("Updated suspend option for %s to %t", what, suspend)
	case byRegistration:
		return "Updated CR for " + what
	default:
		return "Updated " + what
	}
}

func failureLine(kind activatedKind, object *unstructured.Unstructured, err error) string {
	what := described(kind, object)
	switch kind.manner {
	case byReplicas:
		return fmt.Sprintf("Error updating replicas for %s : %v", what, err)
	case bySuspend:
		return fmt.Sprintf("Error updating suspend option for %s : %v", what, err)
	case byRegistration:
		return fmt.Sprintf("Error updating CR %s: %v", what, err)
	default:
		return fmt.Sprintf("Error updating %s : %v", what, err)
	}
}

// deletePods deletes, at once, the pods that a stopped custom resource names, for operators that leave them running.
func (a *activation) deletePods(ctx context.Context, kind activatedKind, object *unstructured.Unstructured) (failures []string) {
	registered, _ := a.registrations.Lookup(kind.kind)
	if registered.PodsPath == "" {
		return nil
	}
	what := described(kind, object)
	pods, _, err := unstructured.NestedStringSlice(object.Object, strings.Split(registered.PodsPath, ".")...)
	if err != nil {
		return []string{fmt.Sprintf("Error getting pods for %s : %v", what, err)}
	}
	for _, pod := range pods {
		now := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}
		if err := ignoreNotFound(a.dynamic.Resource(podResource()).Namespace(object.GetNamespace()).Delete(ctx, pod, now)); err != nil {
			failures = append(failures, fmt.Sprintf("Error deleting pod %s for %s : %v", pod, what, err))
		}
	}
	return failures
}
