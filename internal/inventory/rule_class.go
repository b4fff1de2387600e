package inventory

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	ingressClassKind  = schema.GroupKind{Group: groupNetworking, Kind: "IngressClass"}
	priorityClassKind = schema.GroupKind{Group: groupScheduling, Kind: "PriorityClass"}
	runtimeClassKind  = schema.GroupKind{Group: groupNode, Kind: "RuntimeClass"}
	storageClassKind  = schema.GroupKind{Group: groupStorage, Kind: "StorageClass"}
)

// classRule keeps the classes that selected objects refer to: without them the API server or a controller of the destination
// refuses those. Classes that come with the cluster are left out.
func classRule(class *unstructured.Unstructured, f *facts) verdict {
	kind, name := class.GroupVersionKind().GroupKind(), class.GetName()
	if kind == priorityClassKind && builtInPriority(name) {
		return leaveOut
	}
	return keepIf(f.references[kind].Has(name))
}

func builtInPriority(name string) bool {
	switch name {
	case "system-cluster-critical", "system-node-critical", "k8s-cluster-critical", "openshift-user-critical":
		return true
	}
	return false
}

// learnReferences notes the classes that an object refers to. It looks at fields and not at kinds, since custom resources have
// pod templates and classes of storage as well.
func (f *facts) learnReferences(object *unstructured.Unstructured) {
	annotations := object.GetAnnotations()
	f.refer(storageClassKind, text(object.Object, "spec", "storageClassName"))
	f.refer(storageClassKind, annotations[corev1.BetaStorageClassAnnotation])
	f.refer(ingressClassKind, text(object.Object, "spec", "ingressClassName"))
	f.refer(ingressClassKind, annotations[networkingv1beta1.AnnotationIngressClass])
	for _, claim := range elements(object.Object, "spec", "volumeClaimTemplates") {
		f.refer(storageClassKind, text(claim, "spec", "storageClassName"))
	}
	for _, path := range [][]string{
		{"spec", "template", "spec"},
		{"spec", "jobTemplate", "spec", "template", "spec"},
		{"template", "spec"},
	} {
		f.learnPodReferences(field[map[string]any](object.Object, path...))
	}
}

func (f *facts) learnPodReferences(pod map[string]any) {
	f.refer(priorityClassKind, text(pod, "priorityClassName"))
	f.refer(runtimeClassKind, text(pod, "runtimeClassName"))
	for _, volume := range elements(pod, "volumes") {
		f.refer(storageClassKind, text(volume, "ephemeral", "volumeClaimTemplate", "spec", "storageClassName"))
	}
}
