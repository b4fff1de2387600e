package placement

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// LabelMover is on every pod that copies data for this operator. Its value is free.
const LabelMover = "godwit.io/mover"

// InUse returns the names of the pods that use a claim of their namespace, sorted: those that mount it and have not ended. Movers do not
// count. A claim in use must not be written.
func InUse(pods []corev1.Pod, claim string) []string {
	var users []string
	for i := range pods {
		_, mover := pods[i].Labels[LabelMover]
		if !mover && !ended(&pods[i]) && mounts(&pods[i], claim) {
			users = append(users, pods[i].Name)
		}
	}
	slices.Sort(users)
	return users
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func mounts(pod *corev1.Pod, claim string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(mounted corev1.Volume) bool {
		if source := mounted.PersistentVolumeClaim; source != nil {
			return source.ClaimName == claim
		}
		// The claim of an ephemeral volume is named after both.
		return mounted.Ephemeral != nil && pod.Name+"-"+mounted.Name == claim
	})
}
