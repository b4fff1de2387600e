package v1alpha1

import (
	"cmp"
	"encoding/json"

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

// SuspendOptions tells how a custom resource is stopped: by which value of which field. Without a path it tells nothing.
//
// +kubebuilder:validation:XValidation:rule="size(self.?path.orValue(\"\")) == 0 || size(self.?type.orValue(\"\")) > 0",fieldPath=".type",message="type is needed along with path: set it to bool, int or string"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue(\"\") != 'bool' || !has(self.value) || size(self.value) == 0 || self.value in ['true', 'false', 'True', 'False', 'TRUE', 'FALSE', 't', 'f', 'T', 'F', '1', '0']",fieldPath=".value",message="value must be true or false, or empty for true, where type is bool",messageExpression="'value must be true or false, or empty for true, where type is bool: it is ' + self.value"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue(\"\") != 'int' || !has(self.value) || self.value.matches('^([-+]?[0-9]+)?$')",fieldPath=".value",message="value must be a whole number, or empty for 0, where type is int",messageExpression="'value must be a whole number, or empty for 0, where type is int: it is ' + self.value"
type SuspendOptions struct {
	// path of the field, dotted, for example spec.replicas.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^$|^[^].[ /]+([.][^].[ /]+)*$')",message="path must be names of fields joined by dots, without indexes, such as spec.replicas"
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
type ApplicationResource struct {
	// group of the kind.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="group must be that of the kind, such as apps, without a version; empty for the core group"
	// +optional
	Group string `json:"group"`
	// version of the kind.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="version must be one of the kind's group, such as v1, without the group"
	// +optional
	Version string `json:"version"`
	// kind as the API server spells it.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?$')",message="kind must be as kubectl api-resources shows it, such as Prometheus, without its group"
	// +required
	Kind string `json:"kind"`

	// keepStatus true migrates the status too.
	// +kubebuilder:default=false
	// +optional
	KeepStatus bool `json:"keepStatus"`
	// suspendOptions tells how to stop a custom resource.
	// +optional
	SuspendOptions SuspendOptions `json:"suspendOptions,omitempty"`
	// podsPath is the dotted path of a list of names of pods to delete after stopping.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^$|^[^].[ /]+([.][^].[ /]+)*$')",message="podsPath must be names of fields joined by dots, without indexes, such as status.members.ready"
	// +optional
	PodsPath string `json:"podsPath"`
	// PodsPath is podsPath as early versions of Stork spelled it. It counts where podsPath is empty.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	LegacyPodsPath string `json:"PodsPath,omitempty"`
	// customSuspendOptions are further fields to set, before that of suspendOptions.
	// +kubebuilder:validation:MaxItems=20
	// +listType=atomic
	// +optional
	// +nullable
	NestedSuspendOptions []SuspendOptions `json:"customSuspendOptions,omitempty"`
	// stashStrategy makes custom resources wait in a ConfigMap until they are activated.
	// +optional
	StashStrategy StashStrategy `json:"stashStrategy,omitempty"`
}

// UnmarshalJSON reads the legacy spelling of podsPath into PodsPath, so that nobody else need know it.
func (r *ApplicationResource) UnmarshalJSON(data []byte) error {
	type plain ApplicationResource
	if err := json.Unmarshal(data, (*plain)(r)); err != nil {
		return err
	}
	r.PodsPath = cmp.Or(r.PodsPath, r.LegacyPodsPath)
	return nil
}

// ApplicationRegistration tells how custom resources are stopped and started.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=applicationregistrations,scope=Cluster
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.resources[0].kind`
// +kubebuilder:printcolumn:name="CRD-Name",type=string,JSONPath=`.resources[0].group`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.resources[0].version`
// +kubebuilder:printcolumn:name="Suspend-Options",type=string,JSONPath=`.resources[0].suspendOptions.path`
// +kubebuilder:printcolumn:name="Keep-Status",type=boolean,JSONPath=`.resources[0].keepStatus`
type ApplicationRegistration struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// resources are the kinds that this registration tells about.
	// +kubebuilder:validation:MaxItems=200
	// +listType=atomic
	// +optional
	// +nullable
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
