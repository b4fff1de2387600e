package e2e_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The keeper's port, and where its volume is: a folder, or a block device.
const (
	keeperPort   = 8080
	keeperFolder = "/data"
	keeperDevice = "/dev/data"
)

// newNamespace makes a namespace with labels, which goes with the spec.
func (s *side) newNamespace(ctx context.Context, labels map[string]string) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "app-", Labels: labels}}
	Expect(s.Create(ctx, namespace)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		Expect(client.IgnoreNotFound(s.Delete(ctx, namespace))).To(Succeed())
	})
	return namespace.Name
}

// keeper returns a StatefulSet of one pod, keeper-0, whose claim data-keeper-0 is of a storage class.
func keeper(namespace, class string) *appsv1.StatefulSet {
	labels := map[string]string{"app": "keeper"}
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "keeper"},
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name:  "keeper",
					Image: keeperImage,
					Args:  []string{"serve", ":8080", keeperFolder},
					ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
						HTTPGet: &corev1.HTTPGetAction{Path: "/starts", Port: intstr.FromInt32(keeperPort)},
					}},
					VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: keeperFolder}},
				}}},
			},
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				ObjectMeta: metav1.ObjectMeta{Name: "data"},
				Spec: corev1.PersistentVolumeClaimSpec{
					StorageClassName: &class,
					AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("100Mi")}},
				},
			}},
		},
	}
}

// onDevice gives a StatefulSet its volume as a block device, in place of a folder.
func onDevice(set *appsv1.StatefulSet) *appsv1.StatefulSet {
	set.Spec.VolumeClaimTemplates[0].Spec.VolumeMode = new(corev1.PersistentVolumeBlock)
	container := &set.Spec.Template.Spec.Containers[0]
	container.Args = []string{"serve", ":8080", "/tmp"}
	container.VolumeMounts = nil
	container.VolumeDevices = []corev1.VolumeDevice{{Name: "data", DevicePath: keeperDevice}}
	return set
}

// nodePort returns a Service that leads to keepers from outside of the cluster.
func nodePort(namespace string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "keeper"},
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeNodePort,
			Selector: map[string]string{"app": "keeper"},
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(keeperPort)}},
		},
	}
}

// restricted has a StatefulSet comply with the strictest of the Pod Security Standards, as users and groups of those numbers.
func restricted(set *appsv1.StatefulSet, user, group, fsGroup int64) *appsv1.StatefulSet {
	pod := &set.Spec.Template.Spec
	pod.SecurityContext = &corev1.PodSecurityContext{
		RunAsNonRoot: new(true), RunAsUser: &user, RunAsGroup: &group, FSGroup: &fsGroup,
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	pod.Containers[0].SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	return set
}

// awaitReady waits until a pod is Ready that is not the one with the UID, and returns its UID.
func (s *side) awaitReady(ctx context.Context, name types.NamespacedName, not types.UID) types.UID {
	GinkgoHelper()
	pod := &corev1.Pod{}
	Eventually(func(g Gomega) {
		g.Expect(s.Get(ctx, name, pod)).To(Succeed())
		g.Expect(pod.UID).NotTo(Equal(not))
		g.Expect(pod.Status.Conditions).To(ContainElement(And(
			HaveField("Type", corev1.PodReady), HaveField("Status", corev1.ConditionTrue))))
	}).WithContext(ctx).Should(Succeed())
	return pod.UID
}

// keeper runs a command of the keeper's in its pod, and returns what it prints.
func (s *side) keeper(ctx context.Context, pod types.NamespacedName, args ...string) string {
	GinkgoHelper()
	output, err := s.cluster.Exec(ctx, pod, "", nil, append([]string{"/keeper"}, args...)...)
	Expect(err).NotTo(HaveOccurred())
	return output
}
