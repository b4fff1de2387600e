package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ClusterPairSpec says how to reach the other cluster and its storage.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.config) && has(self.kubeconfigSecretRef))",message="config and kubeconfigSecretRef exclude each other: remove one of them"
// +kubebuilder:validation:XValidation:rule="has(self.config) || has(self.kubeconfigSecretRef)",message="there is no kubeconfig of the other cluster: name a Secret in kubeconfigSecretRef, or put the kubeconfig into config"
type ClusterPairSpec struct {
	// config is a kubeconfig whose clusters, users and contexts are maps by name, as `storkctl generate clusterpair` prints it.
	// Credentials in it are readable by everyone who may read ClusterPairs: prefer kubeconfigSecretRef.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +optional
	// +nullable
	Config *runtime.RawExtension `json:"config,omitempty"`

	// kubeconfigSecretRef names a Secret in the ClusterPair's namespace that holds a kubeconfig file.
	// +optional
	// +nullable
	KubeconfigSecretRef *KubeconfigSecretRef `json:"kubeconfigSecretRef,omitempty"`

	// options are for the storage driver, for example ip, port, token, mode and backuplocation. Storage is paired when the key
	// token is present.
	// +optional
	// +nullable
	Options map[string]string `json:"options,omitempty"`

	// platformOptions are for the platform that manages the clusters.
	// +optional
	PlatformOptions PlatformSpec `json:"platformOptions,omitempty"`
}

// KubeconfigSecretRef names a key of a Secret.
type KubeconfigSecretRef struct {
	// name of the Secret, in the namespace of the ClusterPair.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="name must be that of a Secret in the namespace of the ClusterPair, such as remote-kubeconfig"
	// +required
	Name string `json:"name"`

	// key of the Secret's data that holds the kubeconfig.
	// +kubebuilder:default=kubeconfig
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="key must be a key of the Secret's data, such as kubeconfig: letters, digits, '-', '_' and '.'"
	// +optional
	Key string `json:"key,omitempty"`
}

// PlatformSpec holds the options of one platform.
type PlatformSpec struct {
	// rancher maps the projects of a Rancher installation.
	// +optional
	// +nullable
	Rancher *RancherSpec `json:"rancher,omitempty"`
}

// RancherSpec maps Rancher projects of this cluster to those of the other one.
type RancherSpec struct {
	// projectMappings maps a project ID of this cluster to the one it becomes in the other. Both "project" and
	// "cluster:project" are understood on either side.
	// +optional
	// +nullable
	ProjectMappings map[string]string `json:"projectMappings,omitempty"`
}

// ClusterPairStatusType is the state of one half of a ClusterPair.
// +kubebuilder:validation:Enum="";Pending;Ready;Error;Degraded;Deleting;NotProvided
type ClusterPairStatusType string

const (
	// ClusterPairStatusInitial is the state before the first probe.
	ClusterPairStatusInitial ClusterPairStatusType = ""
	// ClusterPairStatusPending means that the pair waits for something, for example its Secret.
	ClusterPairStatusPending ClusterPairStatusType = "Pending"
	// ClusterPairStatusReady means that this half can be used.
	ClusterPairStatusReady ClusterPairStatusType = "Ready"
	// ClusterPairStatusError means that this half cannot be used; a condition says why.
	ClusterPairStatusError ClusterPairStatusType = "Error"
	// ClusterPairStatusDegraded means that a half that was Ready fails its probes now, or lacks permissions.
	ClusterPairStatusDegraded ClusterPairStatusType = "Degraded"
	// ClusterPairStatusDeleting means that the pair is being deleted.
	ClusterPairStatusDeleting ClusterPairStatusType = "Deleting"
	// ClusterPairStatusNotProvided means that no storage options were given: only objects can be migrated.
	ClusterPairStatusNotProvided ClusterPairStatusType = "NotProvided"
)

// ClusterPairStatus is what the controller found out about the other cluster.
type ClusterPairStatus struct {
	// schedulerStatus tells whether the other cluster's API server can be used.
	// +optional
	SchedulerStatus ClusterPairStatusType `json:"schedulerStatus,omitempty"`

	// storageStatus tells whether the storage driver is paired.
	// +optional
	StorageStatus ClusterPairStatusType `json:"storageStatus,omitempty"`

	// remoteStorageId is the storage driver's name of the other storage cluster.
	// +optional
	RemoteStorageID string `json:"remoteStorageId,omitempty"`

	// serverVersion is the Kubernetes version of the other cluster, as last probed.
	// +optional
	ServerVersion string `json:"serverVersion,omitempty"`

	// lastProbeTime is when a probe of the other cluster was noted last: at each change, and every few minutes while there is none.
	// +optional
	LastProbeTime *metav1.Time `json:"lastProbeTime,omitempty"`

	// conditions are Ready, Reachable, Authorized and StoragePaired.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// ClusterPair is the trust of this cluster in another one that applications are migrated to.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=clusterpairs
// +kubebuilder:printcolumn:name="Storage-Status",type=string,JSONPath=`.status.storageStatus`
// +kubebuilder:printcolumn:name="Scheduler-Status",type=string,JSONPath=`.status.schedulerStatus`
// +kubebuilder:printcolumn:name="Created",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Version",type=string,priority=1,JSONPath=`.status.serverVersion`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="has(self.spec) || (oldSelf.hasValue() && !has(oldSelf.value().spec))",optionalOldSelf=true,message="spec is missing: say there how to reach the other cluster"
type ClusterPair struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says how to reach the other cluster.
	// +optional
	Spec ClusterPairSpec `json:"spec"`
	// status is what was found out about it.
	// +optional
	Status ClusterPairStatus `json:"status,omitempty"`
}

// ClusterPairList is a list of ClusterPairs.
//
// +kubebuilder:object:root=true
type ClusterPairList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClusterPair `json:"items"`
}
