package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TransformOperation is what is done at a path.
// +kubebuilder:validation:Enum=add;modify;delete;replace;jsonpatch;jsonPatch
type TransformOperation string

const (
	// TransformAdd sets the value, whether the path exists or not.
	TransformAdd TransformOperation = "add"
	// TransformModify merges a keypair into a map, appends a slice to a list, and sets everything else.
	TransformModify TransformOperation = "modify"
	// TransformDelete removes the path.
	TransformDelete TransformOperation = "delete"
	// TransformReplace sets the value where the path exists.
	TransformReplace TransformOperation = "replace"
	// TransformJSONPatch applies the value as an RFC 6902 document; path is not used.
	TransformJSONPatch TransformOperation = "jsonpatch"
)

// TransformValueType is the type of the value to set.
// +kubebuilder:validation:Enum="";int;string;bool;slice;keypair
type TransformValueType string

const (
	// TransformInt is a decimal whole number.
	TransformInt TransformValueType = "int"
	// TransformString is a string.
	TransformString TransformValueType = "string"
	// TransformBool is true or false.
	TransformBool TransformValueType = "bool"
	// TransformSlice is a list of strings separated by commas.
	TransformSlice TransformValueType = "slice"
	// TransformKeyPair is a list of key:value separated by commas.
	TransformKeyPair TransformValueType = "keypair"
)

// ResourcePath is one change.
//
// +kubebuilder:validation:XValidation:rule="self.operation in ['delete', 'jsonpatch', 'jsonPatch'] || (has(self.type) && self.type != '')",message="type must be int, string, bool, slice or keypair for operation add, modify and replace"
// +kubebuilder:validation:XValidation:rule="self.operation in ['jsonpatch', 'jsonPatch'] || (has(self.path) && self.path != '')",message="path is needed, for example spec.type or spec.containers[0].image"
type ResourcePath struct {
	// path of the field, dotted, with array indexes, for example spec.template.spec.containers[0].image.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Path string `json:"path"`
	// value to set, in the form that type says.
	// +kubebuilder:validation:MaxLength=65536
	// +optional
	Value string `json:"value"`
	// type of the value.
	// +optional
	Type TransformValueType `json:"type"`
	// operation to do.
	Operation TransformOperation `json:"operation"`
}

// TransformSpec changes objects of one kind.
type TransformSpec struct {
	// resource is group/version/Kind, for the core group /v1/Kind.
	// +kubebuilder:validation:Pattern=`^[^/]*/[^/]+/[^/]+$`
	// +kubebuilder:validation:MaxLength=400
	Resource string `json:"resource"`
	// selectors are labels that an object must all have.
	// +optional
	Selectors map[string]string `json:"selectors,omitempty"`
	// paths are the changes, in order.
	// +kubebuilder:validation:MaxItems=100
	// +listType=atomic
	// +optional
	Paths []ResourcePath `json:"paths"`
}

// ResourceTransformationSpec is a list of changes to objects.
type ResourceTransformationSpec struct {
	// transformSpecs are done one after the other.
	// +kubebuilder:validation:MaxItems=100
	// +listType=atomic
	// +optional
	Objects []TransformSpec `json:"transformSpecs"`
}

// ResourceTransformationStatusType is the state of a ResourceTransformation.
// +kubebuilder:validation:Enum="";InProgress;Ready;Failed
type ResourceTransformationStatusType string

const (
	// ResourceTransformationStatusInitial is the state before validation.
	ResourceTransformationStatusInitial ResourceTransformationStatusType = ""
	// ResourceTransformationStatusInProgress is the state while it is validated.
	ResourceTransformationStatusInProgress ResourceTransformationStatusType = "InProgress"
	// ResourceTransformationStatusReady means that Migrations can use it.
	ResourceTransformationStatusReady ResourceTransformationStatusType = "Ready"
	// ResourceTransformationStatusFailed means that Migrations cannot use it.
	ResourceTransformationStatusFailed ResourceTransformationStatusType = "Failed"
)

// TransformResourceInfo is the dry run of one object.
type TransformResourceInfo struct {
	// name of the object.
	Name string `json:"name"`
	// namespace of the object.
	// +optional
	Namespace string `json:"namespace"`
	// group of its kind.
	// +optional
	Group string `json:"group"`
	// version of its kind.
	// +optional
	Version string `json:"version"`
	// kind of the object.
	// +optional
	Kind string `json:"kind"`
	// status of the dry run.
	// +optional
	Status ResourceTransformationStatusType `json:"status"`
	// reason of a failure.
	// +optional
	Reason string `json:"reason"`
	// specs is what would be changed.
	// +optional
	Specs *TransformSpec `json:"specs,omitempty"`
}

// ResourceTransformationStatus is what the dry run found.
type ResourceTransformationStatus struct {
	// status of the transformation.
	// +optional
	Status ResourceTransformationStatusType `json:"status"`
	// resources are the objects that the dry run tried, at most 200, failures first.
	// +kubebuilder:validation:MaxItems=10000
	// +listType=atomic
	// +optional
	Resources []*TransformResourceInfo `json:"resources,omitempty"`
	// conditions sum it up.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the specs that this status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// ResourceTransformation changes objects on their way to another cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=resourcetransformations
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.status`
// +kubebuilder:printcolumn:name="Created",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type ResourceTransformation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// specs are the changes.
	// +optional
	Spec ResourceTransformationSpec `json:"specs"`
	// status is what the dry run found.
	// +optional
	Status ResourceTransformationStatus `json:"status,omitempty"`
}

// ResourceTransformationList is a list of ResourceTransformations.
//
// +kubebuilder:object:root=true
type ResourceTransformationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ResourceTransformation `json:"items"`
}
