package transform

import "k8s.io/apimachinery/pkg/runtime/schema"

// Kinds that transformers know.
var (
	clusterRoleBindingKind       = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}
	configMapKind                = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	cronJobKind                  = schema.GroupKind{Group: "batch", Kind: "CronJob"}
	customResourceDefinitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	daemonSetKind                = schema.GroupKind{Group: "apps", Kind: "DaemonSet"}
	deploymentConfigKind         = schema.GroupKind{Group: "apps.openshift.io", Kind: "DeploymentConfig"}
	deploymentKind               = schema.GroupKind{Group: "apps", Kind: "Deployment"}
	endpointSliceKind            = schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
	endpointsKind                = schema.GroupKind{Kind: "Endpoints"}
	jobKind                      = schema.GroupKind{Group: "batch", Kind: "Job"}
	mutatingWebhookKind          = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}
	namespaceKind                = schema.GroupKind{Kind: "Namespace"}
	networkPolicyKind            = schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}
	persistentVolumeClaimKind    = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	persistentVolumeKind         = schema.GroupKind{Kind: "PersistentVolume"}
	podKind                      = schema.GroupKind{Kind: "Pod"}
	podTemplateKind              = schema.GroupKind{Kind: "PodTemplate"}
	replicaSetKind               = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	replicationControllerKind    = schema.GroupKind{Kind: "ReplicationController"}
	roleBindingKind              = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}
	secretKind                   = schema.GroupKind{Kind: "Secret"}
	serviceAccountKind           = schema.GroupKind{Kind: "ServiceAccount"}
	serviceKind                  = schema.GroupKind{Kind: "Service"}
	statefulSetKind              = schema.GroupKind{Group: "apps", Kind: "StatefulSet"}
	validatingWebhookKind        = schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}
	virtualMachineKind           = schema.GroupKind{Group: "kubevirt.io", Kind: "VirtualMachine"}
)
