package transform

import "testing"

func TestRename(t *testing.T) {
	runAll(t, newRename(map[string]string{"shop": "shop-dr", "same": "same"}), map[string]transformation{
		"moves an object": {
			before: "{apiVersion: v1, kind: ConfigMap, metadata: {name: shop, namespace: shop}}",
			after:  "{apiVersion: v1, kind: ConfigMap, metadata: {name: shop, namespace: shop-dr}}",
		},
		"leaves objects of other namespaces alone": {before: "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: same}}"},
		"renames the Namespace itself": {
			before: "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}", after: "{apiVersion: v1, kind: Namespace, metadata: {name: shop-dr}}",
		},
		"renames subjects and keeps those of other namespaces": {
			before: `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: shop}
subjects:
- {kind: ServiceAccount, name: app, namespace: shop}
- {kind: ServiceAccount, name: app, namespace: other}
- {kind: User, name: "system:serviceaccount:shop:app"}
- {kind: Group, name: "system:serviceaccounts:shop"}
- {kind: User, name: shop}`,
			after: `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: shop-dr}
subjects:
- {kind: ServiceAccount, name: app, namespace: shop-dr}
- {kind: ServiceAccount, name: app, namespace: other}
- {kind: User, name: "system:serviceaccount:shop-dr:app"}
- {kind: Group, name: "system:serviceaccounts:shop-dr"}
- {kind: User, name: shop}`,
		},
		"renames the claim of a volume": {
			before: "{apiVersion: v1, kind: PersistentVolume, spec: {claimRef: {name: data, namespace: shop}}}",
			after:  "{apiVersion: v1, kind: PersistentVolume, spec: {claimRef: {name: data, namespace: shop-dr}}}",
		},
		"renames services behind webhooks and what webhooks look at": {
			before: `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
webhooks:
- clientConfig: {caBundle: eA==, service: {name: hook, namespace: shop}}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}
- clientConfig: {url: https://shop}`,
			after: `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
webhooks:
- clientConfig: {caBundle: eA==, service: {name: hook, namespace: shop-dr}}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop-dr}}
- clientConfig: {url: https://shop}`,
		},
		"renames the service of a conversion webhook": {
			before: `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: {conversion: {webhook: {clientConfig: {caBundle: eA==, service: {namespace: shop}}}}}`,
			after: `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: {conversion: {webhook: {clientConfig: {caBundle: eA==, service: {namespace: shop-dr}}}}}`,
		},
		"renames namespaces in NetworkPolicies": {
			before: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
spec:
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop, team: shop}}}]}]
  egress: [{to: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [shop, other]}]}}]}]`,
			after: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
spec:
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop-dr, team: shop}}}]}]
  egress: [{to: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [shop-dr, other]}]}}]}]`,
		},
		"renames namespaces of pod affinity": {
			before: `
apiVersion: apps/v1
kind: Deployment
spec: {template: {spec: {affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{namespaces: [shop, other]}]}}}}}`,
			after: `
apiVersion: apps/v1
kind: Deployment
spec: {template: {spec: {affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{namespaces: [shop-dr, other]}]}}}}}`,
		},
	})
	t.Run("does nothing where no namespace is renamed", func(t *testing.T) {
		tc := transformation{before: "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: shop}}"}
		tc.run(t, newRename(map[string]string{"shop": "shop"}))
		tc.run(t, newRename(nil))
	})
}
