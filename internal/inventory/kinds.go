package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// API groups that kinds are told apart by. A kind is never known by its name alone: Knative has Services too.
const (
	groupAdmission   = "admissionregistration.k8s.io"
	groupApps        = "apps"
	groupAutoscaling = "autoscaling"
	groupBatch       = "batch"
	groupCDI         = "cdi.kubevirt.io"
	groupDiscovery   = "discovery.k8s.io"
	groupExtensions  = "apiextensions.k8s.io"
	groupKubeVirt    = "kubevirt.io"
	groupNetworking  = "networking.k8s.io"
	groupNode        = "node.k8s.io"
	groupPolicy      = "policy"
	groupRBAC        = "rbac.authorization.k8s.io"
	groupScheduling  = "scheduling.k8s.io"
	groupStorage     = "storage.k8s.io"
	groupOSApps      = "apps.openshift.io"
	groupOSImage     = "image.openshift.io"
	groupOSRoute     = "route.openshift.io"
	groupOSTemplate  = "template.openshift.io"
)

// Kinds that other kinds are judged by.
var (
	claimKind          = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	volumeKind         = schema.GroupKind{Kind: "PersistentVolume"}
	podKind            = schema.GroupKind{Kind: "Pod"}
	namespaceKind      = schema.GroupKind{Kind: "Namespace"}
	definitionKind     = schema.GroupKind{Group: groupExtensions, Kind: "CustomResourceDefinition"}
	deploymentKind     = schema.GroupKind{Group: groupApps, Kind: "Deployment"}
	replicaSetKind     = schema.GroupKind{Group: groupApps, Kind: "ReplicaSet"}
	clusterRoleKind    = schema.GroupKind{Group: groupRBAC, Kind: "ClusterRole"}
	virtualMachineKind = schema.GroupKind{Group: groupKubeVirt, Kind: "VirtualMachine"}
)

// handling is what is particular about a kind. The zero value: all objects are migrated that the labels select.
type handling struct {
	// rule chooses among the objects; nil keeps all.
	rule rule
	// learn gathers facts from an object that other rules judge by; nil if there are none.
	learn func(*facts, *unstructured.Unstructured)
	// optional kinds are migrated only on request.
	optional bool
	// volumes marks what is migrated when only volumes are.
	volumes bool
	// ownedGoes says that an object is left out if its owner is migrated, because the owner's controller makes it anew.
	ownedGoes bool
	// byReference says that its own labels do not matter: objects are kept because of what refers to them.
	byReference bool
	// late kinds are judged by references of all other objects that were selected.
	late bool
	// unfiltered kinds are listed whatever their labels, because other kinds are judged by them too.
	unfiltered bool
	// factsFor is a kind that cannot be judged without this one: it is read even if it is not migrated itself.
	factsFor schema.GroupKind
	// onlyWith is a kind without which there is nothing to look for.
	onlyWith schema.GroupKind
	// first marks what is read before it is known what else there is to read.
	first bool
}

// knownKinds are the kinds that are migrated although they are no custom resources, and the custom resources that have a rule.
//
// It is Stork's list with what its users miss: autoscalers, hand-made EndpointSlices, ReplicationControllers, PodTemplates, the
// classes that objects refer to. ImageStreamTags are not in it, because they are views of an ImageStream, whose spec.tags
// carries them along.
var knownKinds = map[schema.GroupKind]handling{
	namespaceKind:  {volumes: true, first: true},
	definitionKind: {first: true},

	// What runs.
	deploymentKind:                                             {ownedGoes: true},
	replicaSetKind:                                             {ownedGoes: true},
	{Group: groupApps, Kind: "StatefulSet"}:                    {ownedGoes: true},
	{Group: groupApps, Kind: "DaemonSet"}:                      {},
	{Group: groupApps, Kind: "ControllerRevision"}:             {rule: controllerRevisionRule, onlyWith: virtualMachineKind},
	{Group: groupBatch, Kind: "CronJob"}:                       {},
	{Group: groupBatch, Kind: "Job"}:                           {optional: true},
	{Group: groupAutoscaling, Kind: "HorizontalPodAutoscaler"}: {ownedGoes: true},
	{Group: groupPolicy, Kind: "PodDisruptionBudget"}:          {},
	{Kind: "ReplicationController"}:                            {ownedGoes: true},
	{Kind: "PodTemplate"}:                                      {},

	// Volumes.
	claimKind:                             {rule: claimRule, learn: learnClaim, volumes: true, factsFor: volumeKind},
	volumeKind:                            {rule: volumeRule, volumes: true, byReference: true},
	{Group: groupCDI, Kind: "DataVolume"}: {rule: dataVolumeRule},

	// Configuration.
	{Kind: "ConfigMap"}:     {rule: configMapRule},
	{Kind: "Secret"}:        {rule: secretRule},
	{Kind: "ResourceQuota"}: {rule: resourceQuotaRule},
	{Kind: "LimitRange"}:    {},
	{Group: groupAdmission, Kind: "MutatingWebhookConfiguration"}:   {rule: webhookConfigurationRule},
	{Group: groupAdmission, Kind: "ValidatingWebhookConfiguration"}: {rule: webhookConfigurationRule},

	// Network.
	{Kind: "Service"}:   {rule: serviceRule, learn: learnService, ownedGoes: true},
	{Kind: "Endpoints"}: {rule: endpointsRule},
	{Group: groupDiscovery, Kind: "EndpointSlice"}:  {rule: endpointSliceRule, ownedGoes: true},
	{Group: groupNetworking, Kind: "Ingress"}:       {},
	{Group: groupNetworking, Kind: "NetworkPolicy"}: {rule: networkPolicyRule},

	// Access.
	{Kind: "ServiceAccount"}:         {rule: serviceAccountRule, ownedGoes: true},
	{Group: groupRBAC, Kind: "Role"}: {rule: roleRule, ownedGoes: true},
	clusterRoleKind:                  {rule: clusterRoleRule},
	{Group: groupRBAC, Kind: "RoleBinding"}: {
		rule: roleBindingRule, ownedGoes: true,
		learn: learnRoleBinding, unfiltered: true, factsFor: clusterRoleKind,
	},
	{Group: groupRBAC, Kind: "ClusterRoleBinding"}: {
		rule:  clusterRoleBindingRule,
		learn: learnClusterRoleBinding, unfiltered: true, factsFor: clusterRoleKind,
	},

	// Classes.
	ingressClassKind:  {rule: classRule, byReference: true, late: true},
	runtimeClassKind:  {rule: classRule, byReference: true, late: true},
	priorityClassKind: {rule: classRule, byReference: true, late: true},
	storageClassKind:  {rule: classRule, byReference: true, late: true, volumes: true},

	// OpenShift.
	{Group: groupOSApps, Kind: "DeploymentConfig"}: {ownedGoes: true},
	{Group: groupOSImage, Kind: "ImageStream"}:     {},
	{Group: groupOSRoute, Kind: "Route"}:           {},
	{Group: groupOSTemplate, Kind: "Template"}:     {},
}

// bookkeepingGroups are the groups of Stork, Portworx and of Stork's old snapshots: they belong to a cluster's own protection.
var bookkeepingGroups = []string{
	storkv1alpha1.GroupName,
	"kdmp.portworx.com",
	"autopilot.libopenstorage.org",
	"core.libopenstorage.org",
	"volumesnapshot.external-storage.k8s.io",
}

// neverMigrated tells whether a kind stays where it is even if it is asked for: what controllers and nodes make for themselves,
// and what means something in one cluster only.
func neverMigrated(kind schema.GroupKind) bool {
	if kind.Kind == "VolumeSnapshot" || slices.Contains(bookkeepingGroups, kind.Group) {
		return true
	}
	switch kind {
	case podKind,
		schema.GroupKind{Kind: "Node"},
		schema.GroupKind{Kind: "Event"},
		schema.GroupKind{Group: "events.k8s.io", Kind: "Event"},
		schema.GroupKind{Group: "coordination.k8s.io", Kind: "Lease"},
		schema.GroupKind{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"},
		schema.GroupKind{Group: groupKubeVirt, Kind: "VirtualMachineInstance"},
		schema.GroupKind{Group: groupKubeVirt, Kind: "VirtualMachineInstanceMigration"}:
		return true
	}
	return false
}
