package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SuspendValueType is the type of the value at a suspend path.
// +kubebuilder:validation:Enum="";bool;int;string
type SuspendValueType string

const (
	// SuspendValueBool is a boolean; an empty suspend value means true.
	SuspendValueBool SuspendValueType = "bool"
	// SuspendValueInt is a whole number; the suspended value is 0.
	SuspendValueInt SuspendValueType = "int"
	// SuspendValueString is a string.
	SuspendValueString SuspendValueType = "string"
)

// SuspendOptions tells how a custom resource is stopped: by which value of which field.
type SuspendOptions struct {
	// path of the field, dotted, for example spec.replicas.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Path string `json:"path"`
	// type of the field.
	// +optional
	Type SuspendValueType `json:"type"`
	// value of the field in the stopped state.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Value string `json:"value"`
}

// StashStrategy says that a custom resource waits in a ConfigMap until it is activated.
type StashStrategy struct {
	// stashCR true applies, in place of the custom resource, a ConfigMap that holds it.
	// +optional
	StashCR bool `json:"stashCR"`
}

// ApplicationResource tells about the custom resources of one kind.
//
// +kubebuilder:validation:XValidation:rule="!has(self.suspendOptions) || !has(self.suspendOptions.path) || self.suspendOptions.path == '' || (has(self.suspendOptions.type) && self.suspendOptions.type in ['bool','int','string'])",message="suspendOptions.type must be bool, int or string"
type ApplicationResource struct {
	// group of the kind.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Group string `json:"group"`
	// version of the kind.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Version string `json:"version"`
	// kind as the API server spells it.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Kind string `json:"kind"`

	// keepStatus true migrates the status too.
	// +optional
	KeepStatus bool `json:"keepStatus"`
	// suspendOptions tells how to stop a custom resource.
	// +optional
	SuspendOptions SuspendOptions `json:"suspendOptions,omitempty"`
	// podsPath is the dotted path of a list of names of pods to delete after stopping.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	PodsPath string `json:"podsPath"`
	// customSuspendOptions are further fields to set, before that of suspendOptions.
	// +kubebuilder:validation:MaxItems=50
	// +listType=atomic
	// +optional
	NestedSuspendOptions []SuspendOptions `json:"customSuspendOptions,omitempty"`
	// stashStrategy makes custom resources wait in a ConfigMap until they are activated.
	// +optional
	StashStrategy StashStrategy `json:"stashStrategy,omitempty"`
}

// ApplicationRegistration tells how custom resources are stopped and started.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=applicationregistrations,scope=Cluster
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.resources[*].kind`
// +kubebuilder:printcolumn:name="CRD-Name",type=string,JSONPath=`.resources[*].group`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.resources[*].version`
// +kubebuilder:printcolumn:name="Suspend-Options",type=string,JSONPath=`.resources[*].suspendOptions.path`
// +kubebuilder:printcolumn:name="Keep-Status",type=boolean,JSONPath=`.resources[*].keepStatus`
type ApplicationRegistration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// resources are the kinds that this registration tells about.
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	// +optional
	Resources []ApplicationResource `json:"resources"`
}

// ApplicationRegistrationList is a list of ApplicationRegistrations.
//
// +kubebuilder:object:root=true
type ApplicationRegistrationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ApplicationRegistration `json:"items"`
}
