package rule

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/pager"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// target is a container to run a command in.
type target struct {
	namespace, pod string
	uid            types.UID
	container      string
}

func (t target) String() string {
	return fmt.Sprintf("container %s of pod %s/%s", t.container, t.namespace, t.pod)
}

// selectTargets returns the containers that a rule selects, by name of the pod, and of these the first in each namespace.
func (r *Runner) selectTargets(ctx context.Context, item storkv1alpha1.RuleItem, namespaces []string) (all, single []target, err error) {
	for _, namespace := range namespaces {
		pods, err := r.runningPods(ctx, namespace, labels.SelectorFromSet(item.PodSelector))
		if err != nil {
			return nil, nil, err
		}
		for i, pod := range pods {
			t, err := newTarget(pod, item.Container)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, t)
			if i == 0 {
				single = append(single, t)
			}
		}
	}
	return all, single, nil
}

// runningPods lists pods that run and are not being deleted, by name.
func (r *Runner) runningPods(ctx context.Context, namespace string, selector labels.Selector) ([]*corev1.Pod, error) {
	options := metav1.ListOptions{
		LabelSelector: selector.String(),
		FieldSelector: fields.OneTermEqualSelector("status.phase", string(corev1.PodRunning)).String(),
	}
	var pods []*corev1.Pod
	list := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return r.client.CoreV1().Pods(namespace).List(ctx, options)
	})
	err := list.EachListItem(ctx, options, func(object runtime.Object) error {
		if pod, ok := object.(*corev1.Pod); ok && pod.DeletionTimestamp == nil {
			pods = append(pods, pod)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing pods of namespace %s: %w", namespace, err)
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return pods, nil
}

// newTarget finds a container of a pod: the first if there is no name, as in Stork.
func newTarget(pod *corev1.Pod, container string) (target, error) {
	names := containerNames(pod)
	t := target{namespace: pod.Namespace, pod: pod.Name, uid: pod.UID, container: container}
	switch {
	case container == "" && len(names) > 0:
		t.container = names[0]
	case !slices.Contains(names, container):
		return target{}, fmt.Errorf("pod %s/%s has no container %q: it has %s", pod.Namespace, pod.Name, container, strings.Join(names, ", "))
	}
	return t, nil
}

// containerNames returns the containers that run as long as their pod does; sidecars are last.
func containerNames(pod *corev1.Pod) []string {
	var names []string
	for _, container := range pod.Spec.Containers {
		names = append(names, container.Name)
	}
	for _, container := range pod.Spec.InitContainers {
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			names = append(names, container.Name)
		}
	}
	return names
}

// gone tells whether the pod does not run any more. If that cannot be found out it is taken to run.
func (r *Runner) gone(ctx context.Context, t target) bool {
	pod, err := r.client.CoreV1().Pods(t.namespace).Get(ctx, t.pod, metav1.GetOptions{})
	if err != nil {
		return apierrors.IsNotFound(err)
	}
	return pod.UID != t.uid || pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning
}
