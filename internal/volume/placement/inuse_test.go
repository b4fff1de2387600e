package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func newPod(name string, phase corev1.PodPhase, source corev1.VolumeSource, changes ...func(*corev1.Pod)) corev1.Pod {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{Phase: phase},
		Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: "tmp"}, {Name: "v", VolumeSource: source}}},
	}
	for _, change := range changes {
		change(&pod)
	}
	return pod
}

func TestInUseNamesThePodsThatStillMountTheClaim(t *testing.T) {
	mount := func(claim string) corev1.VolumeSource {
		return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}
	}
	pods := []corev1.Pod{
		newPod("running", corev1.PodRunning, mount("data")),
		newPod("pending", corev1.PodPending, mount("data")),
		newPod("ending", corev1.PodRunning, mount("data"), func(pod *corev1.Pod) { pod.DeletionTimestamp = new(metav1.Now()) }),
		newPod("succeeded", corev1.PodSucceeded, mount("data")),
		newPod("failed", corev1.PodFailed, mount("data")),
		newPod("mover", corev1.PodRunning, mount("data"), func(pod *corev1.Pod) { pod.Labels = map[string]string{LabelMover: ""} }),
		newPod("other", corev1.PodRunning, mount("logs")),
		newPod("ephemeral", corev1.PodRunning, corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}),
	}
	for claim, want := range map[string][]string{
		"data": {"ending", "pending", "running"}, "logs": {"other"}, "ephemeral-v": {"ephemeral"}, "nobody": nil,
	} {
		if diff := cmp.Diff(want, InUse(pods, claim)); diff != "" {
			t.Errorf("claim %s (-want,+got)\n%s", claim, diff)
		}
	}
}
