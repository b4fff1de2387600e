package apply

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// wave is a number of kinds that are written together.
type wave struct {
	// resources of the kinds, as "resource.group".
	resources []string
	// after are the waves that must be over before this one begins. They come before it in the table.
	after []int
	// narrow waves are written by Options.ServiceWorkers at most.
	narrow bool
}

const (
	waveDefinitions = iota
	waveNamespaces
	waveClasses
	waveVolumes
	waveClaims
	waveRoles
	waveBindings
	waveConfiguration
	waveServices
	waveEndpoints
	waveWorkloads
	waveCustomResources
	waveQuotas
	waveAdmission
	waveCount
)

// waves is the order in which objects are written, and in which they are reported. A wave waits only for what the API server or a
// controller needs to be there, so that the workers are never idle for the sake of order: definitions are established, and
// Services written in their narrow lane, beside everything else.
var waves = [waveCount]wave{
	// A custom resource waits for its own definition, see entry.needs; nothing else has to.
	waveDefinitions: {resources: []string{"customresourcedefinitions.apiextensions.k8s.io"}},
	waveNamespaces:  {resources: []string{"namespaces"}},
	waveClasses: {resources: []string{
		"storageclasses.storage.k8s.io", "volumeattributesclasses.storage.k8s.io", "volumesnapshotclasses.snapshot.storage.k8s.io",
		"csidrivers.storage.k8s.io", "priorityclasses.scheduling.k8s.io", "runtimeclasses.node.k8s.io", "ingressclasses.networking.k8s.io",
	}},
	waveVolumes: {resources: []string{"persistentvolumes"}, after: []int{waveClasses}},
	// A claim that is there before its volume may be given another one.
	waveClaims: {resources: []string{"persistentvolumeclaims"}, after: []int{waveNamespaces, waveClasses, waveVolumes}},
	waveRoles: {resources: []string{
		"serviceaccounts", "roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io",
		"securitycontextconstraints.security.openshift.io",
	}, after: []int{waveNamespaces}},
	// Who may not bind every role is refused a binding to a role that is missing.
	waveBindings: {resources: []string{
		"rolebindings.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
	}, after: []int{waveNamespaces, waveRoles}},
	// Limits apply to pods that are made later only, hence they come before the workloads.
	waveConfiguration: {resources: []string{
		"configmaps", "secrets", "limitranges", "networkpolicies.networking.k8s.io", "podtemplates",
		"controllerrevisions.apps", "imagestreams.image.openshift.io", "templates.template.openshift.io",
		"buildconfigs.build.openshift.io",
	}, after: []int{waveNamespaces}},
	waveServices:  {resources: []string{"services"}, after: []int{waveNamespaces}, narrow: true},
	waveEndpoints: {resources: []string{"endpoints", "endpointslices.discovery.k8s.io"}, after: []int{waveServices}},
	// A StatefulSet makes claims that are missing, and pods need all that they refer to.
	waveWorkloads: {resources: []string{
		"deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps", "replicationcontrollers",
		"jobs.batch", "cronjobs.batch", "pods", "deploymentconfigs.apps.openshift.io",
		"horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy",
		"ingresses.networking.k8s.io", "ingresses.extensions", "routes.route.openshift.io",
	}, after: []int{waveClaims, waveBindings, waveConfiguration}},
	// And all kinds that are in no other wave. Their operator may be among the workloads.
	waveCustomResources: {after: []int{waveWorkloads}},
	// A quota that is new refuses what it counts until its controller has counted what is there.
	waveQuotas: {resources: []string{"resourcequotas"}, after: []int{waveServices, waveCustomResources}},
	// A webhook whose server does not run yet would refuse everything that follows.
	waveAdmission: {resources: []string{
		"mutatingwebhookconfigurations.admissionregistration.k8s.io", "validatingwebhookconfigurations.admissionregistration.k8s.io",
		"mutatingadmissionpolicies.admissionregistration.k8s.io", "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
		"validatingadmissionpolicies.admissionregistration.k8s.io", "validatingadmissionpolicybindings.admissionregistration.k8s.io",
	}, after: []int{waveDefinitions, waveEndpoints, waveQuotas}},
}

var waveOfResource = indexWaves()

func indexWaves() map[schema.GroupResource]int {
	index := map[schema.GroupResource]int{}
	for number, w := range waves {
		for _, resource := range w.resources {
			index[schema.ParseGroupResource(resource)] = number
		}
	}
	return index
}

// waveOf returns the number of the wave that a kind is written in.
func waveOf(resource schema.GroupResource) int {
	if number, known := waveOfResource[resource]; known {
		return number
	}
	return waveCustomResources
}
