package workload

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Suspend stops what obj runs, in place, and remembers on obj what it was. Applied to a stopped object it changes nothing, so
// what was remembered first is carried on. An object that runs nothing is left alone.
//
// The error names the field and what to correct; obj must not be used then.
func Suspend(obj *unstructured.Unstructured, registrations Registrations) (changed bool, err error) {
	return run(obj, registrations, stopper.suspend)
}

// Resume starts again, in place, what Suspend or Stork stopped, and removes what was remembered. What was stopped before it was
// suspended stays so, and what somebody has started since is left as it is. An object that was not suspended is left alone.
//
// A CronJob that Stork suspended carries no memo of it, so that one that a Migration applied and that is suspended without a
// memo is resumed too.
//
// The error names the field and what to correct; obj must not be used then.
func Resume(obj *unstructured.Unstructured, registrations Registrations) (changed bool, err error) {
	changed, err = Restore(obj, registrations)
	if err != nil || changed {
		return changed, err
	}
	return resumeForgottenCronJob(obj)
}

// Restore is Resume for an object that is copied and not activated: it undoes only what was remembered.
func Restore(obj *unstructured.Unstructured, registrations Registrations) (changed bool, err error) {
	return run(obj, registrations, stopper.restore)
}

// stopper is one way to stop an object. Both functions are idempotent.
type stopper interface {
	suspend(obj *unstructured.Unstructured) (changed bool, err error)
	restore(obj *unstructured.Unstructured) (changed bool, err error)
}

func run(
	obj *unstructured.Unstructured, registrations Registrations, do func(stopper, *unstructured.Unstructured) (bool, error),
) (changed bool, err error) {
	stoppers, err := stoppersFor(obj, registrations)
	if err != nil {
		return false, fmt.Errorf("%s %s: %w", obj.GetKind(), obj.GetName(), err)
	}
	for _, s := range stoppers {
		one, err := do(s, obj)
		if err != nil {
			return changed, fmt.Errorf("%s %s: %w", obj.GetKind(), obj.GetName(), err)
		}
		changed = changed || one
	}
	return changed, nil
}

func stoppersFor(obj *unstructured.Unstructured, registrations Registrations) ([]stopper, error) {
	gvk := obj.GroupVersionKind()
	builtIn := builtInStopper(gvk.GroupKind())
	custom, err := registrations.stoppers(obj, gvk, builtIn)
	if err != nil || builtIn == nil {
		return custom, err
	}
	return append([]stopper{builtIn}, custom...), nil
}

// builtInStopper tells how a kind that needs no registration is stopped; nil for all others.
func builtInStopper(kind schema.GroupKind) stopper {
	switch kind {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"},
		schema.GroupKind{Group: "apps", Kind: "StatefulSet"},
		schema.GroupKind{Group: "apps", Kind: "ReplicaSet"},
		schema.GroupKind{Kind: "ReplicationController"},
		schema.GroupKind{Group: "apps.openshift.io", Kind: "DeploymentConfig"},
		schema.GroupKind{Group: "ibp.com", Kind: "IBPPeer"},
		schema.GroupKind{Group: "ibp.com", Kind: "IBPCA"},
		schema.GroupKind{Group: "ibp.com", Kind: "IBPConsole"},
		schema.GroupKind{Group: "ibp.com", Kind: "IBPOrderer"}:
		return replicas{}
	case cronJobKind:
		return cronJob{}
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		return job{}
	case schema.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		return daemonSet{}
	case schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:
		return horizontalPodAutoscaler{}
	default:
		return nil
	}
}
