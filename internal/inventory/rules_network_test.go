package inventory

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

const selectingService = `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}}}`

func TestServices(t *testing.T) {
	service := func(name, namespace string) string {
		return `{apiVersion: v1, kind: Service, metadata: {name: ` + name + `, namespace: ` + namespace + `}}`
	}
	runRuleTests(t, map[string]ruleTest{
		"keeps a Service":                      {object: service("web", "shop"), want: true},
		"leaves out that of the API server":    {object: service("kubernetes", "default")},
		"tells of one that is taken for it":    {object: service("kubernetes", "shop"), tells: true},
		"keeps a Knative Service of that name": {object: `{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: kubernetes, namespace: shop}}`, want: true},
	})
}

func TestEndpoints(t *testing.T) {
	endpoints := func(metadata, addresses string) string {
		return `{apiVersion: v1, kind: Endpoints, metadata: {name: web, namespace: shop, ` + metadata + `}, subsets: [{` + addresses + `}]}`
	}
	const applied = `kubectl.kubernetes.io/last-applied-configuration: "{}"`
	runRuleTests(t, map[string]ruleTest{
		"keeps hand-made ones":                                 {object: endpoints("", "addresses: [{ip: 192.0.2.1}]"), want: true},
		"keeps applied ones":                                   {object: endpoints(`annotations: {`+applied+`, x: y}`, "addresses: [{ip: 192.0.2.1}]"), want: true},
		"leaves out a controller's by its annotations":         {object: endpoints(`annotations: {endpoints.kubernetes.io/last-change-trigger-time: x}`, "")},
		"leaves out what points to pods":                       {object: endpoints("", "addresses: [{ip: 192.0.2.1}, {ip: 192.0.2.2, targetRef: {kind: Pod, name: p}}]")},
		"leaves out what points to pods not ready":             {object: endpoints("", "notReadyAddresses: [{ip: 192.0.2.2, targetRef: {kind: Pod, name: p}}]")},
		"leaves out those of a headless Service":               {object: endpoints(`labels: {service.kubernetes.io/headless: ""}`, "")},
		"leaves out empty ones of a Service that chooses pods": {object: endpoints("", ""), with: []string{selectingService}},
		"keeps those of a Service without a selector":          {object: endpoints("", ""), with: []string{`{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}}`}, want: true},
		"keeps all on request": {object: endpoints(`annotations: {stork.libopenstorage.org/include-resource: ""}`,
			"addresses: [{ip: 192.0.2.2, targetRef: {kind: Pod, name: p}}]"), with: []string{selectingService}, want: true},
		"never keeps the API server's": {object: `{apiVersion: v1, kind: Endpoints, metadata: {name: kubernetes, namespace: default,
			annotations: {stork.libopenstorage.org/include-resource: ""}}}`},
	})
}

func TestEndpointSlices(t *testing.T) {
	slice := func(labels string) string {
		return `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: shop, labels: {` + labels + `}}}`
	}
	runRuleTests(t, map[string]ruleTest{
		"keeps a hand-made one":                         {object: slice("kubernetes.io/service-name: external"), with: []string{selectingService}, want: true},
		"keeps one of no Service":                       {object: slice(""), want: true},
		"keeps one of another controller":               {object: slice("endpointslice.kubernetes.io/managed-by: staff"), want: true},
		"leaves out one that is made from pods":         {object: slice("endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io")},
		"leaves out one that mirrors Endpoints":         {object: slice("endpointslice.kubernetes.io/managed-by: endpointslicemirroring-controller.k8s.io")},
		"leaves out one of a Service that chooses pods": {object: slice("kubernetes.io/service-name: web"), with: []string{selectingService}},
		"leaves out the API server's": {object: `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice,
			metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}}`},
	})
}

func TestNetworkPolicies(t *testing.T) {
	policy := func(spec string) string {
		return `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {` + spec + `}}`
	}
	const block = `[{podSelector: {}}, {ipBlock: {cidr: 192.0.2.0/24}}]`
	runRuleTests(t, map[string]ruleTest{
		"keeps one without addresses":       {object: policy(`ingress: [{from: [{podSelector: {}}]}]`), want: true},
		"tells of addresses that may enter": {object: policy(`ingress: [{}, {from: ` + block + `}]`), tells: true},
		"tells of addresses to go to":       {object: policy(`egress: [{to: ` + block + `}]`), tells: true},
		"keeps addresses on request":        {object: policy(`egress: [{to: ` + block + `}]`), know: func(f *facts) { f.addresses = true }, want: true},
		"keeps Calico's of the same kind":   {object: `{apiVersion: crd.projectcalico.org/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {egress: [{to: ` + block + `}]}}`, want: true},
	})
}

func TestClasses(t *testing.T) {
	class := func(apiVersion, kind, name string) string {
		return `{apiVersion: ` + apiVersion + `, kind: ` + kind + `, metadata: {name: ` + name + `}}`
	}
	priority := func(name string) string { return class("scheduling.k8s.io/v1", "PriorityClass", name) }
	storage := class("storage.k8s.io/v1", "StorageClass", "fast")
	ingress := class("networking.k8s.io/v1", "IngressClass", "nginx")
	with := func(object string) []string { return []string{object} }
	runRuleTests(t, map[string]ruleTest{
		"keeps the priority of a StatefulSet":         {object: priority("high"), with: with(`{kind: StatefulSet, spec: {template: {spec: {priorityClassName: high}}}}`), want: true},
		"keeps the priority of a CronJob":             {object: priority("high"), with: with(`{kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {priorityClassName: high}}}}}}`), want: true},
		"keeps the priority of a PodTemplate":         {object: priority("high"), with: with(`{kind: PodTemplate, template: {spec: {priorityClassName: high}}}`), want: true},
		"keeps the priority of a virtual machine":     {object: priority("high"), with: with(`{kind: VirtualMachine, spec: {template: {spec: {priorityClassName: high}}}}`), want: true},
		"leaves out a priority that nobody has":       {object: priority("high"), with: with(`{kind: Deployment, spec: {template: {spec: {priorityClassName: low}}}}`)},
		"leaves out the cluster's own priority":       {object: priority("system-node-critical"), with: with(`{spec: {template: {spec: {priorityClassName: system-node-critical}}}}`)},
		"keeps the runtime of a Deployment":           {object: class("node.k8s.io/v1", "RuntimeClass", "kata"), with: with(`{spec: {template: {spec: {runtimeClassName: kata}}}}`), want: true},
		"does not take a runtime for a priority":      {object: priority("kata"), with: with(`{spec: {template: {spec: {runtimeClassName: kata}}}}`)},
		"keeps the storage class of a claim":          {object: storage, with: with(`{kind: PersistentVolumeClaim, spec: {storageClassName: fast}}`), want: true},
		"keeps the storage class of an old claim":     {object: storage, with: with(`{metadata: {annotations: {volume.beta.kubernetes.io/storage-class: fast}}}`), want: true},
		"keeps the storage class of claims to come":   {object: storage, with: with(`{spec: {volumeClaimTemplates: [{spec: {storageClassName: fast}}]}}`), want: true},
		"keeps the storage class of ephemeral claims": {object: storage, with: with(`{spec: {template: {spec: {volumes: [{ephemeral: {volumeClaimTemplate: {spec: {storageClassName: fast}}}}]}}}}`), want: true},
		"leaves out a storage class that nobody uses": {object: storage},
		"keeps the class of an Ingress":               {object: ingress, with: with(`{spec: {ingressClassName: nginx}}`), want: true},
		"keeps the class of an old Ingress":           {object: ingress, with: with(`{metadata: {annotations: {kubernetes.io/ingress.class: nginx}}}`), want: true},
		"leaves out a class without Ingress":          {object: ingress},
		"leaves out a class that is opted out": {object: `{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast,
			annotations: {stork.libopenstorage.org/skip-resource: "true"}}}`, with: with(`{spec: {storageClassName: fast}}`)},
	})
}

func TestKindsAreToldApartByGroup(t *testing.T) {
	for _, kind := range []schema.GroupKind{
		{Group: "serving.knative.dev", Kind: "Service"}, {Group: "serving.knative.dev", Kind: "Route"},
		{Group: "crd.projectcalico.org", Kind: "NetworkPolicy"}, {Group: "config.openshift.io", Kind: "Ingress"},
		{Group: "extensions", Kind: "Deployment"}, {Group: "", Kind: "Deployment"},
	} {
		if _, known := knownKinds[kind]; known {
			t.Errorf("%s is taken for a kind of Kubernetes", kind)
		}
	}
}
