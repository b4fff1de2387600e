package rule

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

//go:embed recover.sh
var recoverScript string

// Recover ends background commands that an operator left behind which died, and returns when they have ended. Pods that are
// gone are passed over. Pods in other than the given namespaces are refused: whoever may annotate the object decides what the
// tracker says, so the namespaces must be those that the object's owner may run commands in.
func (r *Runner) Recover(ctx context.Context, tracker Tracker, namespaces []string) error {
	if err := tracker.validate(); err != nil {
		return err
	}
	targets, err := r.recoverTargets(ctx, tracker, namespaces)
	if err != nil {
		return err
	}
	script := []string{"sh", "-c", recoverScript, "sh", folderPrefix(tracker.TaskID), seconds(r.options.Grace + stopMargin)}
	return inEach(targets, func(t target) error {
		if err := r.execute(ctx, t, script); err != nil && !r.gone(ctx, t) {
			return fmt.Errorf("ending background commands in %s: %w", t, err)
		}
		return nil
	})
}

// recoverTargets returns the containers of a tracker whose pods still run, each once.
func (r *Runner) recoverTargets(ctx context.Context, tracker Tracker, namespaces []string) ([]target, error) {
	wanted, err := trackedContainers(tracker, namespaces)
	if err != nil {
		return nil, err
	}
	var targets []target
	for _, namespace := range slices.Sorted(maps.Keys(wanted)) {
		pods, err := r.runningPods(ctx, namespace, labels.Everything())
		if err != nil {
			return nil, err
		}
		for _, pod := range pods {
			for _, container := range wanted[namespace][pod.UID] {
				// Nothing can run in a container that the pod does not have.
				if t, err := newTarget(pod, container); err == nil && !slices.Contains(targets, t) {
					targets = append(targets, t)
				}
			}
		}
	}
	return targets, nil
}

// trackedContainers returns the containers of a tracker by namespace and pod.
func trackedContainers(tracker Tracker, namespaces []string) (map[string]map[types.UID][]string, error) {
	wanted := map[string]map[types.UID][]string{}
	for _, pod := range tracker.Pods {
		if !slices.Contains(namespaces, pod.Namespace) {
			return nil, fmt.Errorf("annotation %s names a pod in namespace %.80q, which is not one of %v: correct or remove it",
				TrackerAnnotation, pod.Namespace, namespaces)
		}
		if wanted[pod.Namespace] == nil {
			wanted[pod.Namespace] = map[types.UID][]string{}
		}
		container := cmp.Or(pod.Container, tracker.Container)
		wanted[pod.Namespace][pod.UID] = append(wanted[pod.Namespace][pod.UID], container)
	}
	return wanted, nil
}
