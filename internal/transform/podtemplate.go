package transform

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/godwit-io/godwit/internal/workload/field"
)

// podSpec returns the pod spec in an object of a kind that has pods; nil for all others.
func podSpec(content map[string]any, kind schema.GroupKind) map[string]any {
	switch kind {
	case podKind:
		return field.Map(content, "spec")
	case podTemplateKind:
		return field.Map(content, "template", "spec")
	case cronJobKind:
		return field.Map(content, "spec", "jobTemplate", "spec", "template", "spec")
	case deploymentKind, statefulSetKind, daemonSetKind, replicaSetKind, replicationControllerKind, jobKind, deploymentConfigKind,
		virtualMachineKind:
		return field.Map(content, "spec", "template", "spec")
	default:
		return nil
	}
}

// eachPodAffinityTerm visits the terms of pod affinity and anti-affinity, required and preferred. (Topology spread constraints
// look at pods of one namespace only, so they have nothing of the kind.)
func eachPodAffinityTerm(spec map[string]any, visit func(term map[string]any)) {
	affinity := field.Map(spec, "affinity")
	for _, kind := range []string{"podAffinity", "podAntiAffinity"} {
		rules := field.Map(affinity, kind)
		for term := range field.Maps(rules, "requiredDuringSchedulingIgnoredDuringExecution") {
			visit(term)
		}
		for weighted := range field.Maps(rules, "preferredDuringSchedulingIgnoredDuringExecution") {
			if term := field.Map(weighted, "podAffinityTerm"); term != nil {
				visit(term)
			}
		}
	}
}
