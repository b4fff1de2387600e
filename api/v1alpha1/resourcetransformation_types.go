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
// +kubebuilder:validation:XValidation:rule="self.?operation.orValue('jsonpatch') in ['jsonpatch', 'jsonPatch'] || size(self.?path.orValue(\"\")) > 0",fieldPath=".path",message="path is needed unless operation is jsonpatch: set it to a field, such as spec.type or spec.containers[0].image"
// +kubebuilder:validation:XValidation:rule="self.?operation.orValue('delete') in ['delete', 'jsonpatch', 'jsonPatch'] || size(self.?type.orValue(\"\")) > 0",fieldPath=".type",message="type is needed for operation add, modify and replace: set it to int, string, bool, slice or keypair"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue(\"\") != 'bool' || self.?operation.orValue('delete') in ['delete', 'jsonpatch', 'jsonPatch'] || (has(self.value) && self.value in ['true', 'false', 'True', 'False', 'TRUE', 'FALSE', 't', 'f', 'T', 'F', '1', '0'])",fieldPath=".value",message="value must be true or false where type is bool"
// +kubebuilder:validation:XValidation:rule="!(self.?operation.orValue('delete') in ['jsonpatch', 'jsonPatch']) || (has(self.value) && (self.value.startsWith('[') || self.value.startsWith(' ') || self.value.startsWith('\\n')))",fieldPath=".value",message="value must be a JSON list of RFC 6902 operations where operation is jsonpatch"
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
	// +required
	Operation TransformOperation `json:"operation"`
}

// TransformSpec changes objects of one kind.
//
// +kubebuilder:validation:XValidation:rule="size(self.?paths.orValue([])) > 0",fieldPath=".paths",message="paths is empty: say there what to change"
type TransformSpec struct {
	// resource is group/version/Kind, for the core group /v1/Kind.
	// +kubebuilder:validation:MaxLength=400
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^/ ]*/[^/ ]+/[^/ ]+$')",message="resource must be group/version/Kind, such as apps/v1/Deployment, or /v1/Service for the core group"
	// +required
	Resource string `json:"resource"`
	// selectors are labels that an object must all have.
	// +kubebuilder:validation:MaxProperties=100
	// +kubebuilder:validation:XValidation:rule="self.all(key, key.matches('^([A-Za-z0-9][-A-Za-z0-9.]*/)?[A-Za-z0-9][-A-Za-z0-9_.]*$'))",message="selectors must be labels by their keys, such as app or example.com/team: no operators, and no matchLabels around them"
	// +optional
	// +nullable
	Selectors map[string]string `json:"selectors,omitempty"`
	// paths are the changes, in order.
	// +kubebuilder:validation:MaxItems=100
	// +listType=atomic
	// +optional
	// +nullable
	Paths []ResourcePath `json:"paths"`
}

// ResourceTransformationSpec is a list of changes to objects.
//
// +kubebuilder:validation:XValidation:rule="size(self.?transformSpecs.orValue([])) > 0",fieldPath=".transformSpecs",message="transformSpecs is empty: say there which objects to change"
type ResourceTransformationSpec struct {
	// transformSpecs are done one after the other.
	// +kubebuilder:validation:MaxItems=100
	// +listType=atomic
	// +optional
	// +nullable
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
	// specs is what would be changed: a copy, so it is not checked again.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
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
// +kubebuilder:validation:XValidation:rule="has(self.specs) || (oldSelf.hasValue() && !has(oldSelf.value().specs))",optionalOldSelf=true,message="specs is missing (with an s): say there what to change"
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
