package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// RuleActionCommand runs a command in containers.
	RuleActionCommand = "command"
)

// RuleAction is one thing to do.
type RuleAction struct {
	// type of the action; command is the only one.
	// +kubebuilder:validation:Enum=command
	Type string `json:"type"`
	// background true keeps the command running until the next step is done, for example while volumes are captured. value must
	// contain ${WAIT_CMD} where it shall wait; that is replaced by a command which returns when the next step is done.
	// +optional
	Background bool `json:"background,omitempty"`
	// runInSinglePod true runs the command in one of the pods only.
	// +optional
	RunInSinglePod bool `json:"runInSinglePod,omitempty"`
	// value is the command, run by sh -c.
	// +kubebuilder:validation:MaxLength=65536
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="value is empty: write the command that sh -c runs in the pods"
	Value string `json:"value"`
}

// RuleItem is a list of actions in selected pods.
type RuleItem struct {
	// podSelector are labels that a pod must all have.
	// +kubebuilder:validation:MaxProperties=100
	// +kubebuilder:validation:XValidation:rule="self.all(key, key.matches('^([A-Za-z0-9][-A-Za-z0-9.]*/)?[A-Za-z0-9][-A-Za-z0-9_.]*$'))",message="podSelector must be labels by their keys, such as app or example.com/team: no operators, and no matchLabels around them"
	// +optional
	// +nullable
	PodSelector map[string]string `json:"podSelector,omitempty"`
	// container to run in; empty means a pod's first.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="container must be the name of a container, such as database, or empty for a pod's first"
	// +optional
	Container string `json:"container,omitempty"`
	// actions to do in each pod.
	// +kubebuilder:validation:MaxItems=100
	// +listType=atomic
	// +optional
	// +nullable
	Actions []RuleAction `json:"actions,omitempty"`
}

// Rule is a list of commands to run in pods before or after something else.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=rules
type Rule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// rules are done one after the other.
	// +kubebuilder:validation:MaxItems=100
	// +listType=atomic
	// +optional
	// +nullable
	Rules []RuleItem `json:"rules"`
}

// RuleList is a list of Rules.
//
// +kubebuilder:object:root=true
type RuleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Rule `json:"items"`
}
